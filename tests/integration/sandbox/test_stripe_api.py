"""The sandbox answers as Stripe's API does, over real HTTP."""

import json

import pytest

from dunning.domain.errors import Unauthorised
from dunning.domain.invoice import Status
from dunning.providers.stripe import StripeSource
from dunning.providers.stripe_api import StripeApi
from dunning.workflow.ports import Traced
from dunning.workflow.source_events import FetchKind
from tests.integration.sandbox.stripe_account import T0, Account, basic, event, invoice

PAID_BY_INTENT = {"data": [{"id": "inpay_1", "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}


def source(stripe: Account, key: str = "sk_test_local") -> StripeSource:
    return StripeSource(StripeApi(lambda: key, stripe.sandbox.url), lambda: stripe.now)


def test_an_invoice_is_read_with_the_key_as_bearer_or_as_user(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice())
    read = stripe.get("/v1/invoices/in_1").body
    assert str(read.pop("invoice_pdf")).endswith("/in_1/pdf")  # Stripe makes one when an invoice is finalised
    assert read == invoice()
    assert stripe.ask("GET", "/v1/invoices/in_1", authorization=basic("sk_test_local")).status == 200


@pytest.mark.parametrize("authorization", ["", "Bearer sk_test_other", basic("sk_test_other"), "Basic %%%", "Digest sk_test_local"])
def test_any_other_key_is_401(stripe: Account, authorization: str) -> None:
    answered = stripe.ask("GET", "/v1/invoices/in_1", key=None, authorization=authorization)
    assert answered.status == 401
    assert answered.error["type"] == "invalid_request_error"


def test_an_unknown_invoice_is_404_in_stripes_envelope(stripe: Account) -> None:
    answered = stripe.get("/v1/invoices/in_none")
    assert (answered.status, answered.error["code"], answered.error["param"]) == (404, "resource_missing", "invoice")


def test_a_deleted_invoice_is_gone(stripe: Account) -> None:
    stripe.happens("invoice.created", invoice(status="draft"))
    stripe.happens("invoice.deleted", invoice(status="draft"), created=T0 + 1)
    assert stripe.get("/v1/invoices/in_1").status == 404
    assert stripe.get("/v1/invoices").ids == []


def test_lists_come_newest_first_in_pages(stripe: Account) -> None:
    for n in range(25):
        stripe.happens("invoice.finalized", invoice(f"in_{n:02}", created=T0 + n), event_id=f"evt_{n}")
    first = stripe.get("/v1/invoices", limit="20")
    assert (first.ids[0], first.ids[-1], first.body["has_more"]) == ("in_24", "in_05", True)
    rest = stripe.get("/v1/invoices", limit="20", starting_after="in_05")
    assert (rest.ids, rest.body["has_more"]) == ([f"in_{n:02}" for n in range(4, -1, -1)], False)
    assert len(stripe.get("/v1/invoices").ids) == 10
    assert (first.body["object"], first.body["url"]) == ("list", "/v1/invoices")


def test_a_page_goes_on_behind_an_invoice_that_left_the_list(stripe: Account) -> None:
    for n in range(3):
        stripe.happens("invoice.finalized", invoice(f"in_{n}", created=T0 + n), event_id=f"evt_{n}")
    stripe.happens("invoice.paid", invoice("in_1", created=T0 + 1, status="paid"), created=T0 + 9)
    assert stripe.get("/v1/invoices", status="open", starting_after="in_1").ids == ["in_0"]


def test_lists_are_filtered(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice("in_1", created=T0), event_id="evt_1")
    stripe.happens("invoice.finalized", invoice("in_2", created=T0 + 5, customer="cus_2"), event_id="evt_2")
    stripe.happens("invoice.paid", invoice("in_3", created=T0 + 9, status="paid"), event_id="evt_3")
    assert stripe.get("/v1/invoices", status="open").ids == ["in_2", "in_1"]
    assert stripe.get("/v1/invoices", customer="cus_1").ids == ["in_3", "in_1"]
    assert stripe.get("/v1/invoices", created__gte=str(T0 + 5)).ids == ["in_3", "in_2"]
    assert stripe.get("/v1/invoices", created__lt=str(T0 + 5)).ids == ["in_1"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"starting_after": "in_none"}, "starting_after"),
        ({"state": "open"}, "state"),
    ],
)
def test_a_parameter_stripe_would_not_take_is_400(stripe: Account, query: dict[str, str], param: str) -> None:
    answered = stripe.get("/v1/invoices", **query)
    assert (answered.status, answered.error["param"]) == (400, param)


def test_a_customer_is_known_from_invoices_until_its_own_event_tells_more(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice())
    assert stripe.get("/v1/customers/cus_1").body["email"] == "pat@example.com"
    stripe.happens("customer.updated", {"id": "cus_1", "object": "customer", "email": "ap@example.com"}, created=T0 - 9)
    assert stripe.get("/v1/customers/cus_1").body["email"] == "ap@example.com"
    stripe.happens("customer.deleted", {"id": "cus_1", "object": "customer", "email": "ap@example.com"}, created=T0 + 9)
    assert stripe.get("/v1/customers/cus_1").body == {"id": "cus_1", "object": "customer", "deleted": True}
    assert stripe.get("/v1/customers/cus_none").status == 404


