"""One run of the plan, in minutes instead of days, for customers of its own, on a local cloud that many runs share."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.domain.holding import Held
from dunning.domain.planning import rearmed
from dunning.providers.stripe_objects import snapshot_of
from dunning.workflow.sources import recorder_for
from infra.local.cloud import LocalCloud
from infra.local.lambda_service import Caller, InvocationDied
from infra.local.outbox import OutboxEntry
from infra.local.queues import DeadLetter
from infra.local.running import RunningCloud
from infra.samples.stripe_objects import sign
from tests.integration.end_to_end.driver import Json, invoice, paid

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

PLAN = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
minimum_balance: {default: "0.01"}
on_paid: {email: thank_you}
steps:
  - id: first
    at: {after_due: 1d, time: "00:00"}
    email: friendly
  - id: second
    at: {after_previous: 40m}
    email: second_notice
    sms: second_notice
  - id: escalate
    at: {after_previous: 10m}
    escalate: {team: collections}
"""
"""An invoice that is known to have been due yesterday is reminded of at once; the second step is the wheel's, the third a message's."""

TOGETHER = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
minimum_balance: {default: "0.01"}
scope: customer
steps:
  - id: first
    at: {after_due: 1d, time: "00:00"}
    email: friendly
  - id: second
    at: {after_previous: 40m}
    email: second_notice
    sms: second_notice
"""
"""One message to each customer, whatever it owes."""

ONE_MESSAGE = TOGETHER.partition("  - id: second")[0]

LASTS = timedelta(hours=2, minutes=50)
RECOVERY = timedelta(minutes=100)
SWEEP = 4
"""The hour of the daily sweep, which would heal what a fault broke: runs begin after it, and end before it."""

STRIPE_REPEATS = timedelta(minutes=7)
ALARMED_AFTER = timedelta(minutes=4)
_numbers = count(1)


def as_it_is(case: Case) -> Held:
    """Nothing else has become of it."""
    return case, ()


@dataclass
class Run:
    """Some customers, each with one invoice unless told. `minute` is counted from the run's beginning."""

    running: RunningCloud
    begin: datetime
    customers: int
    invoices: int = 1
    plan: str = PLAN
    phone: str = "+15550100"
    number: int = field(default_factory=lambda: next(_numbers))
    _untold: list[bytes] = field(default_factory=list)
    _events: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    @property
    def cloud(self) -> LocalCloud:
        return self.running.cloud

    def minute(self, number: float) -> None:
        """Move to a minute of this run; what was not answered 2xx, Stripe repeats on the way."""
        self._until(self.begin + timedelta(minutes=number))

    def _until(self, instant: datetime) -> None:
        while self._untold and self.cloud.now + STRIPE_REPEATS < instant:
            self.cloud.advance_to(self.cloud.now + STRIPE_REPEATS)
            self._untold = [body for body in self._untold if not self._deliver(body)]
        self.cloud.advance_to(instant)

    def owed(self, customer: int = 0, *, due: int = -1, nth: int = 0, **other: object) -> Json:
        """A customer's invoice, due so many days from the run's beginning."""
        day, number = (self.begin + timedelta(days=due)).date().isoformat(), f"{self.number}x{customer}"
        reached = {"customer": f"cus_{number}", "customer_email": f"pat{number}@example.com", "customer_phone": self.phone}
        return invoice(f"{number}y{nth}" if nth else number, due=day, **{**reached, **other})

    def customer(self, customer: int = 0) -> str:
        """A customer's full id."""
        return f"stripe:{self.owed(customer)['customer']}"

    def tell(self, kind: str, thing: Json) -> None:
        """Deliver a webhook."""
        self._tell(
            {
                "id": f"evt_{self.number}_{self._events()}",
                "object": "event",
                "api_version": "2026-10-28.endive",
                "created": int(self.cloud.now.timestamp()),
                "type": kind,
                "data": {"object": thing},
                "livemode": False,
                "pending_webhooks": 1,
                "request": None,
            }
        )

    def tell_thinly(self, kind: str, about: Json) -> None:
        """Deliver a thin event, which has only the id and the type of what it is about."""
        event_id, created = f"evt_{self.number}_{self._events()}", self.cloud.now.isoformat()
        self._tell({"id": event_id, "object": "v2.core.event", "created": created, "type": kind, "related_object": about})

    def _tell(self, event: Json) -> None:
        body = json.dumps(event).encode()
        if not self._deliver(body):
            self._untold.append(body)

    def _deliver(self, body: bytes) -> bool:
        return 200 <= self.running.deliver(body, sign(body, self.cloud.now)) < 300

    def enrol(self, *, due: int = -1) -> None:
        """Every customer's invoice is finalised."""
        for customer in range(self.customers):
            self.tell("invoice.finalized", self.owed(customer, due=due))

    def imported(self, *, paid_in_full: bool = False, then: Callable[[Case], Held] = as_it_is, payments: Json | None = None) -> None:
        """All that the first customer owes is known at once, as after an import, or all of it paid; no message is sent for it.

        `then`: what else has become of it.
        """
        owed = [{**self.owed(nth=nth), **({"payments": payments} if payments else {})} for nth in range(self.invoices)]
        told = [paid(one) for one in owed] if paid_in_full else owed
        for one in told:
            self.stripe_says(one)
        policies = PolicyBook.of({"standard": load_policy(self.plan, "standard.yaml", frozenset())})
        before = case = self.case()
        recorder, activities = recorder_for(self.customer(), policies, self.cloud.now, "import"), list[Activity]()
        for one in told:
            snapshot = snapshot_of(one, self.cloud.now)
            assert snapshot is not None
            recorded = recorder.record(case, snapshot, fetched=True)
            case, activities = recorded.case, [*activities, *recorded.activities]
        case, more = then(case)
        activities += more
        self.cloud.cases().save(before, rearmed(case, self.cloud.now), activities)

    def stray_message(self) -> None:
        """A message that says `look at this customer` comes, whoever sent it."""
        sqs, queue = run_queue_of(self.cloud)
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"customer": self.customer(), "hops": 0}))
        self.cloud.settle()

    def redriven_by_a_person(self) -> None:
        """`dunning redrive`, once; its own AWS calls may fail, and it may die."""
        with suppress(InvocationDied, ClientError, BotoCoreError):
            self.cloud.redrive(Caller("redrive"))

    def stripe_says(self, thing: Json) -> None:
        """Stripe knows, and no webhook tells."""
        provider = self.running.sandbox.provider("stripe")
        assert provider is not None
        provider.put_invoice(str(thing["id"]), json.dumps(thing).encode())

    def newly_reached(self) -> Json:
        """The first customer, as Stripe knows it from now on."""
        number = f"{self.number}x0"
        reached = {"email": f"new{number}@example.com", "phone": "+4915100000000", "preferred_locales": ["de"]}
        return {"id": f"cus_{number}", "object": "customer", "name": "Pat Doe", **reached}

    def redrive_soon(self) -> list[DeadLetter]:
        """A person is alarmed by what was given up, and sends it back within minutes; what that was."""
        self._until(self.cloud.now + ALARMED_AFTER)
        letters = self.cloud.dead_letters()
        if letters:
            self.cloud.redrive()
        return letters

    def finish(self) -> None:
        """Let all the time pass that is needed."""
        self._until(max(self.begin + LASTS, self.cloud.now + RECOVERY))

    def clear_away(self) -> None:
        """Leave nothing to do, and nothing in the table, for later runs on this cloud: moto's cost grows with it."""
        self.cloud.forget_faults()
        self.settle_with_provider()
        if self.cloud.dead_letters():
            self.cloud.redrive()
        self.empty_the_table()
        self.cloud.advance_to(self.cloud.now + timedelta(minutes=5))

    def empty_the_table(self) -> None:
        """As if nothing had ever been."""
        client, table = table_of(self.cloud)
        rows = client.scan(TableName=table, ProjectionExpression="pk, sk")["Items"]
        for start in range(0, len(rows), 25):
            client.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": row}} for row in rows[start : start + 25]]})

    def settle_with_provider(self) -> None:
        """Nobody owes anything any more, no late fee either: the sweep of a later run would find it."""
        for customer in range(self.customers):
            for nth in range(self.invoices):
                self.stripe_says(paid(self.owed(customer, nth=nth)))
        provider = self.running.sandbox.provider("stripe")
        assert provider is not None
        for left in provider.invoices():
            if left.get("status") == "open":
                self.stripe_says(paid(left))

    def case(self, customer: int = 0) -> Case:
        """The case as stored."""
        return self.cloud.cases().load(self.customer(customer))

    def log(self, customer: int = 0) -> list[Activity]:
        """Its activities, oldest first."""
        return self.cloud.cases().activities(self.customer(customer))

    def got(self, customer: int = 0) -> list[OutboxEntry]:
        """All that was sent to or about this customer, oldest first."""
        return [entry for entry in self.cloud.outbox() if entry["customer"] == self.customer(customer)]


