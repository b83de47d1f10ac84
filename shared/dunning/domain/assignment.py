"""Which policy an invoice follows (DESIGN §7): the first that matches, lowest priority first.

It is chosen when the invoice is first recorded, and anew as long as nothing has been done about it: what is learned meanwhile
(another amount, a tag, a country) counts up to the last check before the first message. From then on it stays, whatever changes:
a customer who was written to under one plan does not fall back to the beginning of another. Only when its policy is gone it follows
the one that is for it now, from the next step on: the step that lies behind is found by its name, else by its position.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dunning.domain.case import Profile
from dunning.domain.effects import marks_of
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.policy import Facts, Policy


@dataclass(frozen=True, slots=True)
class Assignment:
    """`choose` gives the policy for an invoice with these facts, `knows` says whether there is a policy of a name."""

    choose: Callable[[Facts], Policy]
    knows: Callable[[str], bool]

    def policy_for(self, invoice: Invoice, contact: Contact) -> str:
        """The name of the policy for an open invoice. Raises Permanent when a condition cannot be evaluated."""
        return self.choose(assignment_facts(invoice, contact)).name

    def changed(self, invoice: Invoice, profile: Profile, contact: Contact) -> str | None:
        """The policy that an invoice follows from now on; None: as before."""
        is_kept = invoice.policy is not None and self.knows(invoice.policy)
        if is_kept and not is_untouched(invoice, profile):
            return None
        chosen = self.policy_for(invoice, contact)
        return None if chosen == invoice.policy else chosen


def assignment_facts(invoice: Invoice, contact: Contact) -> Facts:
    """What a policy may ask of an invoice. `amount_due` is in major units (Decimal)."""
    return {
        "amount_due": invoice.money_due.as_decimal(),
        "currency": invoice.currency,
        "country": contact.country or "",
        "tags": tags_of(invoice, contact),
        "source": invoice.source,
        "is_business": bool(contact.is_business),
        "subscription": invoice.subscription,
        "one_off": not invoice.subscription,
    }


def tags_of(invoice: Invoice, contact: Contact) -> tuple[str, ...]:
    """The customer's tags and the invoice's own, each once."""
    return tuple(dict.fromkeys((*(contact.tags or ()), *invoice.tags)))


def is_untouched(invoice: Invoice, profile: Profile) -> bool:
    """Whether nothing has been done about an invoice: no step ran or was skipped, and none has begun under a claim."""
    done = invoice.level > 0 or invoice.last_reminder_at is not None or invoice.escalated
    return not done and not is_begun(profile, invoice.id)


def is_begun(profile: Profile, invoice_id: str) -> bool:
    """Whether something about an invoice has gone out under a claim that was not settled, or may have."""
    return any(key.split(":", 2)[-1] == invoice_id for key in marks_of(profile))
