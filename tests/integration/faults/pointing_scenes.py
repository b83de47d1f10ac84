"""Scenes of news that only point at something: a charge, a credit note, another event, a contact. It is asked for, and known once."""

import json
from collections.abc import Iterator

from infra.samples.stripe_objects import sign
from tests.integration.accounting.books import signature, xero_body
from tests.integration.end_to_end.driver import Json
from tests.integration.faults.books_run import AccountRun, changed_in_the_books, not_reached_as_the_books_say
from tests.integration.faults.books_scenes import customer_at, held_id, leave_nothing_in
from tests.integration.faults.daily_scenes import known_at_xero, xero_of
from tests.integration.faults.promises import amiss
from tests.integration.faults.rarer_workflows import METER, TOKENS
from tests.integration.faults.run import Run, queue_of
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import LOAD, SECRET, TELL_QUEUE, WRITE, calls_of


class XeroRun(AccountRun):
    """One customer of a Xero tenant, whose webhook says only what changed."""

    def customer(self, customer: int = 0) -> str:
        return customer_at("xero", self)

    def owed(self, customer: int = 0, *, due: int = -1, nth: int = 0, **other: object) -> Json:
        """What names the invoice; Xero keeps the rest."""
        return {"id": held_id("xero", self)}

    def reached_anew(self) -> None:
        contact = f"c{self.number}"
        xero_of(self).put_contact(contact, {"Name": "Pat Doe", "EmailAddress": self.new_address})
        body = json.dumps(xero_body([contact], "CONTACT")).encode()
        if not self._deliver(body):
            self._untold.append(body)

    def _deliver(self, body: bytes) -> bool:
        headers = {"x-xero-signature": signature(body, "local-xero"), "content-type": "application/json"}
        return self.running.deliver(body, headers, "/webhooks/xero") == 200

    def settle_with_provider(self) -> None:
        leave_nothing_in("xero", self)


def only_stripe_hears(run: Run, kind: str, thing: Json) -> str:
    """It happens at Stripe, and no webhook comes here; the event's id."""
    event = {"id": f"evt_{run.number}_{kind}", "object": "event", "created": int(run.cloud.now.timestamp()), "type": kind}
    body = json.dumps({**event, "data": {"object": thing}}).encode()
    provider = run.running.sandbox.provider("stripe")
    assert provider is not None
    assert provider.observe({name.lower(): value for name, value in sign(body, run.cloud.now).items()}, body)
    return str(event["id"])


def paid_with(run: Run) -> Json:
    """By which payment."""
    payment = {"type": "payment_intent", "payment_intent": f"pi_{run.number}"}
    return {"payments": {"object": "list", "data": [{"id": f"inpay_{run.number}", "payment": payment}]}}


def known_with_a_payment(run: Run) -> None:
    """An invoice that is not due for long, and Stripe holds a payment for it."""
    run.minute(1)
    run.tell("invoice.finalized", run.owed(due=20, **paid_with(run)))
    run.minute(3)


def less_is_owed(run: Run) -> None:
    """At Stripe, of which no webhook about the invoice tells."""
    run.stripe_says(run.owed(due=20, amount_paid=2000, amount_remaining=10000, **paid_with(run)))


def charge(run: Run) -> Json:
    """As Stripe shows it since 2025-03-31: without its invoice."""
    paid = {"customer": run.owed()["customer"], "payment_intent": f"pi_{run.number}"}
    return {"id": f"ch_{run.number}", "object": "charge", "amount": 2000, "status": "succeeded", **paid}


def charge_refunded(run: Run) -> None:
    """The event names a charge only."""
    less_is_owed(run)
    run.tell("charge.refunded", charge(run))


def charge_disputed(run: Run) -> None:
    """The dispute names a charge only, and the charge its payment."""
    only_stripe_hears(run, "charge.succeeded", charge(run))
    dispute = {"id": f"dp_{run.number}", "object": "dispute", "charge": f"ch_{run.number}", "status": "needs_response"}
    run.tell("charge.dispute.created", dispute)


def credit_note_told_thinly(run: Run) -> None:
    """A thin event names a credit note only, and the credit note its invoice."""
    less_is_owed(run)
    note = {"id": f"cn_{run.number}", "object": "credit_note", "customer": run.owed()["customer"], "invoice": run.owed()["id"]}
    only_stripe_hears(run, "credit_note.created", note)
    run.tell_thinly("v1.credit_note.created", {"id": note["id"], "type": "credit_note"})


def event_named(run: Run) -> None:
    """A message names an event, which must be read at Stripe."""
    thing = run.owed(due=20, amount_paid=2000, amount_remaining=10000)
    event = only_stripe_hears(run, "invoice.updated", thing)
    sqs, queue = queue_of(run.cloud, "SyncQueue")
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"source": "stripe", "kind": "event", "id": event}))
    run.cloud.settle()


def not_known_once(run: Run) -> Iterator[str]:
    """What Stripe says is owed is known, logged once, and nothing is sent."""
    yield from amiss(run, (), ("enrolled", "partly_paid"), waits=True)
    (invoice,) = run.case().invoices.values()
    if invoice.amount_due != 100_00:
        yield f"owed is {invoice.amount_due}"


def not_disputed_once(run: Run) -> Iterator[str]:
    """The invoice behind the charge waits, and nothing is sent."""
    yield from amiss(run, (), ("enrolled", "held"))
    disputes = run.case().profile.disputes.values()
    if [(dispute.is_open, dispute.invoice) for dispute in disputes] != [(True, run.owed()["id"])]:
        yield f"disputed is {disputes}"


POINTED = calls_of("stripe_webhook", SECRET, TELL_QUEUE)
ASKED_FOR = calls_of("sync_invoice", SECRET, LOAD, WRITE)

POINTING = (
    Scene("refunded charge", charge_refunded, (*POINTED, *ASKED_FOR), not_known_once, known_with_a_payment, in_fresh_containers=True),
    Scene(
        "disputed charge",
        charge_disputed,
        (*POINTED, *ASKED_FOR),
        not_disputed_once,
        known_with_a_payment,
        in_fresh_containers=True,
    ),
    Scene(
        "thin credit note", credit_note_told_thinly, (*POINTED, *ASKED_FOR), not_known_once, known_with_a_payment, in_fresh_containers=True
    ),
    Scene("event by its id", event_named, ASKED_FOR, not_known_once, known_with_a_payment, lasts=BY_THE_CLAIM, in_fresh_containers=True),
    Scene(
        "contact that changes at Xero",
        changed_in_the_books,
        (*calls_of("accounting_webhook", SECRET, TELL_QUEUE), *calls_of("sync_invoice", LOAD, LOAD, *TOKENS, LOAD, METER, METER, WRITE)),
        not_reached_as_the_books_say,
        known_at_xero,
        lasts=BY_THE_CLAIM,
        run=XeroRun,
        in_fresh_containers=True,
    ),
)
