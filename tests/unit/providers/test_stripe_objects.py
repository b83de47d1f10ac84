import copy
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.providers.stripe_objects import bare_customer_id, contact_of, snapshot_of
from tests.unit.providers.stripe_payloads import CREATED, DUE, FINALISED, Payload, invoice, legacy_invoice


def read(shown: Payload) -> Snapshot:
    snapshot = snapshot_of(shown, CREATED)
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize("shown", [invoice(), legacy_invoice()])
def test_an_invoice_reads_the_same_from_any_api_version(shown: Payload) -> None:
    assert read(shown) == Snapshot(
        source="stripe",
        customer="stripe:cus_1",
        invoice_id="in_1",
        number="ACME-0007",
        status=Status.OPEN,
        currency="EUR",
        total=120_00,
        amount_due=100_00,
        due=DUE,
        issued_at=FINALISED,
        stamp=CREATED,
        payment_url="https://invoice.stripe.example/i/1",
        link_read=True,
        collects_automatically=False,
        contact=Contact("Acme GmbH", "ap@acme.example", "+431234567", "AT"),
        frozen_email="ap@acme.example",
    )


def test_what_is_owed_is_what_remains_after_payments_and_credit_notes() -> None:
    assert read(invoice(amount_due=120_00, amount_paid=0, amount_remaining=70_00)).amount_due == 70_00


def test_without_amount_remaining_what_was_paid_is_taken_off() -> None:
    assert read(invoice(amount_remaining=None)).amount_due == 100_00


def test_an_open_invoice_in_credit_is_kept_as_it_is() -> None:
    assert read(invoice(amount_remaining=-5_00)).amount_due == -5_00


def test_an_old_paid_flag_means_paid() -> None:
    assert read(legacy_invoice(paid=True, status=None)).status is Status.PAID


def test_an_invoice_charged_automatically_has_no_due_date() -> None:
    snapshot = read(invoice(collection_method="charge_automatically", due_date=None))
    assert snapshot.collects_automatically
    assert snapshot.due is None


def test_before_it_has_a_number_its_id_must_do() -> None:
    assert read(invoice(number=None)).number == "in_1"


def test_before_it_is_finalised_its_creation_is_its_issue() -> None:
    assert read(invoice(status="draft", status_transitions={"finalized_at": None})).issued_at == FINALISED - timedelta(days=1, hours=9.5)


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_currencies_that_stripe_sends_hundredfold_are_brought_down(currency: str) -> None:
    snapshot = read(invoice(currency=currency, total=500_000, amount_remaining=400_000))
    assert (snapshot.total, snapshot.amount_due) == (5_000, 4_000)


@pytest.mark.parametrize("currency", ["jpy", "kwd"])
def test_other_currencies_keep_their_minor_units(currency: str) -> None:
    snapshot = read(invoice(currency=currency, amount_remaining=4_000))
    assert (snapshot.currency, snapshot.amount_due) == (currency.upper(), 4_000)


def test_an_expanded_customer_is_fresher_than_what_the_invoice_froze() -> None:
    expanded = {"id": "cus_1", "email": "new@acme.example", "phone": None, "preferred_locales": ["de"], "address": None}
    snapshot = read(invoice(customer=expanded))
    assert snapshot.customer == "stripe:cus_1"
    assert snapshot.contact == Contact("Acme GmbH", "new@acme.example", "+431234567", "AT", "de", settings=CustomerSettings())


@pytest.mark.parametrize("blank", ["", "  ", None, 7, []])
def test_a_contact_field_that_says_nothing_is_absent(blank: object) -> None:
    assert read(invoice(customer_email=blank, customer_phone=blank)).contact == Contact("Acme GmbH", country="AT")


@pytest.mark.parametrize("other", ["xero:1:2", "cus_1", "stripe:", ""])
def test_only_stripes_own_customers_have_a_bare_id(other: str) -> None:
    with pytest.raises(Rejected):
        bare_customer_id(other)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "country", "finalized_at"]), inner, max_size=3),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from(sorted(invoice())), anything, min_size=1, max_size=4))
