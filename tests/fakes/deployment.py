"""The whole product in one process, on fakes and virtual time: the real use cases, wired as the composition root wires them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import Activity
from dunning.domain.case import Case, Profile
from dunning.domain.errors import Retryable, Unforeseen
from dunning.domain.invoice import Invoice, Snapshot
from dunning.providers.manual import ManualSource
from dunning.workflow.answer_fee import AnswerFee
from dunning.workflow.charge_fee import ChargeFee
from dunning.workflow.daily_sweep import DailySweep
from dunning.workflow.disconnections import Disconnections, Reconnections
from dunning.workflow.dispatch_due import DispatchDue
from dunning.workflow.first_contacts import FirstContacts
from dunning.workflow.last_check import LastCheck
from dunning.workflow.mail_line import MailLine
from dunning.workflow.mail_order import MailOrder
from dunning.workflow.ports import InvoiceSource, Policies, SyncRequest, Wakeup
from dunning.workflow.record_event import RecordEvent
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.run_step import RunStep
from dunning.workflow.sending import Sender
from dunning.workflow.sync_invoice import SyncInvoice
from tests.fakes.case_store import MemoryCaseStore, MemoryOpenIndex, MemorySweepNotes, MemoryTimerIndex
from tests.fakes.channels import FakeEmail, FakeQuota, FakeSms, FakeTeam, PlainRenderer, WorkerDied
from tests.fakes.clock import StandingClock
from tests.fakes.connections import MemoryConnections
from tests.fakes.day_places import MemoryDayPlaces
from tests.fakes.mail_line import MemoryMailPlaces
from tests.fakes.mail_order import MemoryWaitingMails
from tests.fakes.queues import MemoryDeadLetters, MemorySweepQueue, MemorySyncBatches, MemorySyncQueue, MemoryWakeups
from tests.fakes.source import FakeAccountedSource, FakeSource

TURN = timedelta(minutes=10)


class FakeDeployment:
    """One deployment. `advance` and `run_until` move time and do all that falls due on the way, in order."""

    def __init__(self, policies: Policies | None = None, *, open_page_size: int = 500) -> None:
        self.clock = StandingClock()
        self.store = MemoryCaseStore()
        self.stripe = FakeSource(self.clock)
        self.email, self.sms, self.team = FakeEmail(), FakeSms(), FakeTeam()
        self.quota = FakeQuota()
        self.wakeups = MemoryWakeups(self.clock)
        self.places = MemoryDayPlaces()
        self.dead_letters, self.sync_queue, self.sweep_queue = MemoryDeadLetters(), MemorySyncQueue(), MemorySweepQueue()
        self.policies = policies or standard_policies()
        self.notes = MemorySweepNotes()
        self.open_index = MemoryOpenIndex(self.store, open_page_size)
        self._numbers = count(1)
        self.record = RecordSnapshot(self.store, self.policies, self.sync_queue, self.wakeups, self.clock, "test")
        self.events = RecordEvent(self.record, self.sync_queue, "stripe")
        self.xero = FakeAccountedSource(self.clock, "xero")
        sources: dict[str, InvoiceSource] = {
            "stripe": self.stripe,
            "xero": self.xero,
            "manual": ManualSource(self.store, self.open_index, self.clock),
        }
        self.connections = MemoryConnections()
        self.sync_letters: list[tuple[SyncRequest, str]] = []
        disconnections = Disconnections(self.connections, self.sweep_queue, self.clock)
        self.sync = SyncInvoice(sources, self.record, self.events, self.store, self.clock, disconnections, self._put_aside)
        self.waiting_mails = MemoryWaitingMails()
        self.dispatch = DispatchDue(MemoryTimerIndex(self.store), self.wakeups, self.quota, self.clock, self.waiting_mails)
        charge = ChargeFee({"stripe": self.stripe, "xero": self.xero}, self.policies)
        self.mail_places = MemoryMailPlaces()
        line = MailLine(self.mail_places, self.quota, self.clock)
        order = MailOrder(self.waiting_mails, self.clock)
        self.sender = Sender(self.store, self.email, self.sms, self.team, PlainRenderer(), self.policies, self.clock, charge, line, order)
        self.answer_fee = AnswerFee(self.record)
        self.run_step = RunStep(
            self.store,
            LastCheck(sources, self.policies, self.sync_queue, accounted={"xero": self.xero}),
            self.policies,
            self.sender,
            self.wakeups,
            self.dead_letters,
            self.clock,
            self._new_id,
            disconnections,
            FirstContacts(self.places, self.policies),
        )
        self.sync_batches = MemorySyncBatches()
        self.sweep = DailySweep(
            sources,
            self.record,
            self.notes,
            self.open_index,
            self.sync_queue,
            self.sweep_queue,
            {"xero": self.xero},
            self.sync_batches,
            Reconnections(self.connections, self.record, self.team, "collections"),
        )

    def case(self, customer: str) -> Case:
        """The case as stored."""
        return self.store.load(customer)

    def profile(self, customer: str) -> Profile:
        """The profile as stored."""
        return self.case(customer).profile

    def invoice(self, customer: str, invoice_id: str) -> Invoice:
        """An invoice as stored."""
        return self.case(customer).invoices[invoice_id]

    def log(self, customer: str) -> list[Activity]:
        """The case's activities, oldest first."""
        return self.store.activities(customer)

    def invoiced(self, *snapshots: Snapshot) -> None:
        """Invoices are issued: the source holds them and their webhooks arrive."""
        self.stripe.has(*snapshots)
        for snapshot in snapshots:
            self.record.invoice(snapshot)

    def look_at(self, customer: str, hops: int = 0) -> str:
        """A message says: look at this customer. A worker that dies answers `died`."""
        return self._work(Wakeup(customer, 0, hops))

    def advance(self, by: timedelta) -> None:
        """Let time pass, and do what falls due."""
        self.run_until(self.clock.now + by)

    def run_until(self, end: datetime) -> None:
        """Move from event to event: turns of the coarse wheel, messages of the fine one, fetches."""
        self.settle_queues()
        turn = _first_turn_after(self.clock.now)
        while (at := min(turn, self.wakeups.next_at() or turn)) <= end:
            self.clock.now = max(self.clock.now, at)
            if at == turn:
                self.dispatch(turn)
                turn += TURN
            self.settle_queues()
        self.clock.now = end

    def settle_queues(self) -> None:
        """Work off all messages that are visible now, and what they cause."""
        while True:
            requests, wakeups, stages = self.sync_queue.receive(), self.wakeups.receive(), self.sweep_queue.receive()
            if not (requests or wakeups or stages):
                return
            for request in requests:
                self._or_again(partial(self.sync, request))
            for wakeup in wakeups:
                self._work(wakeup)
            for stage in stages:
                self.sweep.page(stage)

    def run_sweep(self) -> None:
        """The daily schedule fires; all of its pages are worked off."""
        self.sweep.start(self.clock.now)
        self.settle_queues()

    def _work(self, wakeup: Wakeup) -> str:
        try:
            return self.run_step(wakeup)
        except WorkerDied:
            return "died"
        except (Retryable, Unforeseen):
            return "not done"

    def _or_again(self, act: Callable[[], str]) -> None:
        try:
            act()
        except Retryable:
            # SQS would hand it out again; whoever tests that looks at the queue itself.
            return

    def _put_aside(self, request: SyncRequest, reason: str) -> None:
        self.sync_letters.append((request, reason))

    def _new_id(self, now: datetime) -> str:
        return f"claim-{next(self._numbers)}"


def standard_policies() -> PolicyBook:
    """The policies that are shipped."""
    from dunning.config import PACKAGED_POLICIES

    return PolicyBook.load(PACKAGED_POLICIES, frozenset({"collections"}))


def _first_turn_after(now: datetime) -> datetime:
    started = now.replace(minute=now.minute - now.minute % 10, second=0, microsecond=0)
    return started if started >= now else started + TURN
