"""Scenes of what is counted by the day, and of connections that end: the digest, the places of first contacts, Xero taken away."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.case import Case
from dunning.domain.holds import HoldKind
from dunning.domain.planning import rearmed
from dunning.providers.xero_objects import snapshot_of
from dunning.workflow.sources import recorder_for
from infra.local.faults import FaultMode
from infra.local.outbox import OutboxEntry
from infra.local.sandbox.xero import TENANT, XeroSandbox
from tests.integration.accounting.books import xero_invoice
from tests.integration.faults.books_scenes import customer_at, leave_nothing_in
from tests.integration.faults.run import SWEEP, Run, run_queue_of
from tests.integration.faults.scene import BY_THE_CLAIM, ONE_STEP, Scene
from tests.integration.faults.workflows import CLAIM, LOAD, MAIL, PUBLISH, SECRET, TELL_QUEUE, WRITE, calls_of

DIGEST = ONE_STEP.replace("steps:", "digest_to: finance@example.com\nsteps:")
ONE_A_DAY = ONE_STEP.replace("steps:", "first_contacts_per_day: 1\nsteps:")
PUT = "dynamodb.PutItem"
NO_DIGEST, TOLD_AGAIN = "no digest was sent", "the team was told again"


def begins(run: Run, at: datetime) -> None:
    """The run is counted from here."""
    run.cloud.advance_to(at)
    run.begin = at


def five_past(run: Run) -> None:
    """So the wheel's turns come at known minutes, and the day ends long after."""
    at = run.cloud.now.replace(minute=5) + timedelta(hours=1)
    begins(run, at if SWEEP < at.hour < 20 else at.replace(hour=SWEEP + 1) + timedelta(days=at.hour > SWEEP))


def since(run: Run, kind: str) -> list[OutboxEntry]:
    """What was sent since the run began, of one kind."""
    return [entry for entry in run.cloud.outbox() if entry["kind"] == kind and datetime.fromisoformat(entry["sent_at"]) >= run.begin]


def night(run: Run) -> None:
    """An invoice is known, in a currency of its own lest the digest adds it to what other runs left, and the daily sweep is near."""
    now = run.cloud.now
    begins(run, now.replace(hour=SWEEP - 1, minute=58) + timedelta(days=now.hour >= SWEEP - 1))
    run.tell("invoice.finalized", run.owed(due=1, currency="chf"))
    run.minute(1.5)


def morning(run: Run) -> None:
    """The daily sweep begins, and what failed is tried twice more."""
    run.minute(6)


def not_one_digest(run: Run) -> Iterator[str]:
    """One mail that tells what is open."""
    digests = since(run, "digest")
    if not digests:
        yield NO_DIGEST
    if len(digests) > 1 or any("CHF 120.00 on 1 invoice\n" not in str(digest["text"]) for digest in digests):
        yield f"the digests are {digests}"


def two_on_one_day(run: Run) -> None:
    """Two customers are due whom nobody ever wrote to; they wait for their turn, and look."""
    run.minute(1)
    run.enrol()
    run.minute(24)


def not_one_a_day(run: Run) -> Iterator[str]:
    """One of them got one reminder; the other is next day's, which is logged once."""
    got = [[f"{entry['channel']} {entry['step']}" for entry in run.got(customer)] for customer in range(2)]
    logs = [Counter(activity.type.value for activity in run.log(customer)) for customer in range(2)]
    first, other = (0, 1) if got[0] else (1, 0)
    if (got[first], got[other]) != (["email first"], []):
        yield f"they got {got}"
    if (logs[first]["sent"], logs[first]["suppressed"], logs[other]["sent"], logs[other]["suppressed"]) != (1, 0, 0, 1):
        yield f"the logs count {logs}"
    midnight = run.begin.replace(hour=0, minute=0) + timedelta(days=1)
    profiles = [run.case(customer).profile for customer in range(2)]
    if profiles[other].due_at != midnight or any(profile.claim for profile in profiles):
        yield f"what is next is wrong: {profiles}"


def xero_of(run: Run) -> XeroSandbox:
    """Xero, as it is played here."""
    xero = run.running.sandbox.provider("xero")
    assert isinstance(xero, XeroSandbox)
    return xero


def due_at_xero_which_is_taken_away(run: Run) -> None:
    """An invoice of Xero's is known and due; then the consent is taken back."""
    five_past(run)
    leave_nothing_in("xero", run)
    run.empty_the_table()  # a sweep may just have been, and have noted what is then not asked for again
    known_at_xero(run, due=-2)
    xero_of(run).tokens.revoke()


def known_at_xero(run: Run, *, due: int = 20) -> None:
    """An invoice of Xero's is known, due so many days from now."""
    bare, customer, now = f"x{run.number}", customer_at("xero", run), run.cloud.now
    contact = {"ContactID": f"c{run.number}", "Name": "Pat Doe", "EmailAddress": f"pat{run.number}@example.com"}
    held = xero_invoice(bare, DueDateString=f"{now + timedelta(days=due):%Y-%m-%d}T00:00:00", Contact=contact)
    xero_of(run).put_invoice(bare, json.dumps(held).encode())
    snapshot = snapshot_of(TENANT, json.loads(json.dumps(held), parse_float=Decimal), now)
    assert snapshot is not None
    policies, before = PolicyBook.of({"standard": load_policy(run.plan, "standard.yaml", frozenset())}), run.cloud.cases().load(customer)
    recorded = recorder_for(customer, policies, now, "import").record(before, snapshot, fetched=True)
    run.cloud.cases().save(before, rearmed(recorded.case, now), recorded.activities)


