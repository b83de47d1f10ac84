"""Beginning and ending holds: pure, idempotent, each with its activity. What was held runs then by the rule of moving (DESIGN §7)."""

from collections.abc import Collection
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.evolving import replace
from dunning.domain.holds import Hold, HoldKind, without
from dunning.domain.invoice import Invoice

Held = tuple[Case, tuple[Activity, ...]]
"""The case afterwards, and what to log; nothing to log when nothing changed."""


def hold_case(case: Case, kind: HoldKind, hold: Hold, actor: str, invoices: tuple[str, ...] = ()) -> Held:
    """Hold all of a case. A hold of this kind that runs already keeps its beginning and takes the new reason and end."""
    known = case.profile.holds.get(kind)
    if known and (known.until, known.reason) == (hold.until, hold.reason):
        return case, ()
    held = replace(hold, since=known.since) if known else hold
    after = case.with_profile(replace(case.profile, holds={**case.profile.holds, kind: held}))
    return after, (_began(kind, hold, actor, invoices, anew=known is not None),)


def release_case(case: Case, kind: HoldKind, reason: str, now: datetime, actor: str) -> Held:
    """End one hold of a case; nothing when there is none."""
    if kind not in case.profile.holds:
        return case, ()
    after = case.with_profile(replace(case.profile, holds=without(case.profile.holds, kind)))
    return after, (_ended(kind, reason, now, actor, ()),)


def hold_invoice(case: Case, invoice: Invoice, kind: HoldKind, hold: Hold, actor: str) -> Held:
    """Hold one invoice; its siblings go on."""
    held, logged = with_hold(invoice, kind, hold, actor)
    return case.with_invoice(held) if logged else case, logged


def with_hold(invoice: Invoice, kind: HoldKind, hold: Hold, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """The invoice, held; as `hold_invoice`."""
    known = invoice.holds.get(kind)
    if known and (known.until, known.reason) == (hold.until, hold.reason):
        return invoice, ()
    held = replace(hold, since=known.since) if known else hold
    logged = _began(kind, hold, actor, (invoice.id,), anew=known is not None)
    return replace(invoice, holds={**invoice.holds, kind: held}), (logged,)


def set_aside(case: Case, invoices: Collection[str], reason: str, now: datetime, actor: str) -> Held:
    """Park some open invoices (bare ids) by themselves; their siblings go on. Nothing to log when all of them are parked already."""
    held: list[str] = []
    for name in invoices:
        known = case.invoices.get(name)
        if known is not None and known.is_open and HoldKind.PARKED not in known.holds:
            case = case.with_invoice(replace(known, holds={**known.holds, HoldKind.PARKED: Hold(now, reason=reason)}))
            held.append(name)
    return case, (_began(HoldKind.PARKED, Hold(now, reason=reason), actor, tuple(held), anew=False),) if held else ()


def release_invoice(case: Case, invoice: Invoice, kind: HoldKind, reason: str, now: datetime, actor: str) -> Held:
    """End one hold of an invoice; nothing when there is none."""
    freed, logged = without_hold(invoice, kind, reason, now, actor)
    return case.with_invoice(freed) if logged else case, logged


def without_hold(invoice: Invoice, kind: HoldKind, reason: str, now: datetime, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """The invoice without this hold; as `release_invoice`."""
    if kind not in invoice.holds:
        return invoice, ()
    return replace(invoice, holds=without(invoice.holds, kind)), (_ended(kind, reason, now, actor, (invoice.id,)),)


def holds_dropped(invoice: Invoice, reason: str, now: datetime, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """An invoice that is no longer open waits for nothing."""
    logged = tuple(_ended(kind, reason, now, actor, (invoice.id,)) for kind in invoice.holds)
    return replace(invoice, holds={}, promise=None), logged


def _began(kind: HoldKind, hold: Hold, actor: str, invoices: tuple[str, ...], *, anew: bool) -> Activity:
    words = f"{kind.value}: {hold.reason}" if hold.reason else kind.value
    if hold.until:
        words += f", until {hold.until:%Y-%m-%d %H:%M} UTC"
    return Activity(hold.since, ActivityType.UPDATED if anew else ActivityType.HELD, words, invoices, None, actor)


def _ended(kind: HoldKind, reason: str, now: datetime, actor: str, invoices: tuple[str, ...]) -> Activity:
    return Activity(now, ActivityType.RELEASED, f"{kind.value}: {reason}", invoices, None, actor)
