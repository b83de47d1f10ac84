"""What the control interface is sent, checked. Every refusal is a Rejected that names the place and what would do."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from dunning.domain.errors import Rejected
from infra.local.json_edges import Json
from infra.local.sandbox.ledger import parse_object

_DURATION = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_LONGEST_MOVE = timedelta(days=3660)
DELIVERY_EVENTS = ("bounce", "complaint", "open", "click")
BOUNCES = ("permanent", "transient")


def json_body(raw: bytes, allowed: tuple[str, ...]) -> Json:
    """A JSON object with no other fields than these."""
    try:
        body = parse_object(raw)
    except ValueError as exc:
        raise Rejected(f"the body is no JSON object: {exc}") from exc
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise Rejected(f"unknown field {unknown[0]!r}: this call takes {', '.join(allowed)}")
    return body


def text_field(body: Mapping[str, object], name: str) -> str:
    """A field that must be a text with something in it."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Rejected(f"{name} is {value!r}: give a text")
    return value


def flag(body: Mapping[str, object], name: str) -> bool:
    """A field that must be true or false."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise Rejected(f"{name} is {value!r}: give true or false")
    return value


def one_of(body: Mapping[str, object], name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    """A field that must be one of a few words."""
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or value not in choices:
        raise Rejected(f"{name} is {value!r}: give one of {', '.join(choices)}")
    return value


def target_instant(body: Mapping[str, object], now: datetime) -> datetime:
    """The instant a clock request means: `{"advance": "48h"}` or `{"to": "…Z"}`, not both, not more than ten years ahead."""
    if len(body) != 1:
        raise Rejected('give either {"advance": "48h"} or {"to": "2026-03-02T08:00:00Z"}')
    target = now + _duration(body["advance"]) if "advance" in body else _instant(body["to"])
    if target < now:
        raise Rejected(f"to lies in the past: it is {now:%Y-%m-%dT%H:%M:%SZ} now, and time only moves forward")
    if target - now > _LONGEST_MOVE:
        raise Rejected(f"that is more than {_LONGEST_MOVE.days} days ahead: move in smaller pieces")
    return target


def _duration(value: object) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Rejected(f"advance is {value!r}: give a whole number and s, m, h or d, as in 48h")
    return min(timedelta(**{_UNITS[match[2]]: int(match[1])}), _LONGEST_MOVE + timedelta(days=1))


def _instant(value: object) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise Rejected(f"to is {value!r}: give an instant in UTC, as in 2026-03-02T08:00:00Z")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise Rejected(f"to is {value!r}: {exc}") from exc


def times(body: Mapping[str, object]) -> int:
    """How often a fault strikes; once unless told."""
    value = body.get("times", 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Rejected(f"times is {value!r}: give a whole number from 1")
    return value
