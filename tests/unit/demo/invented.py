"""A small ledger made by hand, of the control interface's shapes: five invoices, each with another fate."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from infra.demo.ledger import Entry, Ledger, balance
from infra.demo.shapes import read_case, read_outbox
from infra.samples.book import BOOK, Sample
from infra.samples.story import tell
from infra.samples.stripe_objects import customer_id, invoice_id

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
END = START + timedelta(days=60)
HTML = "<!doctype html><html><body><p>Dear you &amp; yours, <a href='https://invoice.example/in_1'>pay</a></p></body></html>"

Row = dict[str, object]


def sample(number: str) -> Sample:
    """A sample by its number."""
    return next(each for each in BOOK if each.number == number)


EARLY, PART, VOIDED, DISPUTED, UNHEARD = (sample(f"INV-0{number}") for number in (141, 147, 148, 149, 151))


def at(day: float) -> str:
    """The instant so many days after the start, as the control interface writes it."""
    return (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def message(of: Sample, day: float, kind: str, step: str | None, channel: str = "email", **other: object) -> Row:
    """A row of the outbox."""
    to = {"email": of.customer.email, "sms": of.customer.phone, "team": "collections"}[channel]
    row: Row = {
        "channel": channel,
        "kind": kind,
        "to": [to],
        "cc": [],
        "subject": "" if channel == "sms" else f"{kind} {step} about {of.number}",
        "text": f"{channel} {kind} {step} about {of.number}",
        "html": HTML if channel == "email" else "",
        "headers": {},
        "sent_at": at(day),
        "customer": f"stripe:{customer_id(of.customer)}",
        "invoices": [invoice_id(of)],
        "step": step,
    }
    return {**row, **other}


def activity(of: Sample, day: float, kind: str, reason: str | None, step: str | None = None, actor: str = "run_step") -> Row:
    """A row of a case's activities."""
    return {"at": at(day), "type": kind, "reason": reason, "invoices": [invoice_id(of)], "step": step, "actor": actor}


def case(of: Sample, status: str, due: int, due_date: str | None, activities: Sequence[Row], holds: Sequence[str] = ()) -> Row:
    """A case with this one invoice."""
    invoice: Row = {
        "id": invoice_id(of),
        "source": "stripe",
        "number": of.number,
        "status": status,
        "currency": of.currency,
        "total": of.total,
        "amount_due": due,
        "due_date": due_date,
        "level": 0,
        "next_step": None,
        "next_at": None,
        "holds": list(holds),
    }
    return {"profile": {}, "invoices": [invoice], "activities": list(activities)}


OUTBOX: tuple[Row, ...] = (
    message(VOIDED, 18.05, "reminder", "first"),
    message(PART, 25.05, "reminder", "first"),
    message(PART, 27.05, "reminder", "second"),
    message(PART, 27.05, "reminder", "second", "sms", to=["+15035550144"]),
    message(DISPUTED, 28.05, "reminder", "first"),
    message(PART, 30.05, "escalation", "escalate", "team"),
    message(DISPUTED, 43.3, "thank_you", None),
)

CASES: dict[str, tuple[Sample, Row]] = {
    each.number: (each, row)
    for each, row in (
        (EARLY, case(EARLY, "paid", 0, "2026-03-16", [activity(EARLY, 9.25, "paid", "paid at Stripe", actor="stripe_webhook")])),
        (VOIDED, case(VOIDED, "void", 732_000, "2026-03-13", [activity(VOIDED, 18.05, "sent", "7 days overdue", "first")])),
        (
            PART,
            case(
                PART,
                "open",
                990_000,
                "2026-03-20",
                [
                    activity(PART, 25.05, "sent", "7 days overdue", "first"),
                    activity(PART, 27.05, "sent", "9 days overdue", "second"),
                    activity(PART, 28.3, "partly_paid", "USD 9,900.00 still owed"),
                    activity(PART, 30.05, "escalated", "72 h after the second", "escalate"),
                ],
            ),
        ),
        (
            DISPUTED,
            case(
                DISPUTED,
                "paid",
                0,
                "2026-03-23",
                [
                    activity(DISPUTED, 28.05, "sent", "7 days overdue", "first"),
                    activity(DISPUTED, 29.2, "held", "dispute opened"),
                    activity(DISPUTED, 42.15, "released", "dispute closed"),
                    activity(DISPUTED, 43.3, "paid", "paid at Stripe", actor="stripe_webhook"),
                ],
            ),
        ),
        (UNHEARD, case(UNHEARD, "paid", 0, "2026-03-24", [activity(UNHEARD, 29.05, "paid", "paid in full")])),
    )
}


def ledger(outbox: Sequence[Row] = OUTBOX, cases: dict[str, tuple[Sample, Row]] | None = None) -> Ledger:
    """The ledger of these five invoices."""
    of = CASES if cases is None else cases
    read = [read_case(f"stripe:{customer_id(each.customer)}", row) for each, row in of.values()]
    return balance(tell(START), [each for each, _ in of.values()], read_outbox(list(outbox)), read, START, END)


def entry(of: Sample) -> Entry:
    """One sample's entry in the ledger."""
    return next(each for each in ledger().entries if each.sample is of)
