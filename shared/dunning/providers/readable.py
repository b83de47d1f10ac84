"""Lists of a customer's invoices, of which one may be unlike anything that is documented."""

import logging
from collections.abc import Iterable

from dunning.domain.invoice import Snapshot

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
