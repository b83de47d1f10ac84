"""A secondary index kept in order, so that a query costs what it returns and not what the table holds."""

from bisect import bisect_left, bisect_right, insort

_BEYOND = "\U0010ffff"

Row = tuple[str, str, str]
Key = tuple[str, str]


class TableIndex:
    """Rows of (sort key, pk, sk) by the index's hash key. Sparse: an item without both of the index's keys has no row."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}
        self._places: dict[Key, tuple[str, Row]] = {}

    def put(self, key: Key, hash_value: str | None, sort_value: str | None) -> None:
        """Note what an item's index keys are now."""
        place = None if hash_value is None or sort_value is None else (hash_value, (sort_value, *key))
        old = self._places.get(key)
        if old == place:
            return
        if old is not None:
            rows = self._rows[old[0]]
            del rows[bisect_left(rows, old[1])]
            del self._places[key]
        if place is not None:
            insort(self._rows.setdefault(place[0], []), place[1])
            self._places[key] = place

    def keys(self, hash_value: str, comparison: str | None, operands: list[str]) -> list[Key]:
        """Keys of the items in one partition of the index whose sort key compares so, in the index's order."""
        rows = self._rows.get(hash_value, [])
        low, high = _bounds(rows, comparison, operands)
        return [row[1:] for row in rows[low:high]]


def _bounds(rows: list[Row], comparison: str | None, operands: list[str]) -> tuple[int, int]:
    def before(value: str) -> int:
        return bisect_left(rows, (value, "", ""))

    def after(value: str) -> int:
        return bisect_right(rows, (value, _BEYOND, _BEYOND))

    if comparison is None:
        return 0, len(rows)
    first = operands[0]
    match comparison.upper():
        case "=" | "EQ":
            return before(first), after(first)
        case "<" | "LT":
            return 0, before(first)
        case "<=" | "LE":
            return 0, after(first)
        case ">" | "GT":
            return after(first), len(rows)
        case ">=" | "GE":
            return before(first), len(rows)
        case "BETWEEN":
            return before(first), after(operands[1])
        case "BEGINS_WITH":
            return before(first), after(first + _BEYOND)
        case _:
            return 0, len(rows)
