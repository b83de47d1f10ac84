from collections.abc import Iterator

import pytest

from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.errors import Permanent, Retryable, Unauthorised
from dunning.domain.invoice import Contact
from dunning.workflow.ports import Traced
from dunning.workflow.source_events import CustomerDeleted, DisputeSeen, FetchKind
from tests.contract.providers.played_stripe import PlayedStripe
from tests.contract.providers.source_contract import ANNA, NOW, Owed, PlayedRemoteProvider, RemoteSourceContract, ids


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedStripe]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with PlayedStripe().running() as played:
        yield played


class TestStripeSource(RemoteSourceContract):
    @pytest.fixture
    def provider(self, stripe: PlayedStripe) -> PlayedRemoteProvider:
        return stripe


@pytest.mark.parametrize("status", [200, 400, 402])
def test_a_page_that_is_no_json_is_no_word_of_stripes_whatever_its_status(stripe: PlayedStripe, status: int) -> None:
    stripe.answers(status)
    with pytest.raises(Retryable):
        stripe.source.fetch("in_1")


def test_a_deleted_customer_has_no_contact(stripe: PlayedStripe) -> None:
    stripe.has("customers", {"id": "cus_anna", "object": "customer", "deleted": True})
    assert stripe.source.fetch_contact("stripe:cus_anna") is None


def test_a_customers_first_language_and_country_are_part_of_the_contact(stripe: PlayedStripe) -> None:
    stripe.has("customers", {"id": "cus_anna", "preferred_locales": ["de-AT"], "address": {"country": "AT"}})
    assert stripe.source.fetch_contact("stripe:cus_anna") == Contact(country="AT", locale="de-AT", settings=CustomerSettings())


def test_an_invoice_without_a_customer_is_nobodys(stripe: PlayedStripe) -> None:
    stripe.has("invoices", {"id": "in_1", "status": "open", "customer": None})
    assert stripe.source.fetch("in_1") is None
    assert stripe.source.open_page(None).unreadable == ()


def test_one_unreadable_invoice_does_not_stop_a_page(stripe: PlayedStripe) -> None:
    stripe.has_invoice(Owed("in_1"))
    stripe.has("invoices", {"id": "in_2", "status": "open", "customer": "cus_anna", "amount_remaining": "a lot"})
    page = stripe.source.open_page(None)
    assert ids(page.snapshots) == ["in_1"]
    assert page.unreadable == ("in_2",)


def test_before_a_reminder_an_unreadable_invoice_is_not_taken_for_paid(stripe: PlayedStripe) -> None:
    stripe.has("invoices", {"id": "in_2", "status": "open", "customer": "cus_anna", "amount_remaining": "a lot"})
    assert stripe.source.open_invoices_of(stripe.customer_id(ANNA)) == ()
    with pytest.raises(Permanent, match="in_2"):
        stripe.source.fetch("in_2")


def test_a_list_that_does_not_move_on_is_not_read_for_ever(stripe: PlayedStripe) -> None:
    invoice = {"id": "in_1", "customer": "cus_anna", "status": "open", "currency": "eur", "amount_remaining": 1}
    stripe.always_lists({"data": [invoice], "has_more": True})
    with pytest.raises(Permanent, match="in_1"):
        stripe.source.open_invoices_of(stripe.customer_id(ANNA))


def test_a_charge_of_today_leads_to_its_invoices_through_invoice_payments(stripe: PlayedStripe) -> None:
    stripe.has("charges", {"id": "ch_1", "customer": "cus_anna", "payment_intent": "pi_1"})
    for number, invoice, intent in [(1, "in_1", "pi_1"), (2, "in_2", "pi_1"), (3, "in_1", "pi_1"), (4, "in_9", "pi_9")]:
        payment = {"type": "payment_intent", "payment_intent": intent}
        stripe.has("invoice_payments", {"id": f"inpay_{number}", "invoice": invoice, "payment": payment})
    traced = stripe.source.trace(FetchKind.CHARGE, "ch_1")
    assert traced is not None
    assert (traced.customer, sorted(traced.invoices)) == ("stripe:cus_anna", ["in_1", "in_2"])


