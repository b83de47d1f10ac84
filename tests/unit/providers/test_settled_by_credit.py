"""Whether money came for an invoice, or credit notes alone have settled it."""

from decimal import Decimal

import pytest

from dunning.providers.quickbooks_objects import is_settled_by_credit
from tests.unit.providers.stripe_payloads import invoice
from tests.unit.providers.test_accounting_facts import Json, of_xero
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


def applied(total: object, *kinds: str) -> Json:
    return {"TotalAmt": total, "Line": [{"Amount": 10, "LinkedTxn": [{"TxnId": "5", "TxnType": kind}]} for kind in kinds]}


ZERO, MONEY = applied(Decimal("0"), "Invoice", "CreditMemo"), applied(Decimal("4.00"), "Invoice")


@pytest.mark.parametrize(
    ("payments", "by_credit"),
    [
        ({"7": ZERO}, True),
        ({"7": ZERO, "8": ZERO}, True),
        ({"7": ZERO, "8": MONEY}, False),
        ({"7": applied(4, "Invoice", "CreditMemo")}, False),
        ({"7": applied(0, "Invoice", "JournalEntry")}, False),
        ({"7": applied(0, "Invoice", "CreditMemo", "Payment")}, False),
        ({"7": applied(None, "Invoice", "CreditMemo")}, False),
        ({"7": applied(0, "Invoice")}, False),
        ({"7": applied(0)}, False),
        ({"7": ZERO, "unknown": None}, False),
        ({}, False),
    ],
)
def test_at_quickbooks_payments_of_zero_that_apply_credit_memos_are_no_money(payments: dict[str, Json | None], by_credit: bool) -> None:
    linked = [{"TxnId": "41", "TxnType": "Estimate"}, *({"TxnId": bare, "TxnType": "Payment"} for bare in payments)]
    known = {bare: payment for bare, payment in payments.items() if payment}
    assert is_settled_by_credit({"LinkedTxn": linked}, known) is by_credit
    assert is_settled_by_credit({"LinkedTxn": linked, "Deposit": Decimal("0.00")}, known) is by_credit
    assert not is_settled_by_credit({"LinkedTxn": linked, "Deposit": Decimal("4.00")}, known)


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
