"""One world: the real use cases on the twins, and all that happens to them until everything has settled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from dunning.content.policy_book import PolicyBook
from dunning.domain.errors import Retryable
from dunning.domain.invoice import Snapshot
from dunning.workflow.charge_fee import ChargeFee
from dunning.workflow.daily_sweep import DailySweep
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.disconnections import Disconnections, Reconnections
from dunning.workflow.dispatch_due import DispatchDue
from dunning.workflow.fee_port import FeeOrder
from dunning.workflow.first_contacts import FirstContacts
from dunning.workflow.last_check import LastCheck
from dunning.workflow.mail_line import MailLine
from dunning.workflow.mail_order import MailOrder
from dunning.workflow.ports import SyncBatch, SyncRequest, Wakeup
from dunning.workflow.record_delivery import RecordDelivery
from dunning.workflow.record_event import RecordEvent
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.release_case import ReleaseCase
from dunning.workflow.run_step import RunStep
from dunning.workflow.sending import Sender
from dunning.workflow.source_events import ContactSeen, DisputeSeen, FetchKind, InvoiceSeen, NeedsFetch, SourceEvent
from dunning.workflow.sweep_ports import SweepStage
from dunning.workflow.sync_invoice import SyncInvoice
from dunning.workflow.sync_many import SyncMany
from functions.daily_sweep import app as sweep_function
from functions.run_step import app as run_function
from functions.sync_invoice import app as sync_function
from tests.fakes.case_store import MemoryCaseStore
from tests.fakes.channels import PlainRenderer
from tests.fakes.connections import MemoryConnections
from tests.fakes.day_places import MemoryDayPlaces
from tests.simulation.cloud import MANY_ATTEMPTS, TIMEOUT, Cloud, Sqs
from tests.simulation.faults import MESSAGE, WEBHOOK, Fault, FaultBook, Kind
from tests.simulation.in_turn import InTurn
from tests.simulation.outside import TwinChannels, TwinEmail, TwinSms, TwinSource, TwinTeam
from tests.simulation.people import People
from tests.simulation.plans import Happening, Plan, What
from tests.simulation.postbox import TwinDeadLetters, TwinSweepQueue, TwinSyncBatches, TwinSyncLetters, TwinSyncQueue, TwinWakeups
from tests.simulation.provider import Provider, thinned
from tests.simulation.records import Accepted, Records
from tests.simulation.storage import (
    Timers,
    TwinCorrespondents,
    TwinMailPlaces,
    TwinOpenIndex,
    TwinQuota,
    TwinStore,
    TwinSweepNotes,
    TwinTimerIndex,
    TwinWaitingMails,
)
from tests.simulation.watching import Watch
from tests.simulation.wire import Wire

TURN = timedelta(minutes=10)
SWEEP_HOUR = 4
STRIPE_TRIES_AGAIN = (300, 1800, 7200, 18000, 36000, 43200)
"""Seconds between Stripe's own attempts at a webhook that was not answered (about three days in all; the rest are like the last)."""

CHATTER = (0.5, 2, 2, 7)
"""Seconds after which a provider whose webhooks only point tells of the same change again."""

HOUR_AND_BACKOFF = timedelta(hours=2, minutes=15)
A_SWEEP_LATER = timedelta(hours=31)


