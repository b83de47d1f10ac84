"""The table's twin behind the wire, and what is noted of each call."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Claim, EffectState
from dunning.domain.errors import Retryable
from dunning.domain.holds import Hold
from dunning.domain.mail_order import Waiting
from dunning.workflow.moving_port import CaseChange
from dunning.workflow.sweep_ports import OpenPage
from dunning.workflow.wheel_ports import DueTimer, SendingLimits
from tests.fakes.case_store import MemoryCaseStore, MemoryOpenIndex, MemorySweepNotes
from tests.fakes.mail_line import MemoryMailPlaces
from tests.fakes.mail_order import MemoryWaitingMails
from tests.simulation.cloud import Cloud
from tests.simulation.faults import CLAIM, READ, WRITE
from tests.simulation.wire import Wire

OnClaim = Callable[[str, datetime], None]


class Timers:
    """When each customer's timer was set, and to what; the index shows it a little later."""

    def __init__(self, store: MemoryCaseStore, cloud: Cloud) -> None:
        self._store = store
        self._cloud = cloud
        self._history: dict[str, list[tuple[datetime, DueTimer | None]]] = {}

    def note(self, customer: str) -> None:
        """Something was written about this customer."""
        profile = self._store.load(customer).profile
        timer = DueTimer(customer, profile.due_at, profile.due_since or profile.due_at) if profile.due_at else None
        history = self._history.setdefault(customer, [])
        if not history or history[-1][1] != timer:
            history.append((self._cloud.true_time(), timer))

    def standing(self, customer: str) -> tuple[datetime, DueTimer | None]:
        """Since when the timer stands as it does."""
        return self._history.get(customer, [(self._cloud.true_time(), None)])[-1]

    def any_before(self, until: datetime) -> bool:
        """Whether a turn of the wheel could find anything: what stands, or stood until a moment ago."""
        lately = self._cloud.true_time() - timedelta(minutes=3)
        return any(
            timer and timer.due_at < until
            for history in self._history.values()
            for timer in (history[-1][1], history[-2][1] if history[-1][0] > lately and len(history) > 1 else None)
        )

    def tell(self, found: Sequence[DueTimer]) -> None:
        """What the function that runs now has found in the index."""
        self._cloud.invocation.found = found

    def shown(self) -> Iterator[DueTimer]:
        """What the index shows by now."""
        seen_until = self._cloud.true_time() - timedelta(seconds=self._cloud.plan.index_lag)
        for history in self._history.values():
            known = [timer for at, timer in history if at <= seen_until]
            if known and known[-1]:
                yield known[-1]


def taken_back(before: Case, after: Case) -> Iterator[str]:
    """No invoice of this provider's comes to owe more: whoever believes so was told late of what was so before."""
    for known in before.invoices.values():
        now = after.invoices.get(known.id, known)
        if now.is_open and known.is_open and now.amount_due > known.amount_due:
            yield f"of {known.id} it was believed that {now.amount_due} are owed, though {known.amount_due} were known already"


class TwinStore:
    """workflow.ports.CaseStore."""

    def __init__(self, memory: MemoryCaseStore, wire: Wire, cloud: Cloud, timers: Timers, on_claim: OnClaim) -> None:
        self._memory = memory
        self._wire = wire
        self._cloud = cloud
        self._timers = timers
        self._on_claim = on_claim

    def load(self, customer: str) -> Case:
        """As the table answers it."""
        case = self._wire.call("store.load", READ, lambda: self._memory.load(customer))
        running = self._cloud.invocation
        if running.function == "run_step" and running.loaded is None:
            running.loaded = case
        return case

    def save(self, before: Case, after: Case, activities: Sequence[Activity] = (), *, claim_id: str | None = None) -> None:
        """Again with the same token changes nothing, as the SDK's own retries know."""

        def write() -> None:
            self._memory.save(before, after, activities, claim_id=claim_id)
            self._timers.note(after.profile.customer)
            for text in taken_back(before, after):
                self._cloud.records.violated(f"{self._cloud.true_time():%d %b %H:%M:%S} {text}")

        self._wire.call("store.save", WRITE, write, again=lambda: None)

    def move(self, invoice_id: str, old: CaseChange, new: CaseChange) -> None:
        """As `save` writes one case."""

        def write() -> None:
            self._memory.move(invoice_id, old, new)
            for each in (old, new):
                self._timers.note(each.after.profile.customer)

        self._wire.call("store.save", WRITE, write, again=lambda: None)

    def claim(self, customer: str, claim: Claim, now: datetime) -> Claim:
        """Again finds its own id in place."""

        def take() -> Claim:
            since, timer = self._timers.standing(customer)
            taken = self._memory.claim(customer, claim, now)
            if timer and taken.id == claim.id:
                self._on_claim(customer, max(since, timer.due_at))
            self._timers.note(customer)
            return taken

        return self._wire.call("store.claim", CLAIM, take)

    def park_as_it_lies(self, customer: str, claim_id: str, hold: Hold, logged: Activity) -> None:
        """As `save` writes one case."""

        def write() -> None:
            self._memory.park_as_it_lies(customer, claim_id, hold, logged)
            self._timers.note(customer)

        self._wire.call("store.save", WRITE, write, again=lambda: None)

    def mark_effect(self, customer: str, origin: str, effect: str, state: EffectState, at: datetime | None = None) -> bool:
        """A retry marks what is marked."""
        return self._wire.call("store.mark_effect", CLAIM, lambda: self._memory.mark_effect(customer, origin, effect, state, at))

    def latest_activities(self, customer: str, most: int) -> Sequence[Activity]:
        """As the table answers it."""
        return self._wire.call("store.latest_activities", READ, lambda: self._memory.latest_activities(customer, most))

    def customer_of(self, kind: str, value: str) -> str | None:
        """Of references nothing is ever taken back."""
        return self._wire.call("store.customer_of", READ, lambda: self._memory.customer_of(kind, value))


