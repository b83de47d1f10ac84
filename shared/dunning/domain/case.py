"""A case: all that one customer owes, with the customer's one timer and one claim."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dunning.domain.evolving import replace
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice

CLOCKS_APART = timedelta(days=1)
"""So long ago a claim counts as ended that ends now: nobody's clock, not that of a person's machine either, is further behind."""


class EffectState(StrEnum):
    """How far one effect of a claim has come: `STARTED` before an at-most-once send, `REFUSED` when it surely was not sent,
    `DONE` once accepted.
    """

    STARTED = "started"
    REFUSED = "refused"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of one effect of a claim, and since when (UTC) it has been on its way, or was tried; None: not known.

    `leads`: it stands for its message; of one about several invoices the first row does, so that the message counts once.
    """

    state: EffectState
    at: datetime | None = None
    leads: bool = True

    @property
    def has_begun(self) -> bool:
        """Whether it has gone out, or may have; what is `REFUSED` surely has not."""
        return self.state is not EffectState.REFUSED


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to act for a customer, until an instant (UTC).

    `origin` is the id of the first claim of a row of takeovers: it is what sent mail carries, so that what an abandoned
    claim sent is known to the one that takes over. `attempt` counts the row (1: nobody was abandoned). `effects` maps an
    effect's key to what is known of it. `mail_at`: the second (UTC) that is kept for its next mail, where it had to wait for one.
    """

    id: str
    until: datetime
    origin: str
    attempt: int = 1
    effects: Mapping[str, Mark] = field(default_factory=dict)
    mail_at: datetime | None = None

    def spent(self, now: datetime, effects: Mapping[str, Mark], attempt: int = 0, mail_at: datetime | None = None) -> "Claim":
        """What stays of it when its work is over: it bars nobody."""
        return replace(self, until=now - CLOCKS_APART, attempt=attempt, effects=effects, mail_at=mail_at)

    @property
    def has_begun(self) -> bool:
        """Whether something has gone out under it that was perhaps never put down."""
        return any(mark.has_begun for mark in self.effects.values())


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute at the source, with the stamp (UTC) of the newest word about it."""

    id: str
    is_open: bool
    stamp: datetime
    invoice: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something our own people must be told of, once, from an instant (UTC) on.

    `team`: who is told (None: the usual one). `text`: what the customer wrote, for that team's eyes only.
    """

    reason: str
    at: datetime
    invoices: tuple[str, ...] = ()
    team: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The customer: contact, holds, disputes by id, and the one timer and the one claim.

    `do_not_chase`: a person said so here; the source may say so too, in the contact's settings (as of `settings_stamp`);
    `not_chased_since`: since when either does.

    `opted_out` maps a channel to the instant (UTC) since which the customer does not want it; mail to `dead_addresses` bounced;
    `bounced_mails` are SES's ids of the last that did.

    `own_email` is the address of the customer's own record, where an invoice has named one, and `former_emails` what it was before
    (`addressing`); `contact` holds the one that counts. `retired` is what that record named once and names no more (`retiring`).

    `due_at` is the earliest instant at which something must be decided; `due_since` when it first fell due.
    `holds` hold all of the case, beside those of single invoices.
    `notices` is what the team is still to be told, by a key that names it for ever.
    `reminded_at`: when the last reminders went out, whatever they were about, for gaps and limits.
    `replied_at`: when the customer last answered and nobody has handled it; `replies` are the ids of the last answers.
    `retries` counts `Retryable` failures in a row. `look_at`: when the source is asked again (UTC) about what waits for a person's
    answer, for credit or a payment may have ended the question.
    """

    customer: str
    contact: Contact = field(default_factory=Contact)
    contact_stamp: datetime | None = None
    own_email: str | None = None
    former_emails: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    settings_stamp: datetime | None = None
    do_not_chase: bool = False
    not_chased_since: datetime | None = None
    opted_out: Mapping[str, datetime] = field(default_factory=dict)
    dead_addresses: tuple[str, ...] = ()
    bounced_mails: tuple[str, ...] = ()
    holds: Mapping[HoldKind, Hold] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)
    reminded_at: tuple[datetime, ...] = ()
    due_at: datetime | None = None
    due_since: datetime | None = None
    claim: Claim | None = None
    retries: int = 0
    replied_at: datetime | None = None
    replies: tuple[str, ...] = ()
    look_at: datetime | None = None
    version: int = 0

    @property
    def is_held(self) -> bool:
        """Whether reminders wait: a hold that has not ended, an open dispute, or a customer who is not to be chased."""
        return bool(self.holds) or self.is_disputed or self.is_not_chased

    @property
    def is_not_chased(self) -> bool:
        """Whether this customer gets no reminders, by a person's word or the source's."""
        settings = self.contact.settings
        return self.do_not_chase or (settings is not None and settings.do_not_chase)

    @property
    def reach(self) -> Contact:
        """The contact as it may be used: without the channels that the customer does not want and the addresses that are dead.

        Where the customer's own address is dead, another contact of the customer's stands in for it.
        """
        contact = self.contact
        if not self.opted_out and not self.dead_addresses:
            return contact
        mail = "email" not in self.opted_out
        alive = tuple(person for person in (contact.settings.people if contact.settings else ()) if mail and self._lives(person.email))
        own = contact.email if contact.email and mail and self._lives(contact.email) else None
        email = own or (alive[0].email if alive else None)
        phone = contact.phone if "sms" not in self.opted_out else None
        shut = {"email": contact.email and not email, "sms": contact.phone and not phone}
        settings = replace(contact.settings, people=alive) if contact.settings else None
        closed = frozenset(channel for channel, is_shut in shut.items() if is_shut)
        return replace(contact, email=email, phone=phone, settings=settings, closed=closed)

    def _lives(self, address: str) -> bool:
        return address.lower() not in self.dead_addresses

    @property
    def has_replied(self) -> bool:
        """Whether a person's answer waits that came after the last reminder."""
        return self.replied_at is not None and all(at < self.replied_at for at in self.reminded_at)

    @property
    def is_disputed(self) -> bool:
        """Whether a dispute is open."""
        return bool(self.disputes) and any(dispute.is_open for dispute in self.disputes.values())

    def claimed_at(self, now: datetime) -> bool:
        """Whether a live claim bars others from the timer."""
        return self.claim is not None and self.claim.until > now


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's profile and invoices (by the source's bare id), as one consistent read shows them.

    `covered` says by how much (minor units) the amounts of some were lessened for the customer's credit (`netting`): such a view is
    never stored. `is_net`: the credit was looked up, and all amounts are less their parts of it.
    """

    profile: Profile
    invoices: Mapping[str, Invoice] = field(default_factory=dict)
    covered: Mapping[str, int] = field(default_factory=dict)
    is_net: bool = False

    def with_invoice(self, invoice: Invoice) -> "Case":
        """The case with this invoice put in or replaced."""
        return Case(self.profile, {**self.invoices, invoice.id: invoice}, self.covered, self.is_net)

    def with_profile(self, profile: Profile) -> "Case":
        """The case with another profile."""
        return Case(profile, self.invoices, self.covered, self.is_net)
