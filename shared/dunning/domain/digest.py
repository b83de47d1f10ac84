"""The daily digest: what happened in a day, who has come to wait for a person in it, and how old the money is that is owed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from dunning.domain.activity import ActivityType
from dunning.domain.approval import is_question, waits_for_approval
from dunning.domain.case import Case
from dunning.domain.evolving import replace
from dunning.domain.holds import FOR_A_PERSON, waits_for_a_person

MOST_SHOWN = 20
MOST_LOOKED_AT = 200
"""Whose cases are read, to tell who waits still; beyond them nobody is shown, but all are counted."""

_WAITING = frozenset({ActivityType.ESCALATED, ActivityType.NOTIFIED, ActivityType.PLAN_ENDED})
_BUCKETS = ((0, "not due yet"), (30, "1 to 30 days"), (60, "31 to 60 days"), (90, "61 to 90 days"))
_OLDEST = "over 90 days"
_EVER = datetime.max.replace(tzinfo=UTC)

TOLD = frozenset(
    {
        ActivityType.SENT,
        ActivityType.PAID,
        ActivityType.PARTLY_PAID,
        ActivityType.ESCALATED,
        ActivityType.HELD,
        ActivityType.NOTIFIED,
        ActivityType.PLAN_ENDED,
    }
)
"""The activities that a digest tells of."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One activity of the day: whose (full customer id), and about which invoices (bare ids)."""

    customer: str
    type: ActivityType
    at: datetime
    invoices: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who has come to wait for a person. `name` and `numbers` (by bare id) are as a person knows them; `owed`: what these still owe,
    in minor units by currency, empty once nothing is.
    """

    happened: Happened
    name: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    owed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """What is still owed on one open invoice, in minor units."""

    currency: str
    amount_due: int
    due_date: date | None


@dataclass(frozen=True, slots=True)
class Ageing:
    """One currency's open money in minor units, by how long it has been due; buckets in order, all of them."""

    currency: str
    total: int
    invoices: int
    buckets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Digest:
    """A day, as a finance team reads it. `counts` are invoices that the activities were about; `left_out`: who waits and is not shown.

    `asked` are the customers of whom something waits for approval, since whatever day.
    """

    day: date
    counts: Mapping[ActivityType, int] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    left_out: int = 0
    ageing: tuple[Ageing, ...] = ()
    asked: tuple[Waiting, ...] = ()
    asked_left_out: int = 0

    @property
    def customers(self) -> frozenset[str]:
        """Who came to wait, by full id."""
        return frozenset(one.happened.customer for one in self.waiting)


def digest_of(day: date, happened: Iterable[Happened], owed: Iterable[OpenAmount]) -> Digest:
    """The digest of a day; the ages of what is owed are counted up to it. The latest who waits for a person comes first."""
    counts: dict[ActivityType, int] = {}
    waiting: list[Happened] = []
    for one in happened:
        counts[one.type] = counts.get(one.type, 0) + max(1, len(one.invoices))
        if one.type in _WAITING or (one.type is ActivityType.HELD and _kind_of_hold(one) in FOR_A_PERSON):
            waiting.append(one)
    waiting.sort(key=lambda one: (one.at, one.customer), reverse=True)
    shown = tuple(Waiting(one) for one in waiting[:MOST_LOOKED_AT])
    return Digest(day, counts, shown, len(waiting) - len(shown), _ageing(day, owed))


def _kind_of_hold(happened: Happened) -> str:
    """The kind stands before the reason in what is logged of every hold."""
    return (happened.reason or "").partition(":")[0]


def as_known(digest: Digest, cases: Mapping[str, Case], asked: Sequence[str] = ()) -> Digest:
    """The digest with the names, numbers and amounts of those who wait, from their cases (by full customer id, as they stand now).

    What has been answered, or released, since it was told is left out, before the first `MOST_SHOWN` are taken. `asked` are the
    customers of whom something waits for approval, since whatever day: they are told again until it is answered. Of whom no case is
    given, because it cannot be read, only what was told is shown.
    """
    digest = _with_asked(
        digest, [cases[customer] for customer in asked if customer in cases], unread=sum(one not in cases for one in asked)
    )
    waiting = [one.happened for one in digest.waiting if not _is_done_with(one.happened, cases.get(one.happened.customer))]
    shown = tuple(_known(happened, cases.get(happened.customer)) for happened in waiting[:MOST_SHOWN])
    return replace(digest, waiting=shown, left_out=digest.left_out + len(waiting) - len(shown))


def _with_asked(digest: Digest, cases: Iterable[Case], unread: int) -> Digest:
    """With one line for each customer of whom something waits for approval; whose case was `unread` is counted only."""
    found: list[Waiting] = []
    for case in cases:
        names = tuple(invoice.id for invoice in case.invoices.values() if invoice.is_open and waits_for_approval(invoice))
        since = min((case.invoices[name].next_at or _EVER for name in names), default=_EVER)
        if names and not case.profile.is_not_chased:
            found.append(_known(Happened(case.profile.customer, ActivityType.HELD, since, names), case))
    found.sort(key=lambda one: (one.happened.at, one.happened.customer))
    return replace(digest, asked=tuple(found[:MOST_SHOWN]), asked_left_out=len(found[MOST_SHOWN:]) + unread)


def _is_done_with(happened: Happened, case: Case | None) -> bool:
    if case is None:
        return False
    if happened.type is ActivityType.HELD:
        theirs = (case.invoices[name].holds for name in happened.invoices if name in case.invoices)
        return not any(map(waits_for_a_person, (case.profile.holds, *theirs)))
    return happened.type is ActivityType.NOTIFIED and is_question(happened.reason or "")  # told among all that are asked


def _known(happened: Happened, case: Case | None) -> Waiting:
    if case is None:
        return Waiting(happened)
    invoices = [case.invoices[name] for name in happened.invoices if name in case.invoices]
    owed: Counter[str] = Counter()
    for invoice in invoices:
        if invoice.is_open:
            owed[invoice.currency] += invoice.amount_due
    return Waiting(happened, case.profile.contact.name, {invoice.id: invoice.number for invoice in invoices}, owed)


def _ageing(day: date, owed: Iterable[OpenAmount]) -> tuple[Ageing, ...]:
    sums: dict[str, dict[str, int]] = {}
    numbers: dict[str, int] = {}
    for one in owed:
        buckets = sums.setdefault(one.currency, dict.fromkeys([*(name for _, name in _BUCKETS), _OLDEST], 0))
        buckets[_bucket(day, one.due_date)] += one.amount_due
        numbers[one.currency] = numbers.get(one.currency, 0) + 1
    return tuple(Ageing(currency, sum(sums[currency].values()), numbers[currency], sums[currency]) for currency in sorted(sums))


def _bucket(day: date, due: date | None) -> str:
    age = (day - due).days if due else 0
    return next((name for most, name in _BUCKETS if age <= most), _OLDEST)