class TwinCorrespondents:
    """workflow.ports.Correspondents."""

    def __init__(self, memory: MemoryCaseStore, wire: Wire) -> None:
        self._memory = memory
        self._wire = wire

    def customers_of(self, kind: str, value: str) -> tuple[str, ...]:
        """Whom an address or a token names."""
        return self._wire.call("store.customers_of", READ, lambda: self._memory.customers_of(kind, value))


class TwinTimerIndex:
    """workflow.wheel_ports.TimerIndex: behind the table by as much as the plan says."""

    def __init__(self, wire: Wire, timers: Timers) -> None:
        self._wire = wire
        self._timers = timers

    def due(self, until: datetime, since: datetime | None = None) -> list[DueTimer]:
        """Timers in [since, until), or all before `until`."""
        shown = self._wire.call("store.due", READ, lambda: list(self._timers.shown()))
        found = [timer for timer in shown if timer.due_at < until and (since is None or since <= timer.due_at)]
        self._timers.tell(found)
        return found


class TwinOpenIndex:
    """workflow.ports.OpenIndex."""

    def __init__(self, wire: Wire, memory: MemoryCaseStore) -> None:
        self._wire = wire
        self._index = MemoryOpenIndex(memory, page_size=3)

    def page(self, cursor: str | None) -> OpenPage:
        """One page."""
        return self._wire.call("store.open_page", READ, lambda: self._index.page(cursor))


class TwinSweepNotes:
    """workflow.ports.SweepNotes."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._notes = MemorySweepNotes()

    def add(self, run: str, page: int, rows: Sequence[str]) -> None:
        """Keep what one page showed."""
        self._wire.call("store.note_page", WRITE, lambda: self._notes.add(run, page, rows))

    def seen(self, run: str) -> frozenset[str]:
        """All rows of a run."""
        return self._wire.call("store.notes", READ, lambda: self._notes.seen(run))

    def swept(self, source: str, account: str) -> datetime | None:
        """When the last sweep began that came to this account's end."""
        return self._wire.call("store.swept", READ, lambda: self._notes.swept(source, account))

    def note_swept(self, source: str, account: str, began: datetime) -> None:
        """Remember it."""
        self._wire.call("store.note_swept", WRITE, lambda: self._notes.note_swept(source, account, began))


class TwinMailPlaces:
    """workflow.mail_line.MailPlaces: a retry takes one place more."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._places = MemoryMailPlaces()

    def take(self, earliest: datetime, room: timedelta) -> datetime:
        """The next place."""
        return self._wire.call("store.mail_place", CLAIM, lambda: self._places.take(earliest, room))


class TwinWaitingMails:
    """workflow.mail_order.WaitingMails."""

    def __init__(self, wire: Wire, cloud: Cloud) -> None:
        self._wire = wire
        self._cloud = cloud
        self._memory = MemoryWaitingMails()

    def read(self) -> Waiting | None:
        """As the last turn left it."""
        try:
            return self._wire.call("store.waiting_mails", READ, self._memory.read)
        except Retryable:
            self._cloud.invocation.asked_in_vain = True
            raise

    def put(self, waiting: Waiting) -> None:
        """Keep it; again it is the same."""
        self._wire.call("store.note_waiting", WRITE, lambda: self._memory.put(waiting))


class TwinQuota:
    """workflow.wheel_ports.EmailQuota: spent at times."""

    def __init__(self, wire: Wire, cloud: Cloud) -> None:
        self._wire = wire
        self._cloud = cloud

    def limits(self) -> SendingLimits:
        """Nothing while it is spent."""
        if self._cloud.during(self._cloud.plan.mail_down):
            raise Retryable("SES cannot be reached")
        return SendingLimits(0 if self._cloud.during(self._cloud.plan.quota_spent) else 1_000_000, 14.0)