@cache
def table_of(cloud: LocalCloud) -> "tuple[DynamoDBClient, str]":
    """The one table, from outside."""
    client = cloud.session().client("dynamodb")
    return client, client.list_tables()["TableNames"][0]


@cache
def queue_of(cloud: LocalCloud, name: str) -> "tuple[SQSClient, str]":
    """A queue by its logical id, from outside."""
    client = cloud.session().client("sqs")
    (url,) = [url for url in client.list_queues()["QueueUrls"] if name in url]
    return client, url


def run_queue_of(cloud: LocalCloud) -> "tuple[SQSClient, str]":
    """The queue in front of run_step, from outside."""
    return queue_of(cloud, "RunQueue")


_followed: dict[RunningCloud, str] = {}


def follow(running: RunningCloud, plan: str, *, anew: bool = True) -> None:
    """Put this plan in place, which starts all containers anew, as after a deployment; not `anew`: only where it differs."""
    if anew or _followed.get(running) != plan:
        running.cloud.put_policy("standard", plan)
        _followed[running] = plan


def next_beginning(running: RunningCloud, *, before_the_sweep: bool = False) -> datetime:
    """The next full hour (UTC) from which the daily sweep is far, or the one right before it; time moves there."""
    whole = running.cloud.now.replace(minute=0, second=0, microsecond=0)
    hours = {SWEEP - 1} if before_the_sweep else set(range(SWEEP + 1, 24 - LASTS // timedelta(hours=1)))
    begin = next(at for n in range(1, 25) if (at := whole + timedelta(hours=n)).hour in hours)
    running.cloud.advance_to(begin)
    return begin
