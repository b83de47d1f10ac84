"""A short scene: an act, the AWS calls that it makes, and what is wrong when it is over."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from infra.local.faults import FaultMode
from tests.integration.faults.run import PLAN, Run
from tests.integration.faults.workflows import nothing

BY_THE_WHEEL = 75
"""Minutes by which the hourly run has found what a lost message left, or a dead worker's claim."""

BY_THE_CLAIM = 35
"""Minutes by which a message is seen again, or a dead worker's claim has run out and the wheel has found it."""

ONE_STEP = PLAN.partition("  - id: second")[0]


@dataclass(frozen=True)
class Scene:
    """An act with the AWS calls of the functions that it is about, in order, and what is wrong when it is over.

    `lasts`: minutes, by which whatever failed has been made good. `in_fresh_containers`: as after a deployment. `forgiven`: what may be
    wrong after this fault of this call (from 0), because the message is sent at most once, or at least once. `more_calls_follow`: of
    the same functions, for something else. `spared`: calls (from 0) that are struck elsewhere. `command`: what a person types, as in
    `case hold`, of which the act is the doing.
    """

    name: str
    act: Callable[[Run], None]
    calls: tuple[str, ...]
    wrong: Callable[[Run], Iterator[str]]
    prepare: Callable[[Run], None] = nothing
    lasts: int = 25
    plan: str = ONE_STEP
    customers: int = 1
    in_fresh_containers: bool = False
    forgiven: Mapping[tuple[int, FaultMode], str] = field(default_factory=dict)
    more_calls_follow: bool = False
    spared: Sequence[int] = ()
    command: str = ""
    run: type[Run] = Run

    def __str__(self) -> str:
        return self.name

    @property
    def asks_with_tokens(self) -> bool:
        """Whether it asks QuickBooks or Xero: each request is counted in the table."""
        return any(call.endswith("dynamodb.PutItem") for call in self.calls)

    @property
    def needs_them_always(self) -> bool:
        """Whether what a container remembers, tokens or SES's rate, changes more than that it is not asked again."""
        return self.asks_with_tokens or any(call.endswith("sesv2.GetAccount") for call in self.calls)

    @property
    def functions(self) -> frozenset[str]:
        """Of whose calls it speaks."""
        return frozenset(call.partition(" ")[0] for call in self.calls)
