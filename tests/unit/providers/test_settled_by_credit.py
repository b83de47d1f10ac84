"""Whether money came for an invoice, or credit notes alone have settled it."""

import pytest

from tests.unit.providers.stripe_payloads import invoice
from tests.unit.providers.test_accounting_facts import of_xero
from tests.unit.providers.test_stripe_objects import read

CREDITED: dict[str, object] = {"Status": "PAID", "AmountDue": 0, "AmountPaid": 0, "AmountCredited": 10}
NOTED: dict[str, object] = {
    "status": "paid",
    "amount_due": 0,
    "amount_remaining": 0,
    "amount_paid": 0,
    "pre_payment_credit_notes_amount": 12000,
}


@pytest.mark.parametrize(
    ("shown", "by_credit"),
    [
        ({}, True),
        ({"Status": "AUTHORISED"}, True),
        ({"AmountPaid": 4, "AmountCredited": 6}, False),
        ({"AmountPaid": 10, "AmountCredited": 0}, False),
        ({"AmountPaid": None, "AmountCredited": None}, False),
        ({"Overpayments": [{"OverpaymentID": "o"}]}, False),
        ({"Prepayments": [{"PrepaymentID": "p"}]}, False),
        ({"Status": "AUTHORISED", "AmountDue": 4, "AmountCredited": 6}, False),
        ({"Status": "VOIDED"}, False),
    ],
)
def test_at_xero_only_credit_notes_are_no_money(shown: dict[str, object], by_credit: bool) -> None:
    assert of_xero(None, **{**CREDITED, **shown}).by_credit is by_credit


def test_what_credit_notes_took_off_so_far_is_told_where_it_is_known() -> None:
    assert of_xero(AmountCredited=6).credited == 6_00
    assert of_xero(AmountCredited=6, Prepayments=[{"PrepaymentID": "p"}]).credited is None
    assert (of_xero().credited, of_xero(AmountCredited="1e40").credited) == (None, None)
    assert read(invoice(pre_payment_credit_notes_amount=2_000)).credited == 20_00
    assert read(invoice(pre_payment_credit_notes_amount=None)).credited is None


@pytest.mark.parametrize(
    ("shown", "by_credit"),
    [
        ({}, True),
        ({"amount_due": 12000}, True),
        ({"amount_paid": 2000, "pre_payment_credit_notes_amount": 10000}, False),
        ({"amount_due": 2000, "pre_payment_credit_notes_amount": 10000}, False),
        ({"paid_out_of_band": True}, False),
        ({"amount_paid": None}, False),
        ({"pre_payment_credit_notes_amount": 0}, False),
        ({"status": "open", "amount_due": 2000, "amount_remaining": 2000}, False),
    ],
)
def test_at_stripe_what_was_paid_elsewhere_is_money_too(shown: dict[str, object], by_credit: bool) -> None:
    assert read(invoice(**{**NOTED, **shown})).by_credit is by_credit
