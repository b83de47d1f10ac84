"""What is kept of one customer and of one invoice stays far below DynamoDB's 400 KB an item, whatever happens to them.

Disputes are never dropped while they are open, and nothing that the team is to be told is forgotten: where there is too much of
either, a person is called instead.
"""

from datetime import UTC, date, datetime, time

from dunning.domain.case import Dispute, Notice, Profile
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Snapshot

MOST_OPEN_DISPUTES = 500
MOST_CLOSED_DISPUTES = 100
"""The newest; of an older one no late word is believed."""

NOTICES_BYTES = 100_000
LONGEST_NAME = 255
LONGEST_ADDRESS = 320
"""64 characters, an @, and 255 (RFC 3696, erratum 1690)."""

EARLIEST, LATEST = date(1900, 1, 1), date(8999, 12, 31)
"""Dates of real invoices. .NET writes 0001-01-01 for no date at all; bookkeepers write 9999-12-31 for never, beyond which none goes."""

LONGEST_URL = 2_048
MOST_TAGS = 100
MORE_NOTICES = "more"
MORE_TO_LOOK_AT = "there is more to look at in this case than can be listed: its log tells all of it"


def with_dispute(profile: Profile, dispute: Dispute) -> Profile | None:
    """The profile with this dispute put in or replaced, and the oldest closed ones let go; None when too many are open."""
    disputes = {**profile.disputes, dispute.id: dispute}
    open_ones = {name: one for name, one in disputes.items() if one.is_open}
    if len(open_ones) > MOST_OPEN_DISPUTES and dispute.is_open:
        return None
    closed = sorted((one for one in disputes.values() if not one.is_open), key=lambda one: (one.stamp, one.id))
    kept = {one.id for one in closed[-MOST_CLOSED_DISPUTES:]}
    return replace(profile, disputes={name: one for name, one in disputes.items() if one.is_open or name in kept})


def may_be_forgotten(profile: Profile, dispute: Dispute) -> bool:
    """Whether a dispute that is unknown here may have been closed so long ago that it was let go."""
    stamps = [one.stamp for one in profile.disputes.values() if not one.is_open]
    return dispute.id not in profile.disputes and len(stamps) >= MOST_CLOSED_DISPUTES and dispute.stamp <= min(stamps)


def with_notice(profile: Profile, key: str, notice: Notice) -> Profile:
    """The profile with one more thing to tell the team. Where they take too much room, it is told without what the customer wrote;
    and where that is not enough, one notice stands for the rest.
    """
    for told in (notice, replace(notice, text=None)):
        notices = {**profile.notices, key: told}
        if sum(_bytes(name, one) for name, one in notices.items()) <= NOTICES_BYTES:
            return replace(profile, notices=notices)
    before = profile.notices.get(MORE_NOTICES)
    more = Notice(MORE_TO_LOOK_AT, min(notice.at, before.at) if before else notice.at)
    return replace(profile, notices={**profile.notices, MORE_NOTICES: more})


def _bytes(key: str, notice: Notice) -> int:
    words = "".join((key, notice.reason, *notice.invoices, notice.team or "", notice.text or ""))
    return len(words.encode(errors="surrogatepass")) + 3 * len(notice.invoices) + 100


def fitting(snapshot: Snapshot) -> Snapshot:
    """A snapshot whose texts are no longer than those of any real invoice, and whose dates can be counted on from.

    A cut link would lead nowhere, so it is left out, like a date before `EARLIEST`; one after `LATEST` is as far away there.
    """
    url = snapshot.payment_url
    return replace(
        snapshot,
        number=snapshot.number[:LONGEST_NAME],
        due=_due(snapshot.due),
        billed_to=_address(snapshot.billed_to),
        issued_at=_countable(snapshot.issued_at) if snapshot.issued_at else None,
        payment_url=url if url and len(url) <= LONGEST_URL else None,
        contact=fitting_contact(snapshot.contact),
    )


def fitting_contact(contact: Contact) -> Contact:
    """A contact of ordinary length; an address, a number or a zone that is longer is none."""
    return replace(
        contact,
        name=contact.name[:LONGEST_NAME] if contact.name else None,
        email=_address(contact.email),
        phone=_short(contact.phone),
        country=_short(contact.country),
        locale=_short(contact.locale),
        timezone=_short(contact.timezone),
        tags=contact.tags and tuple(tag for tag in contact.tags[:MOST_TAGS] if len(tag) <= LONGEST_NAME),
    )


def _address(text: str | None) -> str | None:
    return text if text and len(text) <= LONGEST_ADDRESS else None


def _due(due: date | datetime | None) -> date | datetime | None:
    if due is None or isinstance(due, datetime):
        return _countable(due) if due else None
    return min(due, LATEST) if due >= EARLIEST else None


def _countable(instant: datetime) -> datetime | None:
    if instant.date() < EARLIEST:
        return None
    return min(instant, datetime.combine(LATEST, time(), UTC))


def _short(text: str | None) -> str | None:
    return text if text and len(text) <= LONGEST_NAME else None
