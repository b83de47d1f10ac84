"""Every source that takes late fees: one invoice for each fee, to the cent, wherever the worker dies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from dunning.domain.errors import Permanent, Retryable, Unauthorised
from dunning.domain.fee_records import fee_id
from dunning.domain.invoice import Status
from dunning.domain.notes import Note
from dunning.providers.xero import KEPT_FOR_LAST_CHECKS
from infra.local.http.wire import Answer, Request
from infra.local.sandbox.quickbooks import QuickBooksSandbox
from infra.local.sandbox.xero import TENANT, XeroSandbox
from tests.contract.providers.fee_shops import Shop, later, shop

SOURCES = ("stripe", "quickbooks", "xero")
MOST_REQUESTS = 5
SOON = timedelta(minutes=2)
A_MONTH_LATER = timedelta(days=31)


@pytest.fixture(params=SOURCES)
def at(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with shop(str(request.param)) as opened:
        yield opened


def the_only_one(at: Shop) -> None:
    (fee,) = at.fees()
    assert (fee.status, fee.currency, fee.total, fee.amount_due) == (Status.OPEN, "EUR", 12_34, 12_34)


def test_a_fee_is_an_open_invoice_of_its_own_that_is_known_for_one(at: Shop) -> None:
    fee = at.book.charge(at.order)
    assert (fee.status, fee.customer, fee.currency, fee.amount_due) == (Status.OPEN, at.order.customer, "EUR", 12_34)
    assert fee.fee_id == at.order.id
    assert fee.fee_for in (at.order.invoice_id, None if at.name == "xero" else at.order.invoice_id)
    due = fee.due if isinstance(fee.due, date) else None
    assert due is not None
    assert f"{due:%Y-%m-%d}" == "2026-04-03"
    assert fee.stamp == at.clock.now
    the_only_one(at)


def test_the_invoice_that_a_fee_is_on_is_none_itself_whatever_is_noted_there(at: Shop) -> None:
    at.book.charge(at.order)
    account = at.order.customer.rpartition(":")[0].partition(":")[2] or None
    told = f"2026-03-20 dunning: Late fee applied: EUR 12.34, as invoice {at.order.id} on N-1"
    assert at.notes.write(at.order.invoice_id, account, [Note("01JNX000000000000000000001", told)]) == "noted"
    parent = at.source.fetch(at.order.invoice_id, account)
    assert parent is not None
    assert (parent.invoice_id, parent.fee_id, parent.fee_for) == (at.order.invoice_id, None, None)
    the_only_one(at)


@pytest.mark.parametrize("wait", [timedelta(0), SOON, A_MONTH_LATER])
def test_charging_again_finds_what_was_written(at: Shop, wait: timedelta) -> None:
    first = at.book.charge(at.order)
    at.clock.now += wait
    again = at.book.charge(at.order)
    assert (again.invoice_id, again.amount_due) == (first.invoice_id, first.amount_due)
    the_only_one(at)


@pytest.mark.parametrize("wait", [SOON, A_MONTH_LATER])
@pytest.mark.parametrize("number", range(1, MOST_REQUESTS + 1))
@pytest.mark.parametrize("way", ["loses", "refuses"])
def test_wherever_a_worker_dies_the_next_one_finishes_its_fee(at: Shop, way: str, number: int, wait: timedelta) -> None:
    at.gate.loses, at.gate.refuses = (number, None) if way == "loses" else (None, number)
    needed = {"stripe": 5, "quickbooks": 2, "xero": 2}[at.name]
    if number <= needed:
        with pytest.raises(Retryable):
            at.book.charge(at.order)
    at.gate.loses = at.gate.refuses = None
    at.clock.now += wait
    at.book.charge(at.order)
    at.book.charge(at.order)
    the_only_one(at)


@pytest.mark.parametrize("at", ["quickbooks"], indirect=True)
def test_outside_the_us_a_quickbooks_fee_s_line_names_its_tax_code(at: Shop) -> None:
    provider = at.gate.sandbox.provider("quickbooks")
    assert isinstance(provider, QuickBooksSandbox)
    provider.is_outside_the_us("5")
    with pytest.raises(Permanent, match="Make sure all your transactions have a VAT rate"):
        at.book.charge(at.order)
    with pytest.raises(Permanent, match="TaxCode id NON not found"):
        at.book.charge(replace(at.order, tax_code="NON"))
    at.book.charge(replace(at.order, tax_code="5"))
    the_only_one(at)
    (line,) = written_lines(at, "Line")
    assert line["SalesItemLineDetail"]["TaxCodeRef"] == {"value": "5"}


@pytest.mark.parametrize("at", ["xero"], indirect=True)
@pytest.mark.parametrize(("tax_code", "kind"), [(None, "NoTax"), ("OUTPUT2", "Inclusive")])
def test_the_tax_of_a_xero_fee_is_part_of_it(at: Shop, tax_code: str | None, kind: str) -> None:
    at.book.charge(replace(at.order, tax_code=tax_code))
    the_only_one(at)
    (line,) = written_lines(at, "LineItems")
    assert (line.get("TaxType"), json.loads(at.gate.writes()[-1].body)["Invoices"][0]["LineAmountTypes"]) == (tax_code, kind)


def test_a_fee_sees_how_little_xero_still_takes_today_and_leaves_it_to_what_is_urgent() -> None:
    with shop("xero") as at:
        provider = at.gate.sandbox.provider("xero")
        assert isinstance(provider, XeroSandbox)
        provider.left_today(KEPT_FOR_LAST_CHECKS + 2)
        at.book.charge(at.order)
        asked = len(at.gate.asked)
        with pytest.raises(Retryable) as spared:
            at.notes.write(at.order.invoice_id, TENANT, [Note("01JNX000000000000000000001", "2026-03-20 dunning: Late fee applied")])
        assert (len(at.gate.asked), spared.value.retry_at) == (asked, at.clock.now + timedelta(hours=1))


def written_lines(at: Shop, key: str) -> list[dict[str, Any]]:
    body = json.loads(at.gate.writes()[-1].body)
    lines: list[dict[str, Any]] = (body["Invoices"][0] if "Invoices" in body else body)[key]
    return lines


@pytest.mark.parametrize("at", ["xero"], indirect=True)
def test_a_fee_that_xero_does_not_list_yet_is_not_written_twice(at: Shop) -> None:
    at.gate.lags = "/api.xro/2.0/Invoices"
    other = replace(at.order, id=fee_id(at.order.customer, at.order.invoice_id, "third"))
    for order in (at.order, at.order, other):
        at.book.charge(order)
    the_only_one(at)
    assert len(at.gate.writes()) == 3
    keys = [request.headers["idempotency-key"] for request in at.gate.writes()]
    assert (keys[0] == keys[1], keys[1] == keys[2]) == (True, False)


def test_an_order_that_changed_meanwhile_makes_no_second_fee(at: Shop) -> None:
    at.gate.loses = {"stripe": 2, "quickbooks": 2, "xero": 2}[at.name]
    with pytest.raises(Retryable):
        at.book.charge(at.order)
    at.clock.now += SOON
    at.book.charge(later(replace(at.order, amount=13_00), timedelta(days=1)))
    assert len(at.fees()) == 1


def test_two_fees_of_one_customer_are_two_invoices(at: Shop) -> None:
    at.book.charge(at.order)
    other = at.book.charge(replace(at.order, id="LF-A00000000000", amount=99))
    assert (other.fee_id, other.amount_due) == ("LF-A00000000000", 99)
    the_only_one(at)


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 185), ("KWD", 1850), ("USD", 1)])
def test_amounts_are_in_the_currencys_own_unit(at: Shop, currency: str, amount: int) -> None:
    fee = at.book.charge(replace(at.order, currency=currency, amount=amount))
    assert (fee.currency, fee.amount_due) == (currency, amount)


def test_a_fee_that_was_paid_or_voided_meanwhile_is_not_written_again(at: Shop) -> None:
    fee = at.book.charge(at.order)
    provider = at.gate.sandbox.provider(at.name)
    assert provider is not None
    voided = {
        "stripe": b'{"status": "void", "metadata": {"dunning_fee": "%s"}, "customer": "cus_1", "currency": "eur", "amount_remaining": 1234,'
        b' "created": 1773997200}' % at.order.id.encode(),
        "quickbooks": b'{"Balance": 0, "TotalAmt": 0, "CurrencyRef": {"value": "EUR"}, "CustomerRef": {"value": "5"}, "DocNumber": "%s"}'
        % at.order.id.encode(),
        "xero": b'{"Status": "VOIDED", "AmountDue": 0, "CurrencyCode": "EUR", "Contact": {"ContactID": "c-1"}, "InvoiceNumber": "%s"}'
        % at.order.id.encode(),
    }[at.name]
    provider.put_invoice(fee.invoice_id, voided)
    writes = len(at.gate.writes())
    assert at.book.charge(at.order).status is Status.VOID
    assert len(at.gate.writes()) == writes


def test_an_account_that_does_not_exist_is_said_in_the_providers_words(at: Shop) -> None:
    wrong = replace(at.order, customer="stripe:cus_unknown") if at.name == "stripe" else replace(at.order, booked_to="999")
    with pytest.raises(Permanent) as refused:
        at.book.charge(wrong)
    assert {"stripe": "POST /v1/invoices", "quickbooks": "id 999 not found", "xero": "Account code '999'"}[at.name] in str(refused.value)
    assert at.fees() == []


def test_a_key_that_may_only_read_is_a_persons_to_mend(at: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = at.gate.sandbox.answer

    def reads_only(request: Request) -> Answer:
        return sandbox(request) if request.method == "GET" or "/oauth2" in request.path else Answer(403, b'{"error": {}}')

    monkeypatch.setattr(at.gate.sandbox, "answer", lambda request: sandbox(request) if "/connect" in request.path else reads_only(request))
    with pytest.raises(Unauthorised):
        at.book.charge(at.order)


def test_every_write_of_stripe_has_a_key_of_its_own_and_a_second_mail_is_never_sent() -> None:
    with shop("stripe") as at:
        at.book.charge(at.order)
        keys = [request.headers["idempotency-key"] for request in at.gate.writes()]
        assert keys == [f"dunning-{at.order.id}-{what}" for what in ("draft", "item", "finalise", "send")]
        at.clock.now += A_MONTH_LATER
        at.book.charge(at.order)
        assert len(at.gate.writes()) == len(keys)


@pytest.mark.parametrize(("currency", "amount"), [("KWD", 1852), ("TND", 5), ("BHD", 1)])
def test_an_amount_that_stripe_does_not_take_is_refused_and_never_another_one_written(currency: str, amount: int) -> None:
    with shop("stripe") as at:
        with pytest.raises(Permanent, match=f"Stripe takes amounts in {currency} only in multiples of 10"):
            at.book.charge(replace(at.order, currency=currency, amount=amount))
        assert at.gate.writes() == []
