"""Invoices of which one may be unlike anything that is documented."""

import logging
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from dunning.domain.invoice import Snapshot, Status
from dunning.domain.money import nearest_minor

_LOG = logging.getLogger(__name__)


def readable_of(rows: Iterable[tuple[str | None, Snapshot | None]]) -> tuple[Snapshot, ...]:
    """What could be read of some (bare id, snapshot). The others are told in the log, by their ids: each says itself, when it is fetched,
    that it cannot be read, and its neighbours do not wait for that.
    """
    found = list[Snapshot]()
    for invoice_id, snapshot in rows:
        if snapshot is None:
            _LOG.warning("invoice %s cannot be read and is left out of its customer's list", invoice_id)
        else:
            found.append(snapshot)
    return tuple(found)


def minor_units(written: Decimal | None, currency: str) -> int:
    """An amount in major units as minor units. Raises ValueError where it, or its currency, is not as documented."""
    if written is None or not re.fullmatch(r"[A-Z]{3}", currency):
        raise ValueError("no amount in a currency")
    return nearest_minor(written, currency)


def bare_snapshot(source: str, customer: str, invoice_id: str, status: Status, stamp: datetime) -> Snapshot:
    """That nothing is owed on an invoice any more, of which nothing else is understood."""
    return Snapshot(source, customer, invoice_id, invoice_id, status, "", 0, 0, None, None, stamp, is_bare=True)
