"""What a customer's timer does while SES's quota of the day is spent: all that sends no mail."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from dunning.domain.case import Case, EffectState, Mark
from dunning.domain.consolidation import PolicyOf, sharing
from dunning.domain.decision import decide
from dunning.domain.effects import Channel, state_of
from dunning.domain.errors import NotYet
from dunning.domain.evolving import replace
from dunning.domain.settlement import Done, Settled, Settlement
from dunning.domain.works import Work


def decide_without_mail(
    case: Case, policy_of: PolicyOf, now: datetime, marks: Mapping[str, Mark], allowed: Callable[[Work], bool] = lambda _: True
) -> tuple[tuple[Work, ...], bool]:
    """What to do now as if no mail were due, and whether one waits that has not gone out yet (`marks`, by row).

    A step goes as a whole, with its text or its notice; where a mail that waits is one message with others' (`scope: customer`), all
    reminders of that policy wait with it. Raises Permanent as `decide` does.
    """
    decided = decide(case, policy_of, now, allowed)
    waiting = [work for work in decided if _mails(work, marks)]
    if not waiting:
        return decided, False
    shares = sharing(case, policy_of)
    joint = {shares(work) for work in waiting} - {None}

    def goes(work: Work) -> bool:
        reminds = any(effect.kind == "reminder" for effect in work.effects)
        return allowed(work) and not _mails(work, marks) and not (reminds and shares(work) in joint)

    return decide(case, policy_of, now, goes), True


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
