"""What the providers say at the last hop before the customer, and how it is taken into the case."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType, with_skips_joined
from dunning.domain.case import Case
from dunning.domain.chasing import with_silence_told
from dunning.domain.decision import texts_now, to_ask_about
from dunning.domain.effects import begun_steps, is_unanswered
from dunning.domain.errors import Permanent
from dunning.domain.introducing import introduced
from dunning.domain.invoice import Invoice, Snapshot, Status
from dunning.domain.opting_out import opted_out
from dunning.domain.policy import Policy
from dunning.domain.recording import MOVED_AWAY, NOT_FOUND, Recorder
from dunning.domain.retiring import without_retired
from dunning.domain.run_out import ending_now, run_out_ended
from dunning.domain.settlement import Done
from dunning.domain.works import Work
from dunning.workflow.ports import InvoiceSource, NumberCheck, Policies, Standing, SyncQueue, SyncRequest
from dunning.workflow.source_events import FetchKind
from dunning.workflow.sources import LISTED, account_of, source_of
from dunning.workflow.sweep_ports import AccountedSource

MOST_LINKS = 6
"""Invoices that one check reads by themselves, for the links that lists lack; with all else as much as QuickBooks takes in a second."""

MOST_IN_ONE_TRANSACTION = 18
"""Invoices settled at once: each may cost a write and up to three activities, holds that end beside them another eighteen items,
and DynamoDB takes 100. Where it is more after all, for the steps that their plans pass over, the part is halved."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the providers said at the last hop before the customer; nothing is sent about an invoice that was not asked for.

    `asked` maps each to the version it had when it was: as long as nobody else has written it since, the answer is newer.
    `unread`: those that cannot be read, and why. `gone`: the source has them no more; `moved`: they are another customer's now.
    `is_part`: there is more to ask before a decision.
    `has_standing`: the customer's credit was asked for, too.
    `number_is_closed`: the customer has told the telephone network to deliver no text messages of ours.
    """

    asked: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    gone: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    standing: Standing = field(default_factory=Standing)
    has_standing: bool = False
    number_is_closed: bool = False
    is_part: bool = False

    def with_charged(self, fees: tuple[Snapshot, ...]) -> "Checked":
        """And with the invoices that late fees became since."""
        return replace(self, snapshots=(*self.snapshots, *fees))

    def covers(self, work: Work) -> bool:
        """Whether this work may be carried out now: thanks and notices claim nothing that could have changed."""
        return work.step is None or work.invoice in self.asked


NOTHING_ASKED = Checked()


@dataclass(frozen=True, slots=True)
class LastCheck:
    """Asks a customer's source what is still owed, before anything is sent."""

    sources: Mapping[str, InvoiceSource]
    policies: Policies
    sync_queue: SyncQueue
    numbers: NumberCheck | None = None
    accounted: Mapping[str, AccountedSource] = field(default_factory=dict)

    def __call__(self, case: Case, now: datetime, besides: Collection[str] = frozenset()) -> Checked:
        """Ask the provider what is still owed: one due invoice is read, of several the customer's open ones are listed.

        None of `besides`, which nobody is to be told of now.

        No list of QuickBooks' or Xero's tells the link to pay: of several due invoices those without one are read by themselves.

        Due is also whose hold ends now: whether a promise was kept, its source knows best.
        """
        free, _ = run_out_ended(case, now, "run_step")
        due = [case.invoices[one.id] for one in to_ask_about(free, now, self._policy_of, besides)]
        due += [invoice for invoice in ending_now(case, now) if invoice not in due]
        if not due:
            return Checked()
        source = self.sources.get(due[0].source)
        if source is None:
            return Checked({invoice.id: invoice.version for invoice in due})
        lacking = [invoice for invoice in due if not invoice.payment_url] if source.name in self.accounted and len(due) > 1 else []
        with self._turn(case.profile.customer, min(len(lacking), MOST_LINKS)):
            return self._asked(source, case, due, lacking)

    def _turn(self, customer: str, links: int) -> AbstractContextManager[None]:
        """Room for the whole check where a source counts requests: half of one would be asked in vain."""
        source = self.accounted.get(source_of(customer))
        return source.turn(customer, links) if source else nullcontext()

    def _asked(self, source: InvoiceSource, case: Case, due: Sequence[Invoice], lacking: Sequence[Invoice]) -> Checked:
        """What lacks its link is read by itself, so many in a part; a source that tells no links is not asked for more of them.

        One that cannot be read keeps none of the others.
        """
        customer = case.profile.customer
        account = account_of(customer)
        found, unread = dict[str, Snapshot | None](), dict[str, str]()

        def read(invoice: Invoice) -> None:
            try:
                found[invoice.id] = source.fetch(invoice.id, account)
            except Permanent as exc:
                unread[invoice.id] = str(exc)

        for invoice in lacking[:MOST_LINKS]:
            read(invoice)
        is_part = len(lacking) > MOST_LINKS and any(snapshot and snapshot.payment_url for snapshot in found.values())
        due = lacking[:MOST_LINKS] if is_part else due
        rest = [invoice for invoice in due if invoice.id not in {*found, *unread}]
        many = len(rest) > 1 or (rest and source.name in LISTED)
        listed = {snapshot.invoice_id: snapshot for snapshot in source.open_invoices_of(customer)} if many else {}
        # Of the list only what is due is taken in: all of it might not fit into the one transaction that settles.
        for invoice in rest:
            if invoice.id in listed:
                found[invoice.id] = listed[invoice.id]
            else:
                read(invoice)
        moved = tuple(invoice_id for invoice_id, snapshot in found.items() if snapshot and snapshot.customer != customer)
        if moved:
            # Closed here at once, lest anybody is reminded meanwhile; whose it is now, a fetch finds out and opens it there.
            self.sync_queue.send([SyncRequest(source.name, FetchKind.INVOICE.value, invoice_id, customer) for invoice_id in moved])
        snapshots = tuple(snapshot for snapshot in found.values() if snapshot and snapshot.invoice_id not in moved)
        is_owed = not is_part and any(snapshot.status is Status.OPEN for snapshot in snapshots)
        return Checked(
            asked={invoice.id: invoice.version for invoice in due if invoice.id in found},
            unread=unread,
            snapshots=snapshots,
            gone=tuple(invoice_id for invoice_id, snapshot in found.items() if snapshot is None),
            moved=moved,
            standing=source.standing_of(customer) if is_owed else Standing(),
            has_standing=is_owed,
            number_is_closed=not is_part and self._number_is_closed(case, due),
            is_part=is_part,
        )

    def _number_is_closed(self, case: Case, due: Sequence[Invoice]) -> bool:
        """Asked only when a text message is about to go out: SNS would take it, or refuse it, and nobody would be told."""
        reach = case.profile.reach
        texts = any(texts_now(invoice, self._policy_of(invoice), reach) for invoice in due)
        return bool(self.numbers and reach.phone and texts and self.numbers.is_opted_out(reach.phone))

    def _policy_of(self, invoice: Invoice) -> Policy:
        return self.policies.named(invoice.policy)


