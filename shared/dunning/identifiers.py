"""Ids: ULIDs, which sort by the time they were made (github.com/ulid/spec), and GUIDs as others write them."""

import re
import secrets
from datetime import datetime

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(now: datetime, order: int | None = None) -> str:
    """Twenty-six characters: 48 bits of milliseconds, 80 bits of chance.

    `order` (below 2**48) takes the place of the first 48 of these, so that what happens in one millisecond keeps its order.
    """
    chance = secrets.randbits(80) if order is None else (order << 32) | secrets.randbits(32)
    value = (int(now.timestamp() * 1000) << 80) | chance
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))


def spellings(written: str) -> tuple[str, ...]:
    """An id as it was written, and where that is a GUID with capitals, which is the same with small letters (RFC 9562, section 4), so."""
    return tuple(dict.fromkeys((written, written.lower()))) if _GUID.fullmatch(written) else (written,)
