"""Holds whose time is over: they end by themselves, and what they held runs then by the rule of moving (DESIGN §7)."""

from collections.abc import Collection
from datetime import datetime

from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.domain.holding import Held, release_case, release_invoice
from dunning.domain.holds import HoldKind, run_out
from dunning.domain.invoice import Invoice
from dunning.domain.promising import broken

MOST_ENDED_AT_ONCE = 5
"""Invoices whose holds end in one go: what they cost must fit into the transaction that also settles what is due; the rest follows."""


def run_out_ended(case: Case, now: datetime, actor: str, asked: Collection[str] | None = None) -> Held:
    """The case without the holds whose time is over, and with the promises that were not kept.

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
            known = case.invoices[invoice.id]
            if kind is HoldKind.PROMISE:
                case, logged = broken(case, known, now, actor)
            else:
                case, logged = release_invoice(case, known, kind, "its time is over", now, actor)
            activities += logged
    return case, tuple(activities)


def ending_now(case: Case, now: datetime) -> list[Invoice]:
    """The open invoices that have a hold whose time is over, as many as are ended at once."""
    ending = [invoice for invoice in case.invoices.values() if invoice.is_open and run_out(invoice.holds, now)]
    return sorted(ending, key=lambda invoice: invoice.id)[:MOST_ENDED_AT_ONCE]
