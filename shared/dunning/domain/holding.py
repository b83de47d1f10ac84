"""Beginning and ending holds: pure, idempotent, each with its activity. What was held runs then by the rule of moving (DESIGN §7)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.holds import Hold, HoldKind, run_out, without
from dunning.domain.invoice import Invoice

MOST_ENDED_AT_ONCE = 5
"""Invoices whose holds end in one go: what they cost must fit into the transaction that also settles what is due; the rest follows."""

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
    known = invoice.holds.get(kind)
    if known and (known.until, known.reason) == (hold.until, hold.reason):
        return case, ()
    held = replace(hold, since=known.since) if known else hold
    after = case.with_invoice(replace(invoice, holds={**invoice.holds, kind: held}))
    return after, (_began(kind, hold, actor, (invoice.id,), anew=known is not None),)


def release_invoice(case: Case, invoice: Invoice, kind: HoldKind, reason: str, now: datetime, actor: str) -> Held:
    """End one hold of an invoice; nothing when there is none."""
    if kind not in invoice.holds:
        return case, ()
    after = case.with_invoice(replace(invoice, holds=without(invoice.holds, kind)))
    return after, (_ended(kind, reason, now, actor, (invoice.id,)),)


def run_out_ended(case: Case, now: datetime, actor: str, asked: Collection[str] | None = None) -> Held:
    """The case without the holds whose time is over.

    A promise is broken only where its source was `asked` whether the money came (bare invoice ids; None: all count as asked).
    At most so many invoices at once; the timer of the others is due, so they follow.
    """
    activities: list[Activity] = []
    for kind in run_out(case.profile.holds, now):
        case, logged = release_case(case, kind, "its time is over", now, actor)
        activities += logged
    for invoice in ending_now(case, now):
        for kind in run_out(invoice.holds, now):
            if kind is HoldKind.PROMISE and asked is not None and invoice.id not in asked:
                continue
            case, logged = release_invoice(case, case.invoices[invoice.id], kind, "its time is over", now, actor)
            activities += logged
    return case, tuple(activities)


def ending_now(case: Case, now: datetime) -> list[Invoice]:
    """The open invoices that have a hold whose time is over, as many as are ended at once."""
    ending = [invoice for invoice in case.invoices.values() if invoice.is_open and run_out(invoice.holds, now)]
    return sorted(ending, key=lambda invoice: invoice.id)[:MOST_ENDED_AT_ONCE]


def holds_dropped(invoice: Invoice, reason: str, now: datetime, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """An invoice that is no longer open waits for nothing."""
    logged = tuple(_ended(kind, reason, now, actor, (invoice.id,)) for kind in invoice.holds)
    return replace(invoice, holds={}), logged


def _began(kind: HoldKind, hold: Hold, actor: str, invoices: tuple[str, ...], *, anew: bool) -> Activity:
    words = f"{kind.value}: {hold.reason}" if hold.reason else kind.value
    if hold.until:
        words += f", until {hold.until:%Y-%m-%d %H:%M} UTC"
    return Activity(hold.since, ActivityType.UPDATED if anew else ActivityType.HELD, words, invoices, None, actor)


def _ended(kind: HoldKind, reason: str, now: datetime, actor: str, invoices: tuple[str, ...]) -> Activity:
    return Activity(now, ActivityType.RELEASED, f"{kind.value}: {reason}", invoices, None, actor)
