"""Reading foreign JSON without trusting its shape: every accessor answers None where the value is not what was asked for."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from dunning.domain.errors import Rejected

JsonObject = Mapping[str, object]


def parse_object(raw: bytes, what: str) -> JsonObject:
    """The JSON object in a body. Raises Rejected, naming `what`, when it is not JSON or not an object."""
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise Rejected(f"{what} is not JSON") from exc
    found = as_object(parsed)
    if found is None:
        raise Rejected(f"{what} is JSON, but not an object")
    return found


def parse_array(raw: bytes, what: str) -> tuple[JsonObject, ...]:
    """The objects in a JSON array. Raises Rejected, naming `what`, when it is none."""
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise Rejected(f"{what} is not JSON") from exc
    if not isinstance(parsed, list):
        raise Rejected(f"{what} is JSON, but no array")
    return tuple(row for row in parsed if isinstance(row, dict))


def as_object(value: object) -> JsonObject | None:
    """The value, if it is a JSON object."""
    return value if isinstance(value, dict) else None


def child(parent: JsonObject | None, key: str) -> JsonObject | None:
    """A nested object."""
    return as_object(parent.get(key)) if parent is not None else None


def items(parent: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """The objects of a list; whatever else stands in it is left out."""
    value = parent.get(key)
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def text(parent: JsonObject | None, key: str) -> str | None:
    """A string with something in it, without the blanks around it; half a surrogate pair, which no store takes, becomes "?"."""
    value = parent.get(key) if parent is not None else None
    return value.encode(errors="replace").decode().strip() or None if isinstance(value, str) else None


def identifier(parent: JsonObject | None, key: str) -> str | None:
    """An id, written as text or as a whole number: in both it is the same; true and false are none."""
    value = parent.get(key) if parent is not None else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    return text(parent, key)


def integer(parent: JsonObject | None, key: str) -> int | None:
    """A whole number; true and false are none."""
    value = parent.get(key) if parent is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def amount(parent: JsonObject | None, key: str) -> Decimal | None:
    """An amount in major units, written as a number or as text; exact if the JSON was read with `parse_float=Decimal`."""
    value = parent.get(key) if parent is not None else None
    if not isinstance(value, int | Decimal | str) or isinstance(value, bool):
        return None
    try:
        read = Decimal(value)
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def day(parent: JsonObject | None, key: str) -> date | None:
    """A calendar date, also where a time of day stands behind it."""
    written = text(parent, key)
    try:
        return date.fromisoformat(written[:10]) if written is not None else None
    except ValueError:
        return None


def unix_instant(parent: JsonObject | None, key: str) -> datetime | None:
    """An instant (UTC) given in seconds since 1970."""
    seconds = integer(parent, key)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def iso_instant(parent: JsonObject | None, key: str) -> datetime | None:
    """An instant (UTC) given as ISO 8601 with an offset; None without one, for it could be any hour."""
    written = text(parent, key)
    if written is None:
        return None
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo is not None else None
