"""One company that owes one invoice, and the brief's plan; each test changes what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from dunning.domain.case import Case, Claim, Mark, Profile
from dunning.domain.decision import decide
from dunning.domain.invoice import Contact, Invoice, Snapshot, Status
from dunning.domain.planning import planned
from dunning.domain.policy import AfterDue, AfterPrevious, BeforeDue, Facts, Policy, Step, Window
from dunning.domain.recording import Recorded, Recorder
from dunning.domain.settlement import Done, Settled, Settlement

NINE = time(9)
DUE = date(2026, 3, 10)
ISSUED = datetime(2026, 2, 8, 12, tzinfo=UTC)
FIRST_AT = datetime(2026, 3, 17, 9, tzinfo=UTC)
"""Seven days after the due date, at nine."""
STRIPE_TERMINAL = frozenset({Status.PAID, Status.VOID})
OFFICE_HOURS = {"email": Window(8 * 60, 18 * 60), "sms": Window(10 * 60, 20 * 60)}


def utc(text: str) -> datetime:
    """An instant written as "2026-03-17 09:00", UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def not_replied(facts: Facts) -> bool:
    return not facts["replied"]


def never(_: Facts) -> bool:
    return False


FIRST = Step("first", AfterDue(7, NINE), email="friendly")
SECOND = Step("second", AfterPrevious(timedelta(hours=48)), not_replied, "not replied", email="second_notice", sms="second_notice")
ESCALATE = Step("escalate", AfterPrevious(timedelta(hours=72)), escalate="collections")
BRIEF = Policy("standard", "UTC", (FIRST, SECOND, ESCALATE))
"""The plan of the founding brief, without hours and minimum balances."""


def before_due(step_id: str, days: int, at: time = NINE) -> Step:
    return Step(step_id, BeforeDue(days, at), email="upcoming")


def after_due(step_id: str, days: int, at: time = NINE) -> Step:
    return Step(step_id, AfterDue(days, at), email="friendly")


def after_previous(step_id: str, hours: int) -> Step:
    return Step(step_id, AfterPrevious(timedelta(hours=hours)), email="friendly")


def policy(*steps: Step) -> Policy:
    """The brief's policy with other steps."""
    return replace(BRIEF, steps=steps)


ACME = Contact("Acme GmbH", "ap@acme.example", "+431234567", "US")

INVOICE = Invoice(
    id="in_1",
    source="stripe",
    customer="stripe:cus_1",
    number="ACME-0007",
    status=Status.OPEN,
    currency="EUR",
    total=120_00,
    amount_due=120_00,
    due_date=DUE,
    issued_at=ISSUED,
    stamp=ISSUED,
    policy="standard",
)
"""An open invoice over 120 euros, due on 10 March 2026."""

SEEN = Snapshot(
    source="stripe",
    customer="stripe:cus_1",
    invoice_id="in_1",
    number="ACME-0007",
    status=Status.OPEN,
    currency="EUR",
    total=120_00,
    amount_due=120_00,
    due=DUE,
    issued_at=ISSUED,
    stamp=ISSUED,
    contact=ACME,
)
"""The same invoice as Stripe shows it when it is issued."""

PROFILE = Profile("stripe:cus_1", ACME)


def case_of(*invoices: Invoice, profile: Profile = PROFILE) -> Case:
    """Acme's case."""
    return Case(profile, {invoice.id: invoice for invoice in invoices})


def with_plan(invoice: Invoice, now: datetime, follows: Policy = BRIEF, contact: Contact = ACME) -> Invoice:
    """The invoice with its plan put down at `now`."""
    return planned(invoice, contact, follows, now, "test").invoice


def record(case: Case, seen: Snapshot, now: datetime, follows: Policy = BRIEF, *, fetched: bool = False) -> Recorded:
    """Take a Stripe snapshot in."""
    return Recorder(lambda _: follows, STRIPE_TERMINAL, now, "stripe_webhook").record(case, seen, fetched=fetched)


def claim(now: datetime, effects: Mapping[str, Mark] | None = None) -> Claim:
    return Claim("claim-1", now + timedelta(minutes=20), "claim-1", effects=effects or {})


def settlement(now: datetime, follows: Policy = BRIEF) -> Settlement:
    return Settlement(lambda _: follows, now, claim(now))


def work_off(case: Case, now: datetime, follows: Policy = BRIEF) -> Settled:
    """Decide, let everything go out, settle, release."""
    done = [Done(work, {}) for work in decide(case, lambda _: follows, now)]
    settled = settlement(now, follows).apply(case, done)
    return Settled(settlement(now, follows).release(settled.case), settled.activities)
