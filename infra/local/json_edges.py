"""Reading JSON of unknown shape: each reader answers what is there in the asked type, or that type's empty value."""

from collections.abc import Mapping

Json = dict[str, object]


def mapping(value: object) -> Json:
    """A JSON object."""
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    """A JSON array."""
    return list(value) if isinstance(value, list | tuple) else []


def mappings(value: object) -> list[Json]:
    """A JSON array of objects."""
    return [mapping(item) for item in items(value)]


def text(value: object) -> str:
    """A JSON string."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """A JSON array of strings."""
    return [item for item in items(value) if isinstance(item, str)]


def number(value: object, default: int) -> int:
    """A whole number, also where CloudFormation made it a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    return int(value)
