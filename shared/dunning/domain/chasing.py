"""Customers to whom nothing goes out: marked `do_not_chase`, or with no channel left. Never in silence: our people are told in time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.bounds import with_notice
from dunning.domain.case import Case, Notice, Profile
from dunning.domain.evolving import replace
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice


@dataclass(frozen=True, slots=True)
class _Silence:
    """A reason for silence. `key` names its notices, one for each invoice; `words` tell the team."""

    key: str
    reigns: Callable[[Profile], bool]
    words: str


def _has_no_channel(profile: Profile) -> bool:
    reach = profile.reach
    return bool(reach.closed) and not (reach.email or reach.phone) and HoldKind.UNDELIVERABLE not in profile.holds


_SILENCES = (
    _Silence("do_not_chase:", lambda profile: profile.is_not_chased, "its customer is marked do_not_chase: look after it yourself"),
    _Silence(
        "unreachable:", _has_no_channel, "neither mail nor SMS may be used, by the customer's wish or because mail bounced: write or call"
    ),
)


def with_silence_told(before: Case, after: Case, now: datetime, actor: str) -> tuple[Case, tuple[Activity, ...]]:
    """The changed case with what follows from a new silence: of each open invoice a notice for the team at the instant at which
    its next step would have run, because nobody else looks after it; and a log line when the mark is set or lifted.
    """
    for silence in _SILENCES:
        after = _noticed(before, after, silence, now)
    was, marked = before.profile.is_not_chased, after.profile.is_not_chased
    if was == marked:
        return after, ()
    by = "a person" if after.profile.do_not_chase else "its source"
    kind, reason = (ActivityType.HELD, f"the customer is marked so by {by}") if marked else (ActivityType.RELEASED, "the mark was lifted")
    said = Activity(now, kind, f"do_not_chase: {reason}", (), None, actor)
    return after.with_profile(replace(after.profile, not_chased_since=now if marked else None)), (said,)


def is_moot(case: Case, key: str) -> bool:
    """Whether a notice was about a silence that has ended, or about an invoice that is done with."""
    for silence in _SILENCES:
        if key.startswith(silence.key):
            invoice = case.invoices.get(key.removeprefix(silence.key))
            return not silence.reigns(case.profile) or invoice is None or not _is_planned(invoice)
    return False


def _noticed(before: Case, after: Case, silence: _Silence, now: datetime) -> Case:
    if not silence.reigns(after.profile):
        return after
    already = silence.reigns(before.profile)
    fresh = [invoice for invoice in after.invoices.values() if _is_planned(invoice) and not (already and _was_planned(before, invoice))]
    profile = after.profile
    for invoice in fresh:
        profile = with_notice(profile, f"{silence.key}{invoice.id}", _notice(invoice, silence, now))
    return after.with_profile(profile)


def _is_planned(invoice: Invoice) -> bool:
    return invoice.is_open and invoice.next_at is not None


def _was_planned(before: Case, invoice: Invoice) -> bool:
    known = before.invoices.get(invoice.id)
    return known is not None and _is_planned(known)


def _notice(invoice: Invoice, silence: _Silence, now: datetime) -> Notice:
    reason = f"invoice {invoice.number} is due for a reminder, but {silence.words}"
    return Notice(reason, max(now, invoice.next_at or now), (invoice.id,))
