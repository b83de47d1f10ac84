"""Working a case off in memory, by the rules of run_step: what would be decided, when, if everything went out at once.

Nothing is asked of a provider and nothing is sent. It serves forecasts, explanations, worked cases and properties.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Claim
from dunning.domain.consolidation import PolicyOf
from dunning.domain.decision import decide
from dunning.domain.errors import Permanent
from dunning.domain.evolving import replace
from dunning.domain.fee_records import fee_id
from dunning.domain.invoice import Snapshot, Status
from dunning.domain.netting import Credit, covered, net_of
from dunning.domain.planning import rearmed, stands_still
from dunning.domain.recording import Recorder
from dunning.domain.run_out import run_out_ended
from dunning.domain.settlement import Done, Settlement
from dunning.domain.works import Verdict, Work

_CLAIM_LASTS = timedelta(minutes=20)
_REHEARSAL = "rehearsal"
NO_CREDIT: Credit = {}

Adjust = Callable[[Sequence[Work], Case, datetime], Sequence[Work]]
"""Given what was decided, the case and the instant: what is to be done."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was decided for one customer at one instant (UTC), and the case before and after."""

    at: datetime
    before: Case
    works: tuple[Work, ...]
    activities: tuple[Activity, ...]
    case: Case


def turn(case: Case, policy_of: PolicyOf, now: datetime, credit: Credit = NO_CREDIT, adjust: Adjust = lambda works, *_: works) -> Turn:
    """Work the case off once, as run_step does when everything goes out. What cannot be decided parks the case.

    `credit` is what the customer has; `adjust` may move works, as use cases do that look beyond one customer. Raises Permanent for a
    case that would be looked at for ever at one instant.
    """
    settlement = Settlement(policy_of, now, Claim(_REHEARSAL, now + _CLAIM_LASTS, _REHEARSAL))
    free, ended = run_out_ended(case, now, settlement.actor)
    try:
        parts = covered(free, credit) if credit else {}
        net = net_of(free, parts) if credit else free
        works = tuple(adjust(decide(net, policy_of, now), net, now))
        settled = settlement.apply(_covering(free, parts), [Done(work, {}) for work in works])
    except Permanent as error:
        parked = settlement.park(free, str(error), {})
        return Turn(now, case, (), (*ended, *parked.activities), parked.case)
    after, charged = _charged(_covering(settled.case, {}), works, policy_of, now, settlement.actor)
    done = Turn(now, case, works, (*ended, *settled.activities, *charged), settlement.release(after, works))
    if stands_still(case, done.case, now):
        raise Permanent(f"case {case.profile.customer} is due at {now.isoformat()} and nothing moves it on")
    return done


def _covering(case: Case, parts: Mapping[str, int]) -> Case:
    return replace(case, covered=parts) if parts or case.covered else case


def _charged(case: Case, works: Sequence[Work], policy_of: PolicyOf, now: datetime, actor: str) -> tuple[Case, tuple[Activity, ...]]:
    """The case with the invoices that late fees become at their source."""
    activities: list[Activity] = []
    for work in works:
        parent, fee = case.invoices.get(work.invoice), None
        if parent is not None and work.verdict is Verdict.CHARGE and work.step:
            fee = parent.fee_of(work.step)
        if parent is None or fee is None:
            continue
        name = fee_id(parent.customer, parent.id, fee.step)
        seen = Snapshot(
            parent.source, parent.customer, name, name, Status.OPEN, parent.currency, fee.amount, fee.amount, None, now, now,
            fee_id=name, fee_for=parent.id,
        )  # fmt: skip
        recorded = Recorder(policy_of, frozenset(), now, actor).record(case, seen, fetched=True)
        case = recorded.case
        activities += recorded.activities
    return case, tuple(activities)


def begun(case: Case, policy_of: PolicyOf, now: datetime) -> Case:
    """The case with its timer set and no claim, to be worked off from `now` on."""
    return rearmed(case.with_profile(replace(case.profile, claim=None, look_at=None)), now, policy_of)


def next_turn(case: Case, at: datetime, until: datetime) -> datetime | None:
    """When the case is to be worked off next, not before `at`; None when not before `until`."""
    due = case.profile.due_at
    return max(due, at) if due is not None and max(due, at) < until else None


def turns(case: Case, policy_of: PolicyOf, now: datetime, until: datetime, credit: Credit = NO_CREDIT) -> Iterator[Turn]:
    """Every turn from `now` on and before `until`, each when the customer's timer is due; ends when nothing is left to decide."""
    case, at = begun(case, policy_of, now), now
    while (due := next_turn(case, at, until)) is not None:
        done = turn(case, policy_of, due, credit)
        yield done
        at, case = due, done.case
