"""Which mail address counts where invoices name one beside the customer's own (QuickBooks' `BillEmail`).

The newest open invoice's goes before the customer's own: a bookkeeper chose it for this debt. But QuickBooks fills it in from the
customer's record when an invoice is written and leaves it when that is corrected: what was the customer's own before is no choice.
The answer depends on what is known of all of them, not on the order in which it became known.
"""

from datetime import UTC, datetime

from dunning.domain.case import Case, Profile
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice

_MOST_FORMER = 10


def own_contact(profile: Profile) -> Contact:
    """The contact as the customer's own record says it, without what an invoice chose."""
    return replace(profile.contact, email=profile.own_email) if profile.own_email else profile.contact


def with_own_email(profile: Profile, told: str | None) -> Profile:
    """The profile where the customer's own address is now this one; None is no news, nor is any where no invoice ever named another."""
    if told is None or profile.own_email in (None, told):
        return profile
    former = (*(one for one in profile.former_emails if one != told), str(profile.own_email))
    return replace(profile, own_email=told, former_emails=former[-_MOST_FORMER:])


def addressed(case: Case) -> Case:
    """The case with the address that counts; as it is where no invoice names one, or nothing is owed."""
    profile = case.profile
    owed = sorted((one for one in case.invoices.values() if one.is_open), key=_age)
    if not owed or not any(one.billed_to for one in case.invoices.values()):
        return case
    chosen = next((one.billed_to for one in reversed(owed) if one.billed_to and one.billed_to not in profile.former_emails), None)
    email = chosen or profile.own_email
    if email is None or email == profile.contact.email:
        return case
    return case.with_profile(replace(profile, contact=replace(profile.contact, email=email)))


def _age(invoice: Invoice) -> tuple[datetime, int, str]:
    return (invoice.issued_at or datetime.min.replace(tzinfo=UTC), len(invoice.id), invoice.id)
