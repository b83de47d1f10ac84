"""What a customer's own record names no more is not used any more: a number that was given up is a stranger's before long.

A bill's own address is no matter of that record and stays. Stripe freezes address and number of its customer on an invoice when it is
finalised: that address stays, too, for without it nobody would hear of the debt; the number does not, for it has no second source.
"""

from collections.abc import Collection

from dunning.domain.addressing import own_contact
from dunning.domain.case import Case, Profile
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Snapshot

RETIRABLE = ("email", "phone")
_MOST_RETIRED = 10


def lost(case: Case, told: Contact, read: Collection[str] | None = None) -> tuple[str, ...]:
    """Which of address and number the customer's own record named before and, as `told`, does not.

    `read`: those that count as read in full; None: those that were. One that was taken back before came from an invoice since.
    """
    known, retired = own_contact(case), case.profile.retired
    names = told.of_record if read is None else read
    gone = (name for name in RETIRABLE if name in names and getattr(told, name) is None)
    return tuple(name for name in gone if getattr(known, name) not in (None, *retired))


def without_lost(case: Case, gone: Collection[str]) -> Case:
    """The case without what the customer's own record names no more; what an invoice chose to be written to stays."""
    own, profile = own_contact(case), case.profile
    if not gone:
        return case
    contact = profile.contact
    email = None if "email" in gone and contact.email == own.email else contact.email
    old = tuple(str(getattr(own, name)) for name in gone)
    kept = (*(one for one in profile.retired if one not in old), *old)
    return case.with_profile(
        replace(
            profile,
            contact=replace(contact, email=email, phone=None if "phone" in gone else contact.phone),
            own_email=None if "email" in gone else profile.own_email,
            retired=kept[-_MOST_RETIRED:],
        )
    )


def named_again(profile: Profile, told: Contact) -> Profile:
    """The profile where what the customer's own record names is not taken back, whatever it was before."""
    kept = tuple(one for one in profile.retired if one not in (told.email, told.phone))
    return profile if kept == profile.retired else replace(profile, retired=kept)


def without_retired(profile: Profile, told: Contact, frozen_email: str | None = None) -> Contact:
    """What is told of a customer beside an invoice, without what was taken back: it is a copy from before, or was read before.

    `frozen_email` stays: an invoice names it by itself.
    """
    if not profile.retired:
        return told
    email = told.email if told.email == frozen_email or told.email not in profile.retired else None
    return replace(told, email=email, phone=told.phone if told.phone not in profile.retired else None)


def believed(profile: Profile, snapshot: Snapshot) -> Snapshot:
    """A snapshot, without what the customer's own record has taken back."""
    contact = without_retired(profile, snapshot.contact, snapshot.frozen_email)
    return snapshot if contact is snapshot.contact else replace(snapshot, contact=contact)