def test_a_payment_leads_to_its_invoices_where_its_charge_is_not_to_be_had(stripe: PlayedStripe) -> None:
    payment = {"type": "payment_intent", "payment_intent": "pi_1"}
    stripe.has("invoice_payments", {"id": "inpay_1", "invoice": "in_1", "payment": payment})
    assert stripe.source.trace(FetchKind.PAYMENT_INTENT, "pi_1") == Traced(None, ("in_1",))
    assert stripe.source.trace(FetchKind.PAYMENT_INTENT, "pi_2") is None


def test_a_charge_of_old_names_its_invoice(stripe: PlayedStripe) -> None:
    stripe.has("charges", {"id": "ch_1", "customer": "cus_anna", "invoice": "in_1", "payment_intent": "pi_1"})
    assert stripe.source.trace(FetchKind.CHARGE, "ch_1") == Traced("stripe:cus_anna", ("in_1",))


def test_a_charge_that_paid_no_invoice_still_tells_whose_it_is(stripe: PlayedStripe) -> None:
    stripe.has("charges", {"id": "ch_1", "customer": {"id": "cus_anna"}, "payment_intent": None})
    assert stripe.source.trace(FetchKind.CHARGE, "ch_1") == Traced("stripe:cus_anna", ())


@pytest.mark.parametrize(("kind", "collection"), [(FetchKind.CREDIT_NOTE, "credit_notes"), (FetchKind.INVOICE_PAYMENT, "invoice_payments")])
def test_credit_notes_and_invoice_payments_lead_to_their_invoice(stripe: PlayedStripe, kind: FetchKind, collection: str) -> None:
    stripe.has(collection, {"id": "x_1", "customer": "cus_anna", "invoice": "in_1"})
    assert stripe.source.trace(kind, "x_1") == Traced("stripe:cus_anna", ("in_1",))


@pytest.mark.parametrize("kind", [FetchKind.CHARGE, FetchKind.CREDIT_NOTE, FetchKind.INVOICE_PAYMENT])
def test_what_stripe_does_not_know_leads_nowhere(stripe: PlayedStripe, kind: FetchKind) -> None:
    assert stripe.source.trace(kind, "x_1") is None


def test_a_dispute_is_read_as_it_is_now(stripe: PlayedStripe) -> None:
    stripe.has("disputes", {"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1", "status": "won"})
    assert stripe.source.fetch_dispute("dp_1") == DisputeSeen("dp_1", is_open=False, charge="ch_1", payment_intent="pi_1", stamp=NOW)
    assert stripe.source.fetch_dispute("dp_2") is None


def test_an_event_is_read_as_if_it_had_just_come(stripe: PlayedStripe) -> None:
    stripe.has(
        "events",
        {
            "id": "evt_1",
            "object": "event",
            "type": "customer.deleted",
            "created": int(NOW.timestamp()),
            "data": {"object": {"id": "cus_anna"}},
        },
    )
    assert stripe.source.fetch_event("evt_1") == CustomerDeleted("stripe:cus_anna", NOW)
    assert stripe.source.fetch_event("evt_2") is None


def test_an_event_that_cannot_be_read_will_not_get_better(stripe: PlayedStripe) -> None:
    stripe.has("events", {"id": "evt_1", "object": "event"})
    with pytest.raises(Permanent, match="evt_1"):
        stripe.source.fetch_event("evt_1")


@pytest.mark.parametrize(("status", "code"), [(409, "lock_timeout"), (400, "rate_limit")])
def test_a_lock_at_stripe_is_worth_another_attempt(stripe: PlayedStripe, status: int, code: str) -> None:
    stripe.answers(status, {"code": code})
    with pytest.raises(Retryable, match=code):
        stripe.source.fetch("in_1")


def test_a_rolled_key_is_used_from_the_next_call_on(stripe: PlayedStripe) -> None:
    stripe.source.fetch("in_1")
    stripe.key = "sk_test_rolled"
    stripe.source.fetch("in_1")
    assert stripe.sent_keys == ["sk_test_played", "sk_test_rolled"]


def test_errors_never_quote_the_key(stripe: PlayedStripe) -> None:
    stripe.answers(401, {"message": f"Invalid API Key provided: {stripe.key}"})
    with pytest.raises(Unauthorised) as refused:
        stripe.source.fetch("in_1")
    assert stripe.key not in str(refused.value)


def test_an_id_cannot_leave_its_path(stripe: PlayedStripe) -> None:
    stripe.has("customers", {"id": "cus_anna"})
    assert stripe.source.fetch("../customers/cus_anna") is None
