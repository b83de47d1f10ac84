"""The attributes of an item by their names: plain values in, typed values out."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import TypeVar, cast

from dunning.domain.errors import Unreadable
from dunning.storage import keys

Item = Mapping[str, object]
Typed = TypeVar("Typed")
_LOG = logging.getLogger(__name__)


def typed(row: Item, read: Callable[[Item], Typed]) -> Typed:
    """What `read` makes of a row. Raises Unreadable, which names the row and what is wrong with it, and tells no value of it."""
    try:
        return read(row)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as exc:
        place = f"row {row.get('pk')}, {row.get('sk')} of the table"
        raise Unreadable(f"{place} cannot be read ({type(exc).__name__}): put it right, or deploy the release that wrote it") from exc


def readable(rows: Iterable[Item], read: Callable[[Item], Typed]) -> Iterator[Typed]:
    """What `read` makes of some rows, for who only tells of them: of one that cannot be read the log tells, and the others are told."""
    for row in rows:
        try:
            yield typed(row, read)
        except Unreadable as exc:
            _LOG.warning("left out: %s", exc)


def put_instant(at: datetime | None) -> str | None:
    """As stored; None stays None."""
    return keys.instant(at) if at else None


def put_day(day: date | None) -> str | None:
    """As stored; None stays None."""
    return day.isoformat() if day else None


def optional_day(item: Item, name: str) -> date | None:
    """A calendar date, where there is one."""
    value = item.get(name)
    return None if value is None else date.fromisoformat(str(value))


def text(item: Item, name: str) -> str:
    """A text that must be there."""
    return str(item[name])


def optional_text(item: Item, name: str) -> str | None:
    """A text, where there is one."""
    value = item.get(name)
    return None if value is None else str(value)


def number(item: Item, name: str, default: int = 0) -> int:
    """A whole number."""
    return int(str(item.get(name, default)))


def optional_instant(item: Item, name: str) -> datetime | None:
    """An instant (UTC), where there is one."""
    value = item.get(name)
    return None if value is None else keys.parse_instant(str(value))


def mapping(item: Item, name: str) -> Mapping[str, object]:
    """A map; empty where there is none."""
    return cast("Mapping[str, object]", item.get(name) or {})


def texts(item: Item, name: str) -> tuple[str, ...]:
    """A list of texts; empty where there is none."""
    return tuple(str(value) for value in cast("list[object]", item.get(name) or []))