class World:
    """Runs a plan; `faults` None draws them by chance, a list replays them."""

    def __init__(self, plan: Plan, faults: Sequence[Fault] | None = None) -> None:
        self.plan = plan
        self.records = Records()
        self.faults = FaultBook(plan.fault_rate, plan.seed, faults)
        self.cloud = Cloud(plan, self.faults, self.records)
        self.cloud.race = self._race
        self.memory = MemoryCaseStore(deal=plan.seed)
        self.timers = Timers(self.memory, self.cloud)
        self.provider = Provider(plan, self.cloud.clock, self.cloud.true_time)
        self.watch = Watch(plan, self.cloud, self.provider, self.records, self.memory)
        self.in_turn = InTurn(self.cloud, self.records, self.memory)
        self.policies = PolicyBook.of({plan.policy.name: plan.policy})
        self._still_to_happen = list(plan.happenings)
        self._numbers = count(1)
        self._wire()

    def _wire(self) -> None:
        cloud, wire, policies = self.cloud, Wire(self.cloud), self.policies
        self.run_queue = Sqs[Wakeup](cloud, "run", "run_step", self._on_wakeup, about=self._about_wakeup)
        self.sync_queue = Sqs[SyncRequest](cloud, "sync", "sync_invoice", self._on_request)
        self.sweep_queue = Sqs[SweepStage](cloud, "sweep", "daily_sweep", self._on_stage, visibility=1800)
        store = TwinStore(self.memory, wire, cloud, self.timers, self.watch.claimed)
        sources = {"stripe": TwinSource(self.provider, wire, cloud)}
        channels = TwinChannels(wire, cloud, self._accepted)
        wakeups, sync = TwinWakeups(wire, self.run_queue), TwinSyncQueue(wire, self.sync_queue)
        record = RecordSnapshot(store, policies, sync, wakeups, cloud.clock, "simulation")
        self.events = RecordEvent(record, sync, "stripe")
        # Stripe has no connection that could end.
        connections, sweeps = MemoryConnections(), TwinSweepQueue(wire, self.sweep_queue)
        ended = Disconnections(connections, sweeps, cloud.clock)
        letters = TwinSyncLetters(wire, self.records)
        self.sync = SyncInvoice(sources, record, self.events, store, cloud.clock, ended, letters)
        quota = TwinQuota(wire, cloud)
        waiting = TwinWaitingMails(wire, cloud)
        self.dispatch = DispatchDue(TwinTimerIndex(wire, self.timers), wakeups, quota, cloud.clock, waiting)
        email, sms, team = TwinEmail(channels), TwinSms(channels), TwinTeam(channels)
        line = MailLine(TwinMailPlaces(wire), quota, cloud.clock)
        order = MailOrder(waiting, cloud.clock)
        sender = Sender(store, email, sms, team, PlainRenderer(), policies, cloud.clock, ChargeFee(sources, policies), line, order)
        dead = TwinDeadLetters(wire, self.records)
        first_contacts = FirstContacts(MemoryDayPlaces(), policies)
        check = LastCheck(sources, policies, sync)
        self.run_step = RunStep(store, check, policies, sender, wakeups, dead, cloud.clock, self._new_id, ended, first_contacts)
        self.delivery = RecordDelivery(store, record)
        self.release = ReleaseCase(record)
        self.people = People(cloud, record, store, TwinCorrespondents(self.memory, wire), team)
        self.provider.charged = self._charged
        notes, open_index = TwinSweepNotes(wire), TwinOpenIndex(wire, self.memory)
        mended = Reconnections(connections, record, TwinTeam(channels), "collections")
        batches = TwinSyncBatches(wire, Sqs[SyncBatch](cloud, "sync", "sync_invoice", self._on_batch))
        self.batches = batches
        self.sync_many = SyncMany(self.sync, batches, sync, cloud.clock, letters.of_many)
        self.sweep = DailySweep(sources, record, notes, open_index, sync, sweeps, {}, batches, mended)

    def run(self) -> None:
        """From the start until everything has settled."""
        timeline = self.cloud.timeline
        for happening in self.plan.happenings:
            timeline.at(happening.at, partial(self._happen, happening))
        timeline.at(_first_turn(self.plan.start), self._turn)
        timeline.at(_next_sweep(self.plan.start), self._sweep)
        timeline.run_until(self.plan.end + HOUR_AND_BACKOFF)
        self.watch.nothing_is_overdue(self.memory)
        timeline.run_until(self.plan.end + HOUR_AND_BACKOFF + A_SWEEP_LATER)
        self.watch.nothing_is_overdue(self.memory)

    def _happen(self, happening: Happening) -> None:
        if happening not in self._still_to_happen:
            return
        self._still_to_happen.remove(happening)
        if happening.what is What.RELEASED:
            self._release(happening.customer)
            return
        if self.people.act(happening):
            return
        news = self.provider.happen(happening)
        if news:
            self._tell(news, happening.invoice)

    def _charged(self, order: FeeOrder, fee: Snapshot) -> None:
        self.watch.charged(order)
        self._tell(InvoiceSeen(fee), fee.invoice_id)

    def _release(self, customer: str) -> None:
        """A person looks, and asks again until it is done."""
        if not self.cloud.invoke("redrive", partial(self.release, customer, "looked at")):
            self.cloud.timeline.after(300, partial(self._release, customer))

    def _tell(self, news: SourceEvent, invoice: str) -> None:
        fault = self.cloud.draw("stripe.webhook", WEBHOOK)
        kind = fault.kind if fault else None
        if kind is Kind.MISSING:
            self.records.unheard.add(_subject(news) or invoice)
            return
        told = thinned(news) if kind is Kind.THIN or self.plan.points_only else news
        late = _late_by(fault) if fault and kind is Kind.DELAYED else 0
        self.cloud.timeline.after(1 + late, lambda: self._webhook(told))
        for seconds in CHATTER if self.plan.points_only else ():
            self.cloud.timeline.after(1 + seconds, lambda: self._webhook(told))
        if fault and kind is Kind.DOUBLED:
            self.cloud.timeline.after(1 + fault.size * (fault.size % 9), lambda: self._webhook(told))

    def _webhook(self, news: SourceEvent, attempt: int = 1) -> None:
        if self.cloud.invoke("stripe_webhook", lambda: self._heard(news), calm=attempt >= MANY_ATTEMPTS):
            return
        later = STRIPE_TRIES_AGAIN[min(attempt, len(STRIPE_TRIES_AGAIN)) - 1]
        self.cloud.timeline.after(later, lambda: self._webhook(news, attempt + 1))

    def _heard(self, news: SourceEvent) -> None:
        """As functions/stripe_webhook does, or functions/accounting_webhook."""
        if self.plan.points_only and isinstance(news, NeedsFetch):
            self.batches.send(SyncBatch((SyncRequest("stripe", news.kind.value, news.id, stamp=self.cloud.clock()),)))
            if news.kind is FetchKind.INVOICE:
                self.watch.pointed_at(news.id)
        else:
            self.events(news)

    def _turn(self) -> None:
        turn = self.cloud.true_time()
        self.cloud.timeline.at(turn + TURN, self._turn)
        if turn.minute == 50:
            self.watch.look(self.memory)
        if self.timers.any_before(turn + 2 * TURN) and not self.cloud.during(self.plan.wheel_silent):
            late = abs(self.plan.clocks[turn.hour % len(self.plan.clocks)]) * 10
            self.cloud.timeline.after(late, lambda: self.cloud.asynchronously("dispatch_due", partial(self._dispatch, turn)))

    def _dispatch(self, turn: datetime) -> None:
        before = self.in_turn.turn_begins()
        self.in_turn.turned(turn, self.dispatch(turn), before)

    def _sweep(self) -> None:
        at = self.cloud.true_time()
        self.cloud.timeline.at(at + timedelta(days=1), self._sweep)
        if not self.cloud.during(self.plan.sweep_silent):
            self.cloud.asynchronously("daily_sweep", lambda: self.sweep.start(at))

    def _on_wakeup(self, wakeup: Wakeup, receives: int) -> None:
        """As functions/run_step answers."""
        self.cloud.invocation.let_go = wakeup.let_go
        try:
            self.run_step(wakeup)
        except Retryable:
            if receives < run_function.LAST_RECEIVES:
                raise

    def _on_request(self, request: SyncRequest, receives: int) -> None:
        """As functions/sync_invoice answers."""
        sync_function.attempt(self.sync, request, receives)

    def _on_batch(self, batch: SyncBatch, _receives: int) -> None:
        self.sync_many(batch, lambda: float(TIMEOUT["sync_invoice"]))

    def _on_stage(self, stage: SweepStage, receives: int) -> None:
        """As functions/daily_sweep answers."""
        try:
            self.sweep.page(stage)
        except Retryable:
            if receives < sweep_function.LAST_RECEIVES:
                raise

    def _about_wakeup(self, wakeup: Wakeup) -> tuple[str, bool]:
        claim = self.memory.load(wakeup.customer).profile.claim
        return wakeup.customer, claim is not None and claim.attempt >= MANY_ATTEMPTS

    def _accepted(self, message: Accepted) -> None:
        self.watch.accepted(message)
        self.in_turn.accepted(message)
        if message.channel != "email":
            return
        self._ses_reports(DeliveryKind.SENT, message, 2)
        for seconds in self.plan.opened_after(message.envelope.customer, message.envelope.effect):
            self._ses_reports(DeliveryKind.OPENED, message, seconds)
        if message.envelope.customer in self.provider.bouncing and not message.to[0].startswith("new."):
            self._ses_reports(DeliveryKind.BOUNCED, message, 20)

    def _ses_reports(self, kind: DeliveryKind, message: Accepted, seconds: float) -> None:
        envelope = message.envelope
        number = f"mail-{len(self.records.accepted)}"
        news = DeliveryNews(kind, envelope.customer, envelope.claim, envelope.effect, envelope.invoices, envelope.step, number, message.at)
        fault = self.cloud.draw("ses.report", MESSAGE)
        late = fault.size % 240 if fault and fault.kind is Kind.DELAYED else 0
        report = partial(self.cloud.asynchronously, "delivery_feedback", partial(self.delivery, news))
        for more in (0, fault.size) if fault and fault.kind is Kind.DOUBLED else (0,):
            self.cloud.timeline.after(seconds + late + more, report)

    def _race(self, fault: Fault, customer: str | None) -> None:
        """Somebody else comes first: a second worker, the next thing that happens, or a fetch."""
        if self.cloud.is_deep:
            return
        if fault.size % 3 == 0 and customer:
            self.run_queue.work_off(Wakeup(customer), 1)
        elif fault.size % 3 == 1:
            coming = [happening for happening in self._still_to_happen if customer in (None, happening.customer)]
            if coming:
                self._happen(coming[0])
                self.cloud.timeline.pass_time(1.5)
        else:
            about = [name for name, truth in self.provider.account.invoices.items() if customer in (None, truth.customer)]
            if about:
                request = SyncRequest("stripe", FetchKind.INVOICE.value, about[fault.size % len(about)], customer)
                self.sync_queue.work_off(request, 1)

    def _new_id(self, now: datetime) -> str:
        return f"claim-{next(self._numbers)}"


def _late_by(fault: Fault) -> int:
    """Seconds: by minutes as often as by hours."""
    return fault.size % 30 * 20 if fault.size % 2 else fault.size * 20


def _subject(news: SourceEvent) -> str | None:
    match news:
        case ContactSeen(customer=customer):
            return f"contact of {customer}"
        case DisputeSeen(dispute_id=dispute_id):
            return dispute_id
        case _:
            return None


def _first_turn(start: datetime) -> datetime:
    return start.replace(minute=start.minute - start.minute % 10, second=0, microsecond=0) + TURN


def _next_sweep(start: datetime) -> datetime:
    today = start.replace(hour=SWEEP_HOUR, minute=0, second=0, microsecond=0)
    return today if today > start else today + timedelta(days=1)