def test_an_event_is_read_back_by_its_id(stripe: Account) -> None:
    stripe.webhook(event("invoice.finalized", invoice(), event_id="evt_9"))
    assert stripe.get("/v1/events/evt_9").body["type"] == "invoice.finalized"
    assert stripe.get("/v1/events", type="invoice.finalized").ids == ["evt_9"]
    assert stripe.get("/v1/events", type="invoice.paid").ids == []


def test_a_note_in_metadata_stays_when_newer_news_come(stripe: Account) -> None:
    stripe.happens("invoice.finalized", invoice(metadata={"order": "7"}))
    stripe.ask("POST", "/v1/invoices/in_1", "metadata[dunning]=first+reminder&metadata[order]=")
    stripe.happens("invoice.updated", invoice(metadata={"order": "7"}, number="N-2"), created=T0 + 1)
    answered = stripe.get("/v1/invoices/in_1").body
    assert (answered["metadata"], answered["number"]) == ({"dunning": "first reminder"}, "N-2")
    assert stripe.ask("POST", "/v1/invoices/in_1", "total=1").status == 400


def test_an_unknown_address_is_404(stripe: Account) -> None:
    assert stripe.get("/v1/refunds/re_1").status == 404
    assert stripe.ask("GET", "/v9/company/1/query").status == 404


def test_the_product_reads_an_invoice_and_pages_through_all_open_ones(stripe: Account) -> None:
    for n in range(120):
        stripe.happens("invoice.finalized", invoice(f"in_{n}", created=T0 + n), event_id=f"evt_{n}")
    reading = source(stripe)
    fetched = reading.fetch("in_7")
    assert fetched is not None
    assert (fetched.status, fetched.amount_due, fetched.currency) == (Status.OPEN, 12000, "USD")
    assert reading.fetch("in_none") is None
    first = reading.open_page(None)
    assert (len(first.snapshots), first.cursor is None) == (100, False)
    assert len(reading.open_page(first.cursor).snapshots) == 20
    assert len(reading.open_invoices_of("stripe:cus_1")) == 120


def test_the_product_is_told_when_its_key_is_wrong(stripe: Account) -> None:
    with pytest.raises(Unauthorised):
        source(stripe, key="sk_test_other").fetch("in_1")


def test_the_product_traces_a_charge_through_its_payment_intent(stripe: Account) -> None:
    stripe.happens("invoice.paid", invoice(status="paid", payments=PAID_BY_INTENT))
    stripe.happens("charge.refunded", {"id": "ch_1", "object": "charge", "customer": "cus_1", "payment_intent": "pi_1"})
    assert source(stripe).trace(FetchKind.CHARGE, "ch_1") == Traced("stripe:cus_1", ("in_1",))


def test_the_product_traces_a_charge_that_only_its_dispute_named(stripe: Account) -> None:
    stripe.happens("invoice.paid", invoice(status="paid", payments=PAID_BY_INTENT))
    dispute = {"id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": "pi_1", "status": "needs_response"}
    stripe.happens("charge.dispute.created", dispute)
    reading = source(stripe)
    assert reading.trace(FetchKind.CHARGE, "ch_1") == Traced("stripe:cus_1", ("in_1",))
    seen = reading.fetch_dispute("dp_1")
    assert seen is not None
    assert (seen.is_open, seen.charge) == (True, "ch_1")


@pytest.mark.parametrize("intent", ["pi_1", None])
def test_the_product_traces_a_charge_of_an_older_api_version(stripe: Account, intent: str | None) -> None:
    stripe.happens("invoice.paid", invoice(status="paid", charge="ch_1", payment_intent=intent))
    stripe.happens("charge.dispute.created", {"id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": None})
    assert source(stripe).trace(FetchKind.CHARGE, "ch_1") == Traced("stripe:cus_1", ("in_1",))


def test_an_invoice_payment_is_listed_once_however_often_it_was_heard_of(stripe: Account) -> None:
    stripe.happens("invoice.paid", invoice(status="paid", payment_intent="pi_1", payments=PAID_BY_INTENT))
    payment = {
        "id": "inpay_1",
        "object": "invoice_payment",
        "invoice": "in_1",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    }
    stripe.happens("invoice_payment.paid", payment)
    found = stripe.get("/v1/invoice_payments", payment__type="payment_intent", payment__payment_intent="pi_1")
    assert found.ids == ["inpay_1"]
    assert stripe.get("/v1/invoice_payments", payment__type="payment_intent", payment__payment_intent="pi_2").ids == []


def test_text_comes_back_as_it_was(stripe: Account) -> None:
    name = "株式会社青空デザイン <Zoë> & مؤسسة 🧾"
    stripe.happens("invoice.finalized", json.loads(json.dumps(invoice(customer_name=name))))
    assert stripe.get("/v1/invoices/in_1").body["customer_name"] == name
