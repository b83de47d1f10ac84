"""Cases for the storage contract."""

from datetime import date, datetime, timedelta

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim, Dispute, EffectState, Mark, Notice, Profile
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.fee_records import Fee, FeeState
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Contact, Invoice, Repeat, Status
from dunning.domain.promise import Promise
from tests.fakes.clock import MONDAY_MORNING

NOW = MONDAY_MORNING
LATER = NOW + timedelta(days=2, microseconds=7)
ACME = "stripe:cus_acme"
DUE = date(2026, 3, 31)
TWENTY_MINUTES = timedelta(minutes=20)
MARKS = {
    "email:second:in_full": Mark(EffectState.DONE, LATER),
    "email:second:in_other": Mark(EffectState.DONE, LATER, leads=False),
    "sms:second:in_full": Mark(EffectState.STARTED),
}
SETTINGS = CustomerSettings(
    do_not_chase=True,
    prefers="sms",
    owner="jane@larkfield.example",
    owner_name="Jane Doe",
    people=(Person("billing", "billing@acme.example", "José Ñandú"), Person("manager", "boss@acme.example")),
)


def invoice(
    invoice_id: str = "in_1", customer: str = ACME, *, status: Status = Status.OPEN, due: date | None = date(2026, 3, 31)
) -> Invoice:
    """An invoice as first recorded."""
    return Invoice(
        id=invoice_id,
        source="stripe",
        customer=customer,
        number=f"NO-{invoice_id}",
        status=status,
        currency="EUR",
        total=120_00,
        amount_due=100_00,
        due_date=due,
        issued_at=None,
        stamp=NOW,
    )


def full_invoice() -> Invoice:
    """An invoice with every field set."""
    return Invoice(
        id="in_full",
        source="stripe",
        customer=ACME,
        number="ÄÖ-7",
        status=Status.OPEN,
        currency="JPY",
        total=12_345_678_901,
        amount_due=1,
        due_date=date(2028, 2, 29),
        issued_at=NOW - timedelta(microseconds=1),
        stamp=LATER,
        payment_url="https://pay.example/?a=1&b=ü",
        collects_automatically=True,
        policy="standard",
        level=2,
        last_step="second",
        anchor_at=NOW + timedelta(hours=1),
        next_step="escalate",
        next_at=NOW + timedelta(hours=2),
        waits_since=NOW - timedelta(hours=9),
        reminders_sent=2,
        last_reminder_at=NOW + timedelta(hours=3),
        thanks_at=NOW + timedelta(hours=4),
        suppressed_for="no_due_date",
        escalated=True,
        holds={HoldKind.PROMISE: Hold(NOW, LATER, "pays on Friday"), HoldKind.DISPUTE: Hold(NOW)},
        subscription=True,
        tags=("vip", "größer"),
        plan_revision="0123abcd",
        opened_mails=("mail-1", "mail-2"),
        clicked_mails=("mail-2",),
        opened_at=NOW + timedelta(hours=5),
        fees=(
            Fee("first", FeeState.APPLIED, 1, date(2026, 3, 1), NOW, ("a", "ü"), date(2026, 2, 28), compensated=True, invoice="in_fee"),
            Fee("second", FeeState.PROPOSED, 12_345_678_901, date(2026, 3, 2), LATER),
        ),
        fee_id="LF-A00000000000",
        fee_for="in_1",
        billed_to="ap@acme.example",
        by_credit=True,
        credited=30_00,
        overpaid=20_00,
        promise=Promise(date(2026, 3, 20), 1, 12_345_678_901),
        promises_made=2,
        promise_broken=True,
        counts_from=date(2026, 3, 1),
        restarts_at=LATER,
        restarted_after=NOW,
        approval=Approval("escalate", ApprovalState.DECLINED, 2, "they are about to pay", together=True, credit=5),
        repeat=Repeat("first", LATER),
        sent_step="second",
        texted_step="second",
    )


def full_profile() -> Profile:
    """A profile with every field set."""
    return Profile(
        customer=ACME,
        contact=Contact("Acme", "ap@acme.example", "+431234567", "AT", "de-AT", "Europe/Vienna", (), is_business=False, settings=SETTINGS),
        settings_stamp=NOW + timedelta(seconds=7),
        do_not_chase=True,
        not_chased_since=NOW + timedelta(seconds=8),
        opted_out={"email": NOW + timedelta(seconds=9)},
        dead_addresses=("old@acme.example",),
        bounced_mails=("0100018f-a",),
        contact_stamp=NOW + timedelta(seconds=1),
        own_email="own@acme.example",
        retired=("+4312345", "gone@acme.example"),
        former_emails=("old@acme.example",),
        holds={HoldKind.OPERATOR: Hold(NOW + timedelta(seconds=2)), HoldKind.REPLY: Hold(NOW, NOW + timedelta(days=3), "asks for a copy")},
        disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=NOW, invoice="in_full"), "dp_2": Dispute("dp_2", is_open=False, stamp=LATER)},
        notices={"undelivered:1": Notice("the mail bounced", NOW, ("in_full",), "collections", "Größe?"), "other": Notice("look", LATER)},
        reminded_at=(NOW + timedelta(seconds=4), LATER),
        due_at=NOW + timedelta(seconds=5),
        due_since=NOW + timedelta(seconds=6),
        claim=Claim("claim-2", LATER, "claim-1", 2, MARKS),
        retries=3,
        replied_at=NOW + timedelta(seconds=7),
        look_at=NOW + timedelta(seconds=9),
        replies=("mail:<1@acme.example>", "sms:2"),
    )


def full_activity() -> Activity:
    """An activity with every field set."""
    return Activity(LATER, ActivityType.SENT, "because", ("in_full", "in_1"), "second", "run_step", "email, sms", "claim-1")


def due_case(due_at: datetime = NOW) -> Case:
    """A case with one open invoice, due for a decision."""
    return Case(Profile(ACME, due_at=due_at, due_since=due_at)).with_invoice(invoice())


def claim(number: int, now: datetime = NOW) -> Claim:
    """A worker's claim, taken now."""
    return Claim(f"claim-{number}", now + TWENTY_MINUTES, f"claim-{number}")
