"""Several workers of one deployment, each a real thread with the real use cases on one real table."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dunning.domain.case import EffectState
from dunning.domain.errors import Retryable
from dunning.domain.invoice import Snapshot
from dunning.identifiers import new_ulid
from dunning.storage.cases import TableCaseStore
from dunning.storage.mail_line import TableMailPlaces
from dunning.storage.mail_order import TableWaitingMails
from dunning.workflow.charge_fee import ChargeFee
from dunning.workflow.disconnections import Disconnections
from dunning.workflow.first_contacts import FirstContacts
from dunning.workflow.last_check import LastCheck
from dunning.workflow.mail_line import MailLine
from dunning.workflow.mail_order import MailOrder
from dunning.workflow.mail_ports import PLAIN, Addressing, Attachment
from dunning.workflow.ports import Envelope, RenderedEmail, Wakeup
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.run_step import RunStep
from dunning.workflow.sending import Sender
from tests.fakes.channels import FakeEmail, FakeQuota, FakeSms, FakeTeam, PlainRenderer
from tests.fakes.clock import StandingClock
from tests.fakes.connections import MemoryConnections
from tests.fakes.day_places import MemoryDayPlaces
from tests.fakes.deployment import standard_policies
from tests.fakes.queues import MemoryDeadLetters, MemorySweepQueue, MemorySyncQueue, MemoryWakeups
from tests.fakes.source import FakeSource

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Answer = TypeVar("Answer")
PATIENCE = 60


class ReportedEmail(FakeEmail):
    """SES, whose own report of a mail comes by another thread while the worker goes on."""

    def __init__(self, store: TableCaseStore) -> None:
        super().__init__()
        self._store = store
        self._reports: list[threading.Thread] = []

    def send(
        self,
        to: Sequence[str],
        email: RenderedEmail,
        envelope: Envelope,
        addressing: Addressing = PLAIN,
        attachments: Sequence[Attachment] = (),
    ) -> str:
        """Accept a mail, and report it."""
        answer = super().send(to, email, envelope, addressing, attachments)
        about = (envelope.customer, envelope.claim, envelope.effect, EffectState.DONE)
        report = threading.Thread(target=self._store.mark_effect, args=about)
        self._reports.append(report)
        report.start()
        return answer

    def all_reported(self) -> None:
        """Wait for the reports that are under way."""
        while self._reports:
            self._reports.pop().join(PATIENCE)


@dataclass
class Workers:
    """What the workers share: the table, the ways out, the provider and the time. `rounds`: how often a race is run on it."""

    client: "DynamoDBClient"
    table: str
    rounds: int
    clock: StandingClock = field(default_factory=StandingClock)

    def __post_init__(self) -> None:
        self.store = TableCaseStore(self.client, self.table, 1)
        self.policies = standard_policies()
        self.stripe = FakeSource(self.clock)
        self.email, self.sms, self.team = ReportedEmail(self.store), FakeSms(), FakeTeam()
        self.dead_letters = MemoryDeadLetters()

    def record(self) -> RecordSnapshot:
        """One function that takes webhooks."""
        return RecordSnapshot(self.store, self.policies, MemorySyncQueue(), MemoryWakeups(self.clock), self.clock, "test")

    def run_step(self) -> RunStep:
        """One function that works customers off."""
        charge = ChargeFee({"stripe": self.stripe}, self.policies)
        line = MailLine(TableMailPlaces(self.client, self.table), FakeQuota(), self.clock)
        order = MailOrder(TableWaitingMails(self.client, self.table), self.clock)
        sender = Sender(self.store, self.email, self.sms, self.team, PlainRenderer(), self.policies, self.clock, charge, line, order)
        wakeups = MemoryWakeups(self.clock)
        ended = Disconnections(MemoryConnections(), MemorySweepQueue(), self.clock)
        return RunStep(
            self.store,
            LastCheck({"stripe": self.stripe}, self.policies, MemorySyncQueue()),
            self.policies,
            sender,
            wakeups,
            self.dead_letters,
            self.clock,
            new_ulid,
            ended,
            FirstContacts(MemoryDayPlaces(), self.policies),
        )

    def told(self, snapshot: Snapshot) -> str:
        """A webhook arrives; Stripe repeats it until it is taken."""
        while True:
            try:
                return self.record().invoice(snapshot)
            except Retryable:
                continue

    def look_at(self, customer: str, workers: int) -> None:
        """So many workers get a message for this customer at the same time, and all end."""
        at_once([partial(self.run_step(), Wakeup(customer)) for _ in range(workers)])
        self.email.all_reported()

    def until_due(self, customer: str) -> None:
        """Time passes until this customer's timer."""
        due_at = self.store.load(customer).profile.due_at
        assert due_at is not None, f"{customer} has no timer"
        self.clock.now = max(self.clock.now, due_at) + timedelta(seconds=1)


def at_once(acts: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Do all of these at the same time, each in a thread of its own; what they answered."""
    together = threading.Barrier(len(acts))

    def do(act: Callable[[], Answer]) -> Answer:
        together.wait(PATIENCE)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))
