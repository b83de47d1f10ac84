"""A profile is parked as it lies in the table, whatever of it can be read."""

from datetime import datetime
from decimal import Decimal

from dunning.domain.case import CLOCKS_APART
from dunning.domain.holds import Hold, HoldKind
from dunning.storage import items, keys
from dunning.storage.attribute_values import Item, mapping, number, optional_instant
from dunning.storage.expressions import Wire, from_wire, update, update_as_it_lies


def can_be_claimed(item: Item) -> bool:
    """Whether a profile's timer, version and claim are such that the next claim can take it, now or later."""
    counts = (item.get("version"), item.get("claim_attempt", Decimal(0)))
    try:
        when_claimable(item)
    except ValueError:
        return False
    return all(isinstance(count, Decimal) for count in counts)


def when_claimable(item: Item) -> datetime | None:
    """When a profile is due (UTC), if ever. Raises ValueError where its timer, or the end of its claim, is no instant: no time frees it."""
    optional_instant(item, "claim_until")
    return optional_instant(item, "due_at")


def version_in(item: Item) -> int | None:
    """The version, if it is one."""
    try:
        return number(item, "version")
    except ValueError:
        return None


def parking(row: Wire, hold: Hold) -> Wire:
    """The update that parks a profile, on the version that lies there: its timer and the time of its claim end, all else stays.

    A version that is none stays as it lies, and so do holds that are no map: until a person puts them right, nobody can read the
    case, and nothing wakes it.
    """
    item = from_wire(row)
    changes: dict[str, object] = dict.fromkeys(("due_at", "due_since", "due_shard", "retries", "claim_mail_at"))
    changes |= {"claim_until": keys.instant(hold.since - CLOCKS_APART), "claim_attempt": 0}
    holds = mapping(item, "holds")
    if isinstance(holds, dict):
        changes["holds"] = {**holds, **(items.holds_attributes({HoldKind.PARKED: hold}) or {})}
    version = version_in(item)
    return update(changes, version) if version else update_as_it_lies(changes, row.get("version"))
