"""What the providers say at the last hop before the customer, and how it is taken into the case."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.chasing import with_silence_told
from dunning.domain.effects import begun_steps, is_unanswered
from dunning.domain.introducing import introduced
from dunning.domain.invoice import Snapshot
from dunning.domain.opting_out import opted_out
from dunning.domain.recording import MOVED_AWAY, NOT_FOUND, Recorder
from dunning.domain.retiring import without_retired
from dunning.domain.run_out import run_out_ended
from dunning.domain.settlement import Done
from dunning.domain.works import Work
from dunning.workflow.ports import Standing

MOST_IN_ONE_TRANSACTION = 18
"""Invoices settled at once: each may cost a write and up to three activities, holds that end beside them another eighteen items,
and DynamoDB takes 100."""


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


def why_unread(unread: Mapping[str, str]) -> str:
    """Why a person must look; how many more are as bad, the number says."""
    first, *others = unread.values()
    return first + (f" (and {len(others)} more of this customer)" if others else "")


def in_parts(checked: Checked, done: tuple[Done, ...]) -> list[tuple[Checked, tuple[Done, ...]]]:
    """What was found and done, in parts of so many invoices that each fits into one transaction; one part at least."""
    told = (*(snapshot.invoice_id for snapshot in checked.snapshots), *checked.gone, *checked.moved)
    names = list(dict.fromkeys([*(one.work.invoice for one in done), *told]))
    found = []
    for start in range(0, max(len(names), 1), MOST_IN_ONE_TRANSACTION):
        part = frozenset(names[start : start + MOST_IN_ONE_TRANSACTION])
        some = replace(
            checked,
            snapshots=tuple(snapshot for snapshot in checked.snapshots if snapshot.invoice_id in part),
            gone=tuple(invoice_id for invoice_id in checked.gone if invoice_id in part),
            moved=tuple(invoice_id for invoice_id in checked.moved if invoice_id in part),
        )
        found.append((some, tuple(one for one in done if one.work.invoice in part)))
    return found


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
        case = recorded.case
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
    return case, (*activities, *of_marking, *ended)


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
