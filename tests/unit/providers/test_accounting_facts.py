"""What QuickBooks and Xero say of a customer's kind and of a repeating invoice, for choosing a policy."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dunning.domain.invoice import Snapshot, Status
from dunning.providers import quickbooks_objects, xero_objects

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Json = dict[str, object]


def of_quickbooks(customer: Json | None = None, **shown: object) -> Snapshot:
    invoice: Json = {"Id": "1", "CustomerRef": {"value": "7"}, "Balance": "10", "TotalAmt": "10", "CurrencyRef": {"value": "USD"}, **shown}
    found = quickbooks_objects.snapshot_of("11", invoice, NOW, customer)
    assert found
    return found


def of_xero(contact: Json | None = None, **shown: object) -> Snapshot:
    invoice: Json = {"InvoiceID": "1", "Contact": {"ContactID": "7"}, "Status": "AUTHORISED", "AmountDue": "10", "CurrencyCode": "NZD"}
    found = xero_objects.snapshot_of("t", {**invoice, **shown}, NOW, contact)
    assert found
    return found


@pytest.mark.parametrize("written", ["1e40", "1e999999999", "-1e15", "1e15"])
def test_an_amount_that_cannot_be_true_makes_an_invoice_unreadable(written: str) -> None:
    owed: Json = {"Id": "1", "CustomerRef": {"value": "7"}, "CurrencyRef": {"value": "USD"}}
    assert quickbooks_objects.snapshot_of("11", {**owed, "Balance": written}, NOW) is None
    assert quickbooks_objects.snapshot_of("11", {**owed, "Balance": "1", "TotalAmt": written}, NOW) is None
    billed: Json = {"InvoiceID": "1", "Contact": {"ContactID": "7"}, "Status": "AUTHORISED", "CurrencyCode": "NZD"}
    assert xero_objects.snapshot_of("t", {**billed, "AmountDue": written}, NOW) is None


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        ({"TotalAmt": "1e300"}, Status.PAID),
        ({"TotalAmt": "120", "CurrencyRef": {"value": "Euro"}}, Status.PAID),
        ({"TotalAmt": "0.00", "CurrencyRef": None}, Status.VOID),
        ({"TotalAmt": "1e300", "Balance": "-1"}, None),
        ({"TotalAmt": "1e300", "Balance": None}, None),
    ],
)
def test_of_a_quickbooks_invoice_that_owes_nothing_that_much_is_understood(shown: Json, seen: Status | None) -> None:
    owed: Json = {"Id": "1", "CustomerRef": {"value": "7"}, "CurrencyRef": {"value": "USD"}, "Balance": "0", **shown}
    found = quickbooks_objects.snapshot_of("11", owed, NOW)
    assert (found and (found.status, found.amount_due, found.is_bare)) == (seen and (seen, 0, True))


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        ({"Status": "PAID"}, Status.PAID),
        ({"Status": "VOIDED", "AmountDue": "1e300"}, Status.VOID),
        ({"Status": "DELETED", "CurrencyCode": "Euro"}, Status.DELETED),
        ({"Status": "AUTHORISED", "AmountDue": "0.0", "Total": "1e300"}, Status.PAID),
        ({"Status": "AUTHORISED"}, None),
        ({"Status": "AUTHORISED", "AmountDue": "-1e300"}, None),
        ({"Status": "SETTLED", "AmountDue": "0"}, None),
    ],
)
def test_of_a_xero_invoice_that_owes_nothing_that_much_is_understood(shown: Json, seen: Status | None) -> None:
    owed: Json = {"InvoiceID": "1", "Contact": {"ContactID": "7"}, "CurrencyCode": "NZD", **shown}
    found = xero_objects.snapshot_of("t", owed, NOW)
    assert (found and (found.status, found.amount_due, found.is_bare)) == (seen and (seen, 0, True))


@pytest.mark.parametrize(
    ("currency", "owed", "billed", "seen"),
    [
        ("JPY", "1332.72", "1332.72", (Status.OPEN, 1333, 1333)),
        ("JPY", "0.4", "1332.72", (Status.PAID, 0, 1333)),
        ("USD", "0.30000000000000004", "120.00", (Status.OPEN, 30, 12000)),
        ("USD", "5.684341886080802e-14", "120.00", (Status.PAID, 0, 12000)),
        ("USD", "-5.684341886080802e-14", "120.00", (Status.PAID, 0, 12000)),
        ("JPY", "0.4", "0.4", (Status.PAID, 0, 0)),
        ("KWD", "12.34", "12.34", (Status.OPEN, 12340, 12340)),
    ],
)
def test_both_keep_two_decimals_in_every_currency_so_amounts_are_rounded_to_what_can_be_paid(
    currency: str, owed: str, billed: str, seen: tuple[Status, int, int]
) -> None:
    at_quickbooks = of_quickbooks(CurrencyRef={"value": currency}, Balance=Decimal(owed), TotalAmt=Decimal(billed))
    assert (at_quickbooks.status, at_quickbooks.amount_due, at_quickbooks.total) == seen
    at_xero = of_xero(CurrencyCode=currency, AmountDue=Decimal(owed), Total=Decimal(billed))
    assert (at_xero.status, at_xero.amount_due, at_xero.total) == seen


@pytest.mark.parametrize("written", ["NaN", "Infinity", "much", "", True, None, [1], 10**4000, Decimal("0." + "3" * 4000)])
def test_an_amount_that_is_none_is_not_taken_for_one(written: object) -> None:
    owed: Json = {"Id": "1", "CustomerRef": {"value": "7"}, "CurrencyRef": {"value": "JPY"}, "Balance": written}
    assert quickbooks_objects.snapshot_of("11", owed, NOW) is None
    billed: Json = {"InvoiceID": "1", "Contact": {"ContactID": "7"}, "Status": "AUTHORISED", "CurrencyCode": "JPY", "AmountDue": written}
    assert xero_objects.snapshot_of("t", billed, NOW) is None


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("/Date(1772496000000+0000)/", date(2026, 3, 3)),
        ("/Date(1772496000000)/", date(2026, 3, 3)),
        ("/Date(1772535600000+1300)/", date(2026, 3, 4)),
        ("/Date(1772535600000+0000)/", date(2026, 3, 3)),
        ("/Date(1772514000000-0500)/", date(2026, 3, 3)),
        ("/Date(1772496000000-0500)/", date(2026, 3, 2)),
        ("/Date(1772476200000+0530)/", date(2026, 3, 3)),
        ("/Date(1455620400000+1300)/", date(2016, 2, 17)),
        ("/Date(-62135596800000+0000)/", date(1, 1, 1)),
        ("/Date(-62135596800000-0500)/", None),
        ("/Date(1772496000000+9900)/", None),
    ],
)
def test_a_date_at_xero_is_the_one_of_its_own_offset(written: str, due: date | None) -> None:
    assert of_xero(DueDate=written).due == due


def test_a_repeating_invoice_is_a_subscription() -> None:
    assert not of_quickbooks().subscription
    assert of_quickbooks(RecurDataRef={"value": "3"}).subscription
    assert not of_xero().subscription
    assert of_xero(RepeatingInvoiceID="428c0d75").subscription


FEE = "LF-DD50JASGV79G"
APPLIED = f"Ask for Dukes\n2026-03-11 dunning: Late fee applied: USD 4.30, as invoice {FEE} on Q-1 [01KKE1ZNM000000180014MSY4Y]"


COPIED = f"{FEE} for invoice id 1: late fee on Q-1."


@pytest.mark.parametrize("words", [APPLIED, FEE, f"See {COPIED}", COPIED])
def test_no_words_about_a_fee_make_a_quickbooks_invoice_one(words: str) -> None:
    assert of_quickbooks(DocNumber="Q-1", PrivateNote=words).fee_id is None


def test_a_quickbooks_fee_is_known_by_its_number_and_when_that_was_changed_by_how_its_note_begins() -> None:
    note = quickbooks_objects.fee_note(FEE, "145", "Q-145", ("1.5 % of USD 120.00",))
    fees = [of_quickbooks(DocNumber=FEE, PrivateNote=note), of_quickbooks(DocNumber="7", PrivateNote=f"{note}\n{APPLIED}")]
    assert [(fee.fee_id, fee.fee_for) for fee in fees] == [(FEE, "145")] * 2
    assert of_quickbooks(DocNumber=FEE, PrivateNote=f"Waive it?\n{note}").fee_id == FEE


def test_a_number_that_quickbooks_made_of_a_fees_by_counting_on_makes_no_fee() -> None:
    assert of_quickbooks(DocNumber="LF-DD50JASGV792").fee_id is None
    line = {"Description": "Late fee on invoice Q-145: 1.5 % of USD 120.00"}
    assert of_quickbooks(DocNumber=FEE, PrivateNote="Cleared.", Line=[line]).fee_id == FEE
    counted_on = of_quickbooks(DocNumber="LF-DD50JASGV792", PrivateNote=quickbooks_objects.fee_note(FEE, "145", "Q-145", ()))
    assert (counted_on.fee_id, counted_on.fee_for) == (FEE, "145")


def test_a_xero_fee_is_known_by_its_number_alone() -> None:
    assert of_xero(InvoiceNumber=FEE).fee_id == FEE
    assert of_xero(InvoiceNumber="INV-1", Reference=f"on {FEE}").fee_id is None
    assert of_xero(InvoiceNumber="INV-1", Reference=FEE).fee_id is None


@pytest.mark.parametrize(("customer", "is_business"), [({"CompanyName": "Acme"}, True), ({"DisplayName": "Anna"}, False), (None, None)])
def test_a_quickbooks_customer_with_a_company_name_is_a_business(customer: Json | None, is_business: bool | None) -> None:
    assert of_quickbooks(customer).contact.is_business is is_business


def test_quickbooks_classes_locations_and_customer_types_are_tags() -> None:
    found = of_quickbooks({"CustomerTypeRef": {"value": "5", "name": "Wholesale"}}, ClassRef={"value": "1", "name": "Projects"})
    assert (found.tags, found.contact.tags) == (("projects",), ("wholesale",))


def test_xero_contact_groups_are_tags_and_a_tax_number_makes_a_business() -> None:
    full: Json = {"ContactID": "7", "ContactGroups": [{"Name": "VIP"}], "TaxNumber": "12-345", "Phones": [{"PhoneType": "MOBILE"}]}
    assert (of_xero(full).contact.tags, of_xero(full).contact.is_business) == (("vip",), True)
    stub: Json = {"ContactID": "7", "Name": "Acme"}
    assert (of_xero(stub).contact.tags, of_xero(stub).contact.is_business) == (None, None)
