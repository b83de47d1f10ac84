"""ULIDs: ids that sort by the time they were made (github.com/ulid/spec)."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(now: datetime, order: int | None = None) -> str:
    """Twenty-six characters: 48 bits of milliseconds, 80 bits of chance.

    `order` (below 2**48) takes the place of the first 48 of these, so that what happens in one millisecond keeps its order.
    """
    chance = secrets.randbits(80) if order is None else (order << 32) | secrets.randbits(32)
    value = (int(now.timestamp() * 1000) << 80) | chance
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))
