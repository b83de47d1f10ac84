"""Which snapshot of an invoice the sandbox holds, whatever order the news come in."""

import json
from itertools import permutations

import pytest

from dunning.domain.errors import Rejected
from infra.local.sandbox.provider import Provider
from tests.integration.sandbox.stripe_account import T0, Account, event, invoice, signature


def account_of(stripe: Account) -> Provider:
    provider = stripe.sandbox.provider("stripe")
    assert provider is not None
    return provider


def held(stripe: Account, invoice_id: str = "in_1") -> dict[str, object]:
    body = account_of(stripe).invoice(invoice_id)
    assert body is not None
    return body


def put(stripe: Account, body: object, invoice_id: str = "in_1") -> None:
    account_of(stripe).put_invoice(invoice_id, json.dumps(body).encode())


def test_a_verified_webhook_is_remembered(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice())
    assert held(stripe) == invoice()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1,v1=00",
        signature(event("invoice.finalized", invoice()), secret="whsec_other"),
        signature(event("invoice.finalized", invoice()), at=T0 - 301),
        signature(event("invoice.finalized", invoice()), at=T0 + 301),
        signature(b"another body"),
        "v1=" + signature(event("invoice.finalized", invoice())).partition("v1=")[2],
        f"t={'9' * 400},v1=ab",
        f"t={'9' * 5000},v1=ab",
    ],
)
def test_a_webhook_that_does_not_verify_is_not_heard(stripe: Account, header: str) -> None:
    stripe.webhook(event("invoice.finalized", invoice()), header)
    assert account_of(stripe).invoice("in_1") is None


def test_any_of_several_signatures_will_do(stripe: Account) -> None:
    body = event("invoice.finalized", invoice())
    stripe.webhook(body, signature(body).replace(",v1=", ",v1=00ff,v1="))
    assert held(stripe)["status"] == "open"


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_the_newest_snapshot_wins_in_whatever_order_they_come(stripe: Account, order: tuple[int, ...]) -> None:
    for age in order:
        stripe.happens("invoice.updated", invoice(amount_remaining=12000 - age * 100), created=T0 - 60 + age)
    assert held(stripe)["amount_remaining"] == 11800


@pytest.mark.parametrize("status", ["paid", "void"])
@pytest.mark.parametrize("terminal_first", [True, False])
def test_paid_and_void_win_a_tie(stripe: Account, status: str, terminal_first: bool) -> None:
    news = [("invoice.updated", invoice(status="open")), ("invoice." + status, invoice(status=status))]
    for kind, body in reversed(news) if terminal_first else news:
        stripe.happens(kind, body)
    assert held(stripe)["status"] == status


def test_a_draft_does_not_come_back_within_the_same_second(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice())
    stripe.happens("invoice.created", invoice(status="draft"))
    assert held(stripe)["status"] == "open"


def test_a_repeated_webhook_changes_nothing(stripe: Account) -> None:
    first = event("invoice.updated", invoice(amount_remaining=9000), event_id="evt_a")
    stripe.webhook(first)
    stripe.webhook(event("invoice.updated", invoice(amount_remaining=5000), event_id="evt_b"))
    stripe.wait(60)
    stripe.webhook(first)
    assert held(stripe)["amount_remaining"] == 5000


def test_what_is_put_holds_against_older_news_and_gives_way_to_newer(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice())
    stripe.wait(600)
    put(stripe, invoice(status="paid", amount_remaining=0))
    stripe.happens("invoice.updated", invoice(number="late"), created=T0 + 599)
    assert held(stripe)["status"] == "paid"
    stripe.happens("invoice.updated", invoice(status="void"), created=T0 + 601)
    assert held(stripe)["status"] == "void"


def test_what_is_put_replaces_even_a_paid_snapshot_of_the_same_second(stripe: Account) -> None:
    stripe.happens("invoice.paid", invoice(status="paid"))
    put(stripe, invoice(status="open"))
    assert held(stripe)["status"] == "open"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("nonsense", "JSON"),
        ("[]", "JSON"),
        ('{"id": "in_1", "status": NaN}', "NaN"),
        (json.dumps(invoice("in_2")), "in_2"),
        (json.dumps(invoice(status="settled")), "status"),
        (json.dumps(invoice(amount_remaining=1.5)), "amount_remaining"),
        (json.dumps(invoice(object="charge")), "charge"),
    ],
)
def test_what_stripe_could_not_hold_is_refused_by_name(stripe: Account, body: str, names: str) -> None:
    with pytest.raises(Rejected, match=names):
        account_of(stripe).put_invoice("in_1", body.encode())
    assert account_of(stripe).invoice("in_1") is None


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"id": "evt_1"}', b'{"id": "evt_1", "created": "x", "data": {"object": 3}}'])
def test_signed_nonsense_is_survived(stripe: Account, body: bytes) -> None:
    stripe.webhook(body)
    assert stripe.get("/v1/invoices").ids == []
