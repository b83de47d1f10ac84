"""What a seed makes of a world on the whole local cloud: a small plan, and what goes wrong in it, when and where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from tests.simulation.limits import without_limits
from tests.simulation.plans import Happening, Plan, What, plan_of
from tests.simulation.shapes import SHAPES, SPANS

TOLD = frozenset({What.ISSUED, What.PAID, What.PARTLY_PAID, What.VOIDED})
FAULTY = (
    ("sesv2", "SendEmail"),
    ("sns", "Publish"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "Query"),
    ("sqs", "SendMessage"),
    ("sqs", "SendMessageBatch"),
)
MODES = ("error", "lost", "throttle", "crash")
TIMES = (1, 1, 2, 5)
"""How often in a row; five times is once more than the SDK tries a call. What is at its last try is spared (last_tries.py)."""

RACED = (("run_step", 7), ("run_step", 7), ("stripe_webhook", 3), ("stripe_webhook", 3), ("sync_invoice", 3), ("delivery_feedback", 1))
"""Functions that work on a case, and how many calls most of their invocations make."""

STRIKES, RACES = 12, 10
MISSING, DOUBLED = 0.15, 0.15
LONGEST_DAYS, MOST_INVOICES = 5, 5


@dataclass(frozen=True, slots=True)
class Strike:
    """From an instant on the next attempts of a call, by whatever function, fail in this way."""

    at: datetime
    service: str
    operation: str
    mode: str
    times: int

    def __str__(self) -> str:
        return f"{self.at:%d %b %H:%M:%S} {self.service}.{self.operation}: {self.mode}, {self.times} times"


@dataclass(frozen=True, slots=True)
class Misdelivery:
    """What a webhook should tell once comes twice, or never."""

    happening: Happening
    how: str

    def __str__(self) -> str:
        return f"webhook {self.how}: {self.happening}"


@dataclass(frozen=True, slots=True)
class Race:
    """From an instant on, the next invocation of a function that comes so far is overtaken before its nth AWS call.

    The one that overtakes it has the same event, and runs from its beginning to its end.
    """

    at: datetime
    function: str
    nth: int

    def __str__(self) -> str:
        return f"{self.at:%d %b %H:%M:%S} {self.function}: overtaken before its call no. {self.nth}"


CloudFault = Strike | Misdelivery | Race


def small_plan(seed: int) -> Plan:
    """The first plan from a seed on that is over within days and small enough, without what only the twin can play."""
    short = [shape for shape, days in zip(SHAPES, SPANS, strict=True) if days <= LONGEST_DAYS]
    candidates = (plan_of(seed * 1000 + number) for number in range(1000))
    plan = next(plan for plan in candidates if without_limits(plan.policy) in short and len(plan.due) <= MOST_INVOICES)
    told = tuple(happening for happening in plan.happenings if happening.what in TOLD)
    return replace(
        plan,
        seed=seed,
        policy=without_limits(plan.policy),
        happenings=told,
        fault_rate=0.0,
        storms=(),
        provider_down=(),
        mail_down=(),
        quota_spent=(),
        wheel_silent=(),
        sweep_silent=(),
        clocks=(0.0,),
        index_lag=0.0,
    )


def troubles_of(plan: Plan) -> tuple[CloudFault, ...]:
    """What goes wrong in the world of a plan: always the same."""
    strikes, misdeliveries, races = (Random(f"cloud {plan.seed} {kind}") for kind in ("strikes", "misdeliveries", "races"))
    return (*_strikes(plan, strikes), *_misdeliveries(plan, misdeliveries), *_races(plan, races))


def _strikes(plan: Plan, random: Random) -> Iterator[Strike]:
    """Mostly about when something happens."""
    hot = [happening.at for happening in plan.happenings]
    instants = [random.choice(hot) - timedelta(seconds=random.choice((1, 40, 600))) for _ in range(STRIKES * 2 // 3)]
    instants += [plan.start + (plan.end - plan.start) * random.random() for _ in range(STRIKES // 3)]
    for at in sorted(instants):
        (service, operation), mode, times = random.choice(FAULTY), random.choice(MODES), random.choice(TIMES)
        yield Strike(at, service, operation, mode, times)


def _races(plan: Plan, random: Random) -> Iterator[Race]:
    """Each waits for its function; those of webhooks begin when one is near."""
    for _ in range(RACES):
        function, most = random.choice(RACED)
        yield Race(random.choice(plan.happenings).at - timedelta(seconds=random.choice((0, 600))), function, random.randint(1, most))


def _misdeliveries(plan: Plan, random: Random) -> Iterator[Misdelivery]:
    for happening in plan.happenings:
        how = random.random()
        if how < MISSING + DOUBLED:
            yield Misdelivery(happening, "missing" if how < MISSING else "doubled")
