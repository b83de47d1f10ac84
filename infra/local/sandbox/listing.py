"""Stripe's lists: filters, cursors and pages (docs.stripe.com/api/pagination)."""

from collections.abc import Callable, Mapping, Sequence

from infra.local.http.wire import Answer, json_answer
from infra.local.json_edges import Json

Query = Mapping[str, Sequence[str]]
Matches = Callable[[Json, str], bool]

_PAGE = 10
_LARGEST_PAGE = 100
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "": lambda left, right: left == right,
    "[gt]": lambda left, right: left > right,
    "[gte]": lambda left, right: left >= right,
    "[lt]": lambda left, right: left < right,
    "[lte]": lambda left, right: left <= right,
}


class ApiError(Exception):
    """An answer in Stripe's error envelope."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.kind = status, code, param, kind

    def answer(self) -> Answer:
        """The envelope, as Stripe shapes it."""
        error = {"code": self.code, "message": str(self), "param": self.param, "type": self.kind}
        return json_answer({"error": {name: value for name, value in error.items() if value is not None}}, self.status)


def equals(field: str) -> Matches:
    """A filter on a field's value."""
    return lambda row, wanted: str(row.get(field)) == wanted


def instants(field: str) -> dict[str, Matches]:
    """The filters on an instant in Unix seconds: `field`, `field[gt]`, `field[gte]`, `field[lt]`, `field[lte]`."""

    def compared(name: str, holds: Callable[[int, int], bool]) -> Matches:
        def matches(row: Json, wanted: str) -> bool:
            value = row.get(field)
            return isinstance(value, int) and holds(value, _whole(name, wanted))

        return matches

    return {field + suffix: compared(field + suffix, holds) for suffix, holds in _COMPARE.items()}


def page(url: str, everything: Sequence[Json], query: Query, filters: Mapping[str, Matches]) -> Json:
    """One page, newest first. Raises ApiError for a parameter Stripe would not understand."""
    unknown = sorted(set(query) - set(filters) - {"limit", "starting_after", "ending_before", "expand[]", "expand[0]"})
    if unknown:
        raise ApiError(400, f"Received unknown parameter: {unknown[0]}", code="parameter_unknown", param=unknown[0])
    ordered = sorted(everything, key=_place, reverse=True)
    after, before = _cursor(ordered, query, "starting_after"), _cursor(ordered, query, "ending_before")
    wanted = [
        row
        for row in ordered
        if (after is None or _place(row) < after)
        and (before is None or _place(row) > before)
        and all(any(filters[name](row, value) for value in values) for name, values in query.items() if name in filters)
    ]
    limit = _limit(query)
    rows = wanted[-limit:] if before is not None else wanted[:limit]
    return {"object": "list", "data": rows, "has_more": len(wanted) > len(rows), "url": url}


def _place(row: Json) -> tuple[int, str]:
    created = row.get("created")
    return (created if isinstance(created, int) else 0, str(row.get("id")))


def _cursor(ordered: Sequence[Json], query: Query, name: str) -> tuple[int, str] | None:
    if name not in query:
        return None
    wanted = query[name][-1]
    found = next((_place(row) for row in ordered if row.get("id") == wanted), None)
    if found is None:
        raise ApiError(400, f"No such object: '{wanted}'", code="resource_missing", param=name)
    return found


def _limit(query: Query) -> int:
    limit = _whole("limit", query.get("limit", [str(_PAGE)])[-1])
    if not 1 <= limit <= _LARGEST_PAGE:
        raise ApiError(400, f"This value must be between 1 and {_LARGEST_PAGE}.", code="parameter_invalid_integer", param="limit")
    return limit


def _whole(name: str, text: str) -> int:
    if not text.removeprefix("-").isdecimal() or not text.isascii():
        raise ApiError(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)
