"""Late fees as they are kept: one for each step of an invoice's plan, ever, under an id that names it at its source."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 11
_FEE_ID = re.compile(r"LF-[A-HJKMNP-TV-Z][0-9A-HJKMNP-TV-Z]{11}")


class FeeState(StrEnum):
    """How far a fee has come: a person answers what is `PROPOSED`; `ACCEPTED` is still to be written to the source, `APPLIED` is.

    `DECLINED` by a person, or `LAPSED` because the invoice was settled first: neither is ever charged.
    """

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    APPLIED = "applied"
    DECLINED = "declined"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Fee:
    """The fee of one step, in minor units of its invoice's currency, as it was reckoned on `day` (a date where the customer is).

    `at` (UTC): when its state last changed. `lines` say how it was reckoned. `charged_until` and `compensated`: what later fees
    must not take again (`fees.Debt`). `invoice`: the bare id of its own invoice, once that is known.
    """

    step: str
    state: FeeState
    amount: int
    day: date
    at: datetime
    lines: tuple[str, ...] = ()
    charged_until: date | None = None
    compensated: bool = False
    invoice: str | None = None


def fee_id(customer: str, invoice_id: str, step: str) -> str:
    """What names the fee of one step of one invoice for ever, as "LF-K7Q2M4X9T0AB": short enough to be an invoice's number.

    It is drawn from the source's account, not from the customer: an invoice that is moved to another customer keeps its fees.
    The first sign is a letter, so that nobody's own numbers made of dates look like it.
    """
    account = customer.rpartition(":")[0]
    number = int.from_bytes(hashlib.sha256(f"{account}\n{invoice_id}\n{step}".encode()).digest()[:10], "big")
    first, rest = _ALPHABET[10 + number % 22], number // 22
    signs = []
    for _ in range(_DIGITS):
        rest, sign = divmod(rest, len(_ALPHABET))
        signs.append(_ALPHABET[sign])
    return f"LF-{first}{''.join(signs)}"


def as_fee_id(written: str | None) -> str | None:
    """The text if it is a fee's id and nothing else: among other words it names a fee that may be on this invoice, or on any other."""
    return written if written and _FEE_ID.fullmatch(written) else None