def test_no_odd_value_in_any_field_makes_reading_fail(changes: Payload) -> None:
    shown = {**copy.deepcopy(invoice()), **changes}
    snapshot = snapshot_of(shown, CREATED)
    if snapshot is not None:
        assert isinstance(snapshot.amount_due, int)
        assert snapshot.customer.startswith("stripe:")
        assert snapshot.is_bare or snapshot.currency.isupper()


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        ({"status": "paid", "currency": "euros"}, Status.PAID),
        ({"status": "paid", "total": 10**15}, Status.PAID),
        ({"status": "void", "amount_remaining": "none", "amount_due": None}, Status.VOID),
        ({"status": "open", "amount_remaining": 0, "currency": "euros"}, None),
        ({"status": "settled", "currency": "euros"}, None),
    ],
)
def test_of_an_invoice_whose_status_says_that_it_owes_nothing_that_much_is_understood(shown: Payload, seen: Status | None) -> None:
    found = snapshot_of({**invoice(), **shown}, CREATED)
    assert (found and (found.status, found.amount_due, found.is_bare)) == (seen and (seen, 0, True))


def test_half_a_surrogate_pair_does_not_make_an_invoice_unstorable() -> None:
    contact = read(invoice(customer_name="Zo\ud800e")).contact
    assert contact.name == "Zo?e"


@pytest.mark.parametrize(
    ("shown", "is_subscription"),
    [
        ({"parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}}}, True),
        ({"parent": {"type": "subscription_details", "subscription_details": {"subscription": {"id": "sub_1"}}}}, True),
        ({"parent": {"type": "quote_details", "quote_details": {"quote": "qt_1"}, "subscription_details": None}}, False),
        ({"subscription": "sub_1"}, True),
        ({"subscription": {"id": "sub_1"}}, True),
        ({"parent": None, "subscription": None}, False),
    ],
)
def test_an_invoice_of_any_version_says_whether_it_is_a_subscriptions(shown: Payload, is_subscription: bool) -> None:
    found = snapshot_of(invoice(**shown), CREATED)
    assert found
    assert found.subscription is is_subscription


def test_metadata_holds_tags_as_people_write_them() -> None:
    found = snapshot_of(invoice(metadata={"tags": "VIP; North ,, vip", "tag": "été", "project": "True", "order": "17"}), CREATED)
    assert found
    assert found.tags == ("vip", "north", "été", "project")
    assert contact_of({"id": "cus_1", "metadata": {}}).tags == ()
    assert contact_of({"id": "cus_1"}).tags is None


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("020 7946 0018", "GB", "+442079460018"),
        ("020 7946 0018", None, None),
        ("call me", "GB", None),
        ("+44 20 7946 0018", None, "+442079460018"),
    ],
)
def test_a_number_is_taken_only_where_it_needs_no_guess(written: str, country: str | None, number: str | None) -> None:
    """Stripe keeps whatever a person types; SNS refuses what is no number, and a guess might be a stranger's."""
    address = {"country": country}
    assert contact_of({"id": "cus_1", "phone": written, "address": address}).phone == number
    assert read(invoice(customer_phone=written, customer_address=address)).contact.phone == number


def test_what_a_customer_object_shows_as_empty_is_known_to_be_gone_and_what_it_leaves_out_is_not() -> None:
    assert contact_of({"id": "cus_1", "phone": None, "email": ""}).of_record == {"email", "phone"}
    assert contact_of({"id": "cus_1"}).of_record == frozenset()
    found = read(invoice(customer={"id": "cus_1", "email": None, "phone": None}))
    assert (found.contact.email, found.frozen_email, found.contact.of_record) == ("ap@acme.example", "ap@acme.example", frozenset())


@pytest.mark.parametrize(
    ("shown", "is_business"),
    [
        ({}, None),
        ({"metadata": {"is_business": "yes"}}, True),
        ({"metadata": {"is_business": "false"}, "tax_ids": {"data": [{"type": "eu_vat"}]}}, False),
        ({"tax_ids": {"data": [{"type": "eu_vat", "value": "ATU1"}]}}, True),
        ({"tax_exempt": "reverse"}, True),
        ({"tax_exempt": "exempt"}, None),
    ],
)
def test_a_customer_is_a_business_by_its_metadata_or_its_tax(shown: Payload, is_business: bool | None) -> None:
    assert contact_of({"id": "cus_1", **shown}).is_business is is_business
    on_invoice = {f"customer_{key}" if key != "metadata" else key: value for key, value in shown.items()}
    if "customer_tax_ids" in on_invoice:
        on_invoice["customer_tax_ids"] = [{"type": "eu_vat", "value": "ATU1"}]
    found = snapshot_of(invoice(**on_invoice), CREATED)
    assert found
    assert found.contact.is_business is is_business
