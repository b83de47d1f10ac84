"""What was done about some invoices so far, as whoever takes them over must know it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.calendar import local_date
from dunning.domain.invoice import Invoice

MOST_READ = 100
"""So many of the latest activities are looked through."""
MOST_TOLD = 10

_SPEAKS_FOR_ITSELF = frozenset({ActivityType.SENT, ActivityType.OPENED, ActivityType.CLICKED, ActivityType.REPLIED})
_TOLD = _SPEAKS_FOR_ITSELF | {
    ActivityType.SUPPRESSED,
    ActivityType.HELD,
    ActivityType.RELEASED,
    ActivityType.PARTLY_PAID,
    ActivityType.UNDELIVERED,
    ActivityType.FEE_PROPOSED,
    ActivityType.FEE_ACCEPTED,
    ActivityType.FEE_DECLINED,
    ActivityType.FEE_APPLIED,
    ActivityType.OPTED_OUT,
}


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One line of the past, on its day in the reader's zone; `invoices` are numbers, and none where it was about all that is asked."""

    on: date
    type: ActivityType
    channel: str | None = None
    step: str | None = None
    invoices: tuple[str, ...] = ()
    reason: str | None = None


def history_of(
    log: Sequence[Activity], about: Collection[str], invoices: Mapping[str, Invoice], zone: ZoneInfo, most: int = MOST_TOLD
) -> tuple[PastEvent, ...]:
    """The latest of a log (oldest first) that a reader of a case needs, about these invoices (bare ids) or the whole case."""
    told = [one for one in log if one.type in _TOLD and (not one.invoices or not set(about).isdisjoint(one.invoices))]
    return tuple(
        PastEvent(
            on=local_date(one.at, zone),
            type=one.type,
            channel=one.channel,
            step=one.step,
            invoices=() if set(about) <= {*one.invoices} else tuple(invoices[each].number for each in one.invoices if each in about),
            reason=None if one.type in _SPEAKS_FOR_ITSELF else one.reason,
        )
        for one in told[-most:]
    )
