"""Holds: why a case or an invoice waits, since when, and until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HoldKind(StrEnum):
    """Why a case or an invoice is paused. Holds overlap; all must end.

    A dispute, a promise and a partial payment hold their invoice; the others the whole case. OPERATOR is a person's own, or what only a
    person may end; PARKED is what no retry could mend, which `dunning redrive` ends once it is mended: of an invoice that cannot be
    read at its source, the invoice alone.
    """

    DISPUTE = "dispute"
    PROMISE = "promise"
    PARTIAL_PAYMENT = "partial_payment"
    REPLY = "reply"
    OPERATOR = "operator"
    PARKED = "parked"
    STALE_DATA = "stale_data"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Hold:
    """When it began, when it ends by itself (both UTC; None: when somebody ends it), and the reason as a person reads it."""

    since: datetime
    until: datetime | None = None
    reason: str | None = None


Holds = Mapping[HoldKind, Hold]

FOR_A_PERSON = (HoldKind.OPERATOR, HoldKind.PARKED)
"""The holds of a case that wait until a person has looked."""


def waits_for_a_person(holds: Holds) -> bool:
    """Whether any of them waits until a person has looked."""
    return not holds.keys().isdisjoint(FOR_A_PERSON)


def without(holds: Holds, *kinds: HoldKind) -> dict[HoldKind, Hold]:
    """The holds that stay when these end."""
    return {kind: hold for kind, hold in holds.items() if kind not in kinds}


def run_out(holds: Holds, now: datetime) -> tuple[HoldKind, ...]:
    """Those whose time is over, in the order in which it ended. As long as an invoice is parked, nobody can ask whether a promise
    was kept: that waits.
    """
    return tuple(kind for _, kind in sorted((until, kind) for kind, until in _ends(holds) if until <= now))


def ends_of(holds: Holds) -> Iterable[datetime]:
    """The instants (UTC) at which holds end by themselves."""
    return (until for _, until in _ends(holds))


def _ends(holds: Holds) -> Iterable[tuple[HoldKind, datetime]]:
    is_parked = HoldKind.PARKED in holds and holds[HoldKind.PARKED].until is None
    waits = {HoldKind.PROMISE} if is_parked else set[HoldKind]()
    return ((kind, hold.until) for kind, hold in holds.items() if hold.until is not None and kind not in waits)