def looked_at(run: Run) -> None:
    """Whether the reminder may go out must be asked of Xero."""
    sqs, queue = run_queue_of(run.cloud)
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"customer": customer_at("xero", run), "hops": 0}))
    run.minute(5)


def at_xero(run: Run) -> tuple[Case, list[str], int]:
    """The case, its log, and how many mails its customer got."""
    customer = customer_at("xero", run)
    cases, mails = run.cloud.cases(), [entry for entry in run.cloud.outbox() if entry["customer"] == customer]
    return cases.load(customer), [activity.type.value for activity in cases.activities(customer)], len(mails)


def not_held(run: Run) -> Iterator[str]:
    """It waits, and the team was told, once."""
    case, log, mails = at_xero(run)
    if set(case.profile.holds) != {HoldKind.STALE_DATA} or case.profile.claim or log != ["enrolled", "held"] or mails:
        yield f"it does not wait: {case.profile}, the log reads {log}, mails: {mails}"
    told = len(since(run, "notice"))
    if told != 1:
        yield TOLD_AGAIN if told else "the team was not told"


def not_held_until_put_right(run: Run) -> Iterator[str]:
    """It waits; then the consent is there again, for whoever comes next."""
    yield from not_held(run)
    xero_of(run).tokens.restore()
    leave_nothing_in("xero", run)


def not_held_and_then_released(run: Run) -> Iterator[str]:
    """It waits, once; when the consent is given again, it goes on."""
    yield from not_held(run)
    xero_of(run).tokens.restore()
    run.minute(ENDED + 50)
    yield from not_released(run)


def not_released(run: Run) -> Iterator[str]:
    """Released once, and reminded once."""
    case, log, mails = at_xero(run)
    went = [line for line in log if line != "updated"]  # the address of payment is Xero's own word
    if case.profile.is_held or case.profile.claim or went != ["enrolled", "held", "released", "sent", "plan_ended"] or mails != 1:
        yield f"it was not released: {case.profile}, the log reads {log}, mails: {mails}"
    leave_nothing_in("xero", run)


ENDED = BY_THE_CLAIM
ASKING = (WRITE, WRITE)
SECOND_ASKS = (CLAIM, LOAD, *ASKING)
REFUSED = (PUT, SECRET, SECRET, CLAIM, SECRET, LOAD, SECRET, SECRET, SECRET, CLAIM, CLAIM, PUT)
"""A request is counted, and the renewal of its token refused."""
REFUSED_AS_KNOWN = (PUT, SECRET, SECRET, CLAIM, SECRET, LOAD, CLAIM, PUT)
WAITS = calls_of("run_step", CLAIM, LOAD, LOAD, *REFUSED, PUT, CLAIM, TELL_QUEUE, WRITE)
NOTICED = len(WAITS) - 4
"""From there on it is known that the connection has ended; before, that only the case waits is looked at."""

DAILY = (
    Scene(
        "digest",
        morning,
        calls_of("daily_sweep", TELL_QUEUE, TELL_QUEUE, TELL_QUEUE, TELL_QUEUE, LOAD, LOAD, LOAD, LOAD, PUT, MAIL),
        not_one_digest,
        night,
        plan=DIGEST,
        more_calls_follow=True,
        # It is noted before it is sent, and never repeated where nobody can say whether it was.
        forgiven={(8, FaultMode.CRASH): NO_DIGEST, (9, FaultMode.ERROR): NO_DIGEST},
    ),
    Scene(
        "first contacts",
        two_on_one_day,
        calls_of("run_step", CLAIM, LOAD, SECRET, *ASKING, *SECOND_ASKS, CLAIM, LOAD, WRITE, LOAD, WRITE, SECRET, MAIL, WRITE)
        + calls_of("run_step", CLAIM, LOAD, WRITE, LOAD, WRITE),
        not_one_a_day,
        five_past,
        plan=ONE_A_DAY,
        customers=2,
        lasts=150,
        in_fresh_containers=True,
    ),
    Scene(
        "connection that ends",
        looked_at,
        (
            *WAITS,
            *calls_of("daily_sweep", LOAD, TELL_QUEUE, LOAD, *REFUSED_AS_KNOWN, CLAIM, CLAIM, PUBLISH, CLAIM, TELL_QUEUE),
        ),
        not_held_and_then_released,
        due_at_xero_which_is_taken_away,
        lasts=ENDED,
        spared=range(NOTICED),  # struck below: the very same calls
        forgiven={  # our own people are told at least once
            **{(32, mode): TOLD_AGAIN for mode in (FaultMode.LOST, FaultMode.CRASH)},
            (33, FaultMode.ERROR): TOLD_AGAIN,
        },
        in_fresh_containers=True,
    ),
    Scene(
        "consent that was taken back",
        looked_at,
        WAITS[:NOTICED],
        not_held_until_put_right,
        due_at_xero_which_is_taken_away,
        lasts=BY_THE_CLAIM,
        more_calls_follow=True,
        in_fresh_containers=True,
    ),
)