def why_unread(unread: Mapping[str, str]) -> str:
    """Why a person must look; how many more are as bad, the number says."""
    first, *others = unread.values()
    return first + (f" (and {len(others)} more of this customer)" if others else "")


Part = tuple[Checked, tuple[Done, ...]]
"""What was found and done of some invoices."""


def in_parts(checked: Checked, done: tuple[Done, ...], most: int = MOST_IN_ONE_TRANSACTION) -> list[Part]:
    """What was found and done, in parts of so many invoices that each fits into one transaction; one part at least."""
    names = _names(checked, done)
    found = []
    for start in range(0, max(len(names), 1), most):
        part = frozenset(names[start : start + most])
        some = replace(
            checked,
            snapshots=tuple(snapshot for snapshot in checked.snapshots if snapshot.invoice_id in part),
            gone=tuple(invoice_id for invoice_id in checked.gone if invoice_id in part),
            moved=tuple(invoice_id for invoice_id in checked.moved if invoice_id in part),
        )
        found.append((some, tuple(one for one in done if one.work.invoice in part)))
    return found


def halves(part: Part) -> list[Part]:
    """A part in two smaller ones; as it is where it is about one invoice, or none."""
    return in_parts(*part, most=max((len(_names(*part)) + 1) // 2, 1))


def _names(checked: Checked, done: tuple[Done, ...]) -> list[str]:
    told = (*(snapshot.invoice_id for snapshot in checked.snapshots), *checked.gone, *checked.moved)
    return list(dict.fromkeys([*(one.work.invoice for one in done), *told]))


def taken_in(case: Case, checked: Checked, recorder: Recorder) -> tuple[Case, tuple[Activity, ...]]:
    """The case with what the providers said, then without the holds whose time is over: money that came keeps a promise."""
    before, activities = case, list[Activity]()
    if checked.standing.contact:
        case = introduced(case, without_retired(case.profile, checked.standing.contact))
    for snapshot in checked.snapshots:
        known = case.invoices.get(snapshot.invoice_id)
        untouched = known is not None and known.version == checked.asked.get(known.id)
        recorded = recorder.record(case, snapshot, fetched=untouched)
        activities += [*recorded.activities, *_suppressed(case, recorded.case, snapshot.invoice_id, recorder)]
        again = recorder.started_again(recorded.case, snapshot)
        case, activities = again.case, [*activities, *again.activities]
    lost = [*((invoice_id, NOT_FOUND) for invoice_id in checked.gone), *((invoice_id, MOVED_AWAY) for invoice_id in checked.moved)]
    for invoice_id, reason in lost:
        recorded = recorder.closed_as_unknown(case, invoice_id, reason)
        activities += [*recorded.activities, *_suppressed(case, recorded.case, invoice_id, recorder, reason)]
        case = recorded.case
    if checked.number_is_closed:
        case, wished = opted_out(case, "sms", "the number takes no text messages (answered STOP)", recorder.now, recorder.actor)
        activities += wished
    case, of_marking = with_silence_told(before, case, recorder.now, recorder.actor)
    case, ended = run_out_ended(case, recorder.now, recorder.actor, checked.asked)
    return case, with_skips_joined((*activities, *of_marking, *ended))


def _suppressed(before: Case, after: Case, invoice_id: str, recorder: Recorder, because: str | None = None) -> tuple[Activity, ...]:
    """A reminder that the last check kept back is a decision, too. Of one that went out before, its own row tells."""
    known, now = before.invoices.get(invoice_id), after.invoices.get(invoice_id)
    if known is None or now is None or known.next_step is None or now.is_open:
        return ()
    if known.next_step in begun_steps(before.profile, invoice_id):
        return ()
    reason = f"the last check before sending: {because}" if because else f"the last check before sending found it {now.standing}"
    if is_unanswered(before.profile, recorder.claim):
        reason += f"; {known.next_step} may have gone out before, for an answer was lost: it is not repeated"
        return (Activity(recorder.now, ActivityType.UPDATED, reason, (invoice_id,), None, recorder.actor),)
    return (Activity(recorder.now, ActivityType.SUPPRESSED, reason, (invoice_id,), known.next_step, recorder.actor),)
