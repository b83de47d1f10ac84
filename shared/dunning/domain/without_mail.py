"""What a customer's timer does while SES's quota of the day is spent: all that sends no mail."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from dunning.domain.case import Case, EffectState, Mark
from dunning.domain.consolidation import PolicyOf, sharing
from dunning.domain.decision import decide, due_invoices, has_gone_out
from dunning.domain.effects import Channel, begun_steps, state_of
from dunning.domain.errors import NotYet
from dunning.domain.evolving import replace
from dunning.domain.planning import as_it_stands
from dunning.domain.policy import Scope
from dunning.domain.settlement import Done, Settled, Settlement
from dunning.domain.works import Verdict, Work


def decide_without_mail(
    case: Case,
    policy_of: PolicyOf,
    now: datetime,
    marks: Mapping[str, Mark],
    allowed: Callable[[Work], bool] = lambda _: True,
    besides: Collection[str] = frozenset(),
) -> tuple[tuple[Work, ...], bool]:
    """What to do now as if no mail were due, and whether one waits that has not gone out yet (`marks`, by row).

    A step goes as a whole, with its text or its notice; where a mail that waits is one message with others' (`scope: customer`), all
    reminders of that policy wait with it, but for what has gone out already. `besides`: invoices that are known to wait.
    Raises Permanent as `decide` does.
    """
    decided = decide(case, policy_of, now, allowed, besides)
    waiting = [work for work in decided if _mails(work, marks)]
    if not waiting and not besides:
        return decided, False
    shares = sharing(case, policy_of)
    known_to_wait = [policy_of(case.invoices[name]) for name in besides]
    joint = {shares(work) for work in waiting} - {None} | {policy.name for policy in known_to_wait if policy.scope is Scope.CUSTOMER}

    def goes(work: Work) -> bool:
        reminds = any(effect.kind == "reminder" for effect in work.effects)
        waits = reminds and shares(work) in joint and not has_gone_out(work, marks)
        return allowed(work) and not _mails(work, marks) and not waits

    again = decide(case, policy_of, now, goes, besides)
    # What needs no mail because of what waits beside it (together they are too much, which nobody approved) goes as first decided.
    known = {(work.invoice, work.step) for work in again}
    left = [work for work in decided if (work.invoice, work.step) not in known and (work.effects or work.verdict is Verdict.ASK)]
    return (*again, *(work for work in left if goes(work))), True


def first_without_mail(
    case: Case, policy_of: PolicyOf, now: datetime, marks: Mapping[str, Mark]
) -> tuple[tuple[Work, ...], bool, frozenset[str]]:
    """As `decide_without_mail`, past as many as wait before the first that needs no mail; and which these are (bare ids).

    So many are due at once that those who wait would fill the room of a claim, and keep what lies behind them.
    """
    besides = frozenset[str]()
    while True:
        works, waits = decide_without_mail(case, policy_of, now, marks, besides=besides)
        due = due_invoices(as_it_stands(case, policy_of, now), now, policy_of, besides)
        here = frozenset(invoice.id for invoice in due if not begun_steps(case.profile, invoice.id))
        if works or not waits or not here:
            return works, waits, besides
        besides |= here


def _mails(work: Work, marks: Mapping[str, Mark]) -> bool:
    return any(effect.channel is Channel.EMAIL and state_of(effect, marks) is not EffectState.DONE for effect in work.effects)


def standing(
    settlement: Settlement, case: Case, effects: Mapping[str, Mark], done: Sequence[Done] = (), turn_at: datetime | None = None
) -> Settled:
    """The claim ends, and the timer stands in line where the first of what is left fell due; the wheel alone lets it go.

    `turn_at`: the turn that is to find it, where none has yet.

    Nothing has failed, so no refusal is counted. What went out (`effects`) stays on the spent claim.
    """
    put_off = settlement.postpone(case, effects, NotYet("SES's quota is spent", settlement.now), done).profile
    since = put_off.due_since or settlement.now
    # Who waits for a time yet to come counts as put off once, so that news do not arm its timer anew (`planning.rearmed`).
    retries = put_off.retries if turn_at else case.profile.retries
    waiting = replace(put_off, retries=retries, due_at=turn_at or since, due_since=since)
    return Settled(case.with_profile(waiting), for_the_wheel=True)
