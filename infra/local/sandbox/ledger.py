"""What a Stripe account holds, as far as verified webhooks and the control interface have told it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.json_edges import Json, mapping, mappings

_LIFE = {
    "invoice": {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3},
    "dispute": {"won": 3, "lost": 3, "warning_closed": 3},
}
_DELETED = 4


def parse_object(raw: bytes | str) -> Json:
    """A JSON object. Raises ValueError that names the place for anything else."""
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    raise ValueError("it is a JSON value of another kind")


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def child(body: Mapping[str, object], *path: str) -> Json:
    """The object at a path of keys; empty where there is none."""
    found = mapping(body)
    for key in path:
        found = mapping(found.get(key))
    return found


def rows(body: Mapping[str, object], *path: str) -> list[Json]:
    """The objects of the list at a path of keys."""
    return mappings(child(body, *path[:-1]).get(path[-1]))


def ident(value: object) -> str | None:
    """The id in a field that holds an id or, expanded, the object itself."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Held:
    """One object as it was at `stamp` (Unix seconds)."""

    body: Json
    stamp: int

    def gives_way_to(self, other: "Held") -> bool:
        """Whether another snapshot is the truer one: newer, or as new and not earlier in the object's life."""
        if other.stamp != self.stamp:
            return other.stamp > self.stamp
        return _stage(other.body) >= _stage(self.body)


def _stage(body: Json) -> int:
    if body.get("deleted") is True:
        return _DELETED
    return _LIFE.get(str(body.get("object")), {}).get(str(body.get("status")), 0)


class Ledger:
    """Objects by kind and id, each the newest snapshot; events by id. Not safe under threads: its owner locks."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, Held]] = {}
        self._metadata: dict[str, Json] = {}
        self._seen: set[bytes] = set()
        self.events: dict[str, Json] = {}

    def hear(self, raw: bytes) -> None:
        """Take in a verified webhook's body; the same body again, or one that is no event, changes nothing."""
        digest = hashlib.sha256(raw).digest()
        if digest in self._seen:
            return
        self._seen.add(digest)
        try:
            event = parse_object(raw)
        except ValueError:
            return
        event_id, kind = ident(event), str(event.get("type"))
        if event_id is None:
            return
        self.events[event_id] = event
        created = event.get("created")
        body = child(event, "data", "object")
        if isinstance(created, int) and ident(body):
            deleted = {"deleted": True} if kind in ("invoice.deleted", "customer.deleted") else {}
            self._offer(Held(body | deleted, created))

    def _offer(self, new: Held) -> None:
        of_kind = self._held.setdefault(str(new.body.get("object")), {})
        old = of_kind.get(str(new.body["id"]))
        if old is None or old.gives_way_to(new):
            of_kind[str(new.body["id"])] = new

    def put(self, kind: str, body: Json, stamp: int) -> None:
        """Replace an object whatever was held, as taken at `stamp`."""
        self._held.setdefault(kind, {})[str(body["id"])] = Held(body, stamp)
        self._metadata.pop(str(body["id"]), None)

    def annotate(self, object_id: str, metadata: Mapping[str, str]) -> None:
        """Set metadata keys of an object, as a write through the API does; an empty value removes the key."""
        self._metadata.setdefault(object_id, {}).update(metadata)

    def get(self, kind: str, object_id: str) -> Json | None:
        """The newest snapshot, with what was annotated since."""
        held = self._held.get(kind, {}).get(object_id)
        return self._annotated(held.body) if held else None

    def all(self, kind: str) -> list[Json]:
        """Every object of a kind, as `get` answers them, in the order they were first heard of."""
        return [self._annotated(held.body) for held in self._held.get(kind, {}).values()]

    def newest_first(self, kind: str) -> list[Json]:
        """As `all`, newest snapshot first."""
        ranked = sorted(self._held.get(kind, {}).values(), key=lambda held: held.stamp, reverse=True)
        return [self._annotated(held.body) for held in ranked]

    def _annotated(self, body: Json) -> Json:
        notes = self._metadata.get(str(body["id"]))
        if not notes:
            return body
        return body | {"metadata": {key: value for key, value in (child(body, "metadata") | notes).items() if value != ""}}
