"""Which mail address counts where invoices name one beside the customer's own (QuickBooks' `BillEmail`).

What a person changed last wins. The newest open invoice's goes before the customer's own: a bookkeeper chose it for this debt. But
QuickBooks fills it in from the customer's record when an invoice is written, or from a template or another invoice that it is copied
from, and leaves it when the record is corrected: what was the customer's own before is no choice, whenever an invoice names it first.
It is one where a known invoice is seen to be changed to it after the correction.
"""

from datetime import UTC, datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.bounds import fitting_contact
from dunning.domain.case import Case, Profile
from dunning.domain.evolving import replace
from dunning.domain.holding import release_case
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Invoice, Snapshot

_MOST_FORMER = 10


def own_contact(case: Case) -> Contact:
    """The contact as the customer's own record says it, without what an invoice chose."""
    return replace(case.profile.contact, email=_own_email(case))


def with_own_email(case: Case, told: str | None) -> Case:
    """The case where the address of the customer's own record is now this one; None is no news."""
    before = _own_email(case)
    if told is None or told == before:
        return case
    is_beside_others = case.profile.own_email is not None or _is_any_named(case)
    return case.with_profile(replace(_corrected(case.profile, before, told), own_email=told if is_beside_others else None))


def with_word_of_invoice(before: Case, after: Case, snapshot: Snapshot) -> Case:
    """The case `after` an invoice was recorded, with the address that counts.

    Of the customer's own record it tells what was not known, and, like all else of a contact, what a new invoice says before the
    record was ever seen by itself. What is taken off an invoice is not used any more, though the customer has no address of its own.
    """
    known, now, profile = before.invoices.get(snapshot.invoice_id), after.invoices.get(snapshot.invoice_id), after.profile
    own, told = _own_email(before), fitting_contact(snapshot.contact).email
    taken = (told or own) if own is None or (known is None and profile.contact_stamp is None) else own
    if taken is not None:
        is_beside_others = profile.own_email is not None or _is_any_named(after)
        profile = replace(_corrected(profile, own, taken), own_email=taken if is_beside_others else None)
    if known and now and now.billed_to != known.billed_to and now.billed_to in profile.former_emails:
        profile = replace(profile, former_emails=tuple(one for one in profile.former_emails if one != now.billed_to))
    is_taken_off = known and now and now.billed_to is None and known.billed_to == profile.contact.email
    if is_taken_off and taken is None:
        profile = replace(profile, contact=replace(profile.contact, email=None))
    return addressed(after.with_profile(profile))


def readdressed(before: Case, after: Case, now: datetime, actor: str) -> tuple[Case, tuple[Activity, ...]]:
    """The case after its address changed, if it did, and what to log: a new one ends the hold of one that did not work."""
    known, email = before.profile.contact.email, after.profile.contact.email
    if email == known:
        return after, ()
    words = "contact: email" if email else "contact: email removed"
    logged = (Activity(now, ActivityType.UPDATED, words, (), None, actor),) if known else ()
    if email is None:
        return after, logged
    after, released = release_case(after, HoldKind.UNDELIVERABLE, "there is a new mail address", now, actor)
    return after, (*logged, *released)


def addressed(case: Case) -> Case:
    """The case with the address that counts; as it is where no invoice names one, or nothing is owed."""
    profile = case.profile
    owed = sorted((one for one in case.invoices.values() if one.is_open), key=_age)
    if not owed or not _is_any_named(case):
        return case
    chosen = next((one.billed_to for one in reversed(owed) if one.billed_to and one.billed_to not in profile.former_emails), None)
    email = chosen or profile.own_email
    if email is None or email == profile.contact.email:
        return case
    return case.with_profile(replace(profile, contact=replace(profile.contact, email=email)))


def _own_email(case: Case) -> str | None:
    """The address of the customer's own record, None where that has none. Only invoices that name one can put another in its place."""
    profile = case.profile
    return profile.own_email if profile.own_email or _is_any_named(case) else profile.contact.email


def _corrected(profile: Profile, before: str | None, own: str) -> Profile:
    """What the address was before is no invoice's choice; what it is now was one's again."""
    if before in (None, own):
        return profile
    former = (*(one for one in profile.former_emails if one not in (own, before)), str(before))
    return replace(profile, former_emails=former[-_MOST_FORMER:])


def _is_any_named(case: Case) -> bool:
    return any(one.billed_to for one in case.invoices.values())


def _age(invoice: Invoice) -> tuple[datetime, int, str]:
    return (invoice.issued_at or datetime.min.replace(tzinfo=UTC), len(invoice.id), invoice.id)
