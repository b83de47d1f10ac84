"""What a source tells of its customer beside an invoice: gaps are filled, and settings seen. Pure."""

from dunning.domain.bounds import fitting_contact
from dunning.domain.case import Case, Profile
from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice, Snapshot

_FACTS = (
    "number", "status", "currency", "total", "amount_due", "due_date", "issued_at", "payment_url", "collects_automatically",
    "subscription", "tags", "fee_id", "billed_to", "overpaid",
)  # fmt: skip


def introduced(case: Case, told: Contact) -> Case:
    """The case with what a source tells of its customer that is not known here: gaps are filled, nothing is written over.

    The settings are left out: they have a stamp of their own.
    """
    known = case.profile.contact
    after = replace(filled(known, fitting_contact(told)), settings=known.settings)
    return case if after == known else case.with_profile(replace(case.profile, contact=after))


def contact_filled(case: Case, snapshot: Snapshot) -> Profile:
    """The profile, the gaps of its contact filled from what an invoice says of its customer."""
    return replace(case.profile, contact=filled(case.profile.contact, snapshot.contact))


def settings_seen(profile: Profile, snapshot: Snapshot) -> Profile:
    """The profile with the settings of the customer's record, where the source showed it with the invoice, and later than before."""
    settings, since = snapshot.contact.settings, profile.settings_stamp
    if settings is None or not settings_differ(profile.contact, settings) or (since is not None and snapshot.stamp < since):
        return profile
    return replace(profile, contact=replace(profile.contact, settings=settings), settings_stamp=snapshot.stamp)


def differs(name: str, known: object, told: object) -> bool:
    """Whether a field says something else than before; of tags it tells nothing in which order they come."""
    if name == "tags" and isinstance(known, tuple) and isinstance(told, tuple):
        return set(known) != set(told)
    return known != told


def settings_differ(known: Contact, told: CustomerSettings) -> bool:
    """Whether settings say something else than is known; that nothing is set is no news where nothing was known."""
    return told != (known.settings or CustomerSettings())


def filled(first: Contact, second: Contact) -> Contact:
    """The first contact, its gaps filled from the second."""
    return Contact(
        name=first.name or second.name,
        email=first.email or second.email,
        phone=first.phone or second.phone,
        country=first.country or second.country,
        locale=first.locale or second.locale,
        timezone=first.timezone or second.timezone,
        tags=second.tags if first.tags is None else first.tags,
        is_business=second.is_business if first.is_business is None else first.is_business,
        settings=first.settings or second.settings,
    )


def changed_facts(known: Invoice, seen: Invoice) -> tuple[str, ...]:
    """The names of the facts of which the second tells something else."""
    return tuple(name for name in _FACTS if differs(name, getattr(known, name), getattr(seen, name)))
