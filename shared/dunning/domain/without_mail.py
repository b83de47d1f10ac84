"""What a customer's timer does while SES's quota of the day is spent: all that sends no mail, and nothing that rests on one."""

from collections.abc import Mapping, Sequence

from dunning.domain.case import Case, EffectState, Mark
from dunning.domain.effects import Channel, state_of
from dunning.domain.errors import NotYet
from dunning.domain.evolving import replace
from dunning.domain.planning import as_it_stands, next_instant
from dunning.domain.settlement import Done, Settled, Settlement
from dunning.domain.works import Verdict, Work

_MOVED = (Verdict.MOVE, Verdict.SUPPRESS)


def without_mail(works: Sequence[Work], marks: Mapping[str, Mark]) -> tuple[Work, ...]:
    """The works that need no mail which has not gone out yet (`marks`, by row). A step goes as a whole, with its text or its notice.

    Beside a mail that waits, nothing is put off: what is, may be so because that mail would have gone first.
    """
    going = tuple(work for work in works if not _mails(work, marks))
    return going if len(going) == len(works) else tuple(work for work in going if work.verdict not in _MOVED)


def _mails(work: Work, marks: Mapping[str, Mark]) -> bool:
    return any(effect.channel is Channel.EMAIL and state_of(effect, marks) is not EffectState.DONE for effect in work.effects)


def standing(settlement: Settlement, case: Case, effects: Mapping[str, Mark], done: Sequence[Done] = ()) -> Settled:
    """The claim ends, and the timer stands in line where the first of what is left fell due; the wheel alone lets it go.

    Nothing has failed, so no refusal is counted. What went out (`effects`) stays on the spent claim.
    """
    before = case.profile
    put_off = settlement.postpone(case, effects, NotYet("SES's quota is spent", settlement.now), done).profile
    unclaimed = case.with_profile(replace(before, claim=None))
    left = next_instant(as_it_stands(unclaimed, settlement.policy_of, settlement.now), settlement.policy_of) if done else None
    fell_due = min(left or settlement.now, settlement.now) if done or before.due_since is None else before.due_since
    since = max(fell_due, before.due_since or fell_due)
    return Settled(case.with_profile(replace(put_off, retries=before.retries, due_at=since, due_since=since)), for_the_wheel=True)
