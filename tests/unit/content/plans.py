"""Plans of a few words, to try one thing each."""

import pytest

from dunning.content.policy_loader import load_policy
from dunning.domain.errors import Rejected
from dunning.domain.fees import LateFee
from dunning.domain.policy import Policy, Step

TEAMS = frozenset({"collections", "sales"})
ALL = frozenset[str]()
FIRST = '{id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}'


def load(text: str, not_yet: frozenset[str] = ALL) -> Policy:
    return load_policy(text, "plan.yaml", TEAMS, not_yet=not_yet)


def with_top(line: str) -> str:
    return f"name: plan\n{line}\nsteps: [{FIRST}]"


def with_step(rest: str) -> str:
    return f'name: plan\nsteps:\n  - {{id: a, at: {{after_due: 7d, time: "09:00"}}, {rest}}}'


def with_timings(*timings: str) -> str:
    steps = [f"  - {{id: s{number}, at: {timing}, email: friendly}}" for number, timing in enumerate(timings)]
    return "\n".join(["name: plan", "steps:", *steps])


def step_of(rest: str) -> Step:
    return load(with_step(rest)).steps[0]


def fee_of(rest: str) -> LateFee:
    fee = step_of(f"late_fee: {{{rest}}}").late_fee
    assert fee is not None
    return fee


def problems(text: str, not_yet: frozenset[str] = ALL) -> str:
    with pytest.raises(Rejected) as rejected:
        load(text, not_yet)
    return str(rejected.value)
