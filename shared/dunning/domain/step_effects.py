"""What a step sends about one invoice, by what its customer can be reached by."""

from collections.abc import Collection

from dunning.domain.effects import Channel, Effect, repetition_of, row_key
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.policy import Step
from dunning.domain.recipients import recipients_of, templates_of, texts_beside

NO_LONGER_KNOWN = "no longer known"


def as_reached(contact: Contact, begun: Collection[Channel]) -> Contact:
    """The contact, with something to stand for an address that is known no more: what went there is put down, and nothing sent."""
    email = contact.email or (NO_LONGER_KNOWN if Channel.EMAIL in begun else None)
    return replace(contact, email=email, phone=contact.phone or (NO_LONGER_KNOWN if Channel.SMS in begun else None))


def effects_of(invoice: Invoice, step: Step, contact: Contact, *, escalates: bool) -> tuple[Effect, ...]:
    """Mail first, then SMS, then our own people."""
    found: list[Effect] = []
    about = (invoice.id,)
    templates, mail = templates_of(step, contact), recipients_of(step, contact)
    if "email" in templates and mail:
        found.append(
            Effect(
                key=row_key(Channel.EMAIL, step.id, invoice.id),
                channel=Channel.EMAIL,
                kind="reminder",
                template=templates["email"],
                step=step.id,
                invoices=about,
                to=mail.to[0],
                more_to=mail.to[1:],
                cc=mail.cc,
                sender=mail.sender,
                attach=about if step.attach_invoice_pdf else (),
            )
        )
    if "sms" in templates and contact.phone:
        found.append(
            Effect(row_key(Channel.SMS, step.id, invoice.id), Channel.SMS, "reminder", templates["sms"], step.id, about, contact.phone)
        )
    if step.escalate and escalates:
        found.append(
            Effect(row_key(Channel.TEAM, step.id, invoice.id), Channel.TEAM, "escalation", "escalation", step.id, about, step.escalate)
        )
    return tuple(found)


def repeated_effects(invoice: Invoice, step: Step, contact: Contact) -> tuple[Effect, ...]:
    """What is sent when the step's mail bounced, under keys of its own: a mail to whoever is left, or the SMS in its place.

    An SMS of the step's own went out beside the mail that bounced, and says it once.
    """
    again = repetition_of(step.id)
    said = texts_beside(step, contact) if invoice.texted_step is None else invoice.texted_step == step.id
    effects = (one for one in effects_of(invoice, step, contact, escalates=False) if one.channel is Channel.EMAIL or not said)
    return tuple(replace(one, key=row_key(one.channel, again, invoice.id)) for one in effects)


def effects_gone_out(invoice: Invoice, step_id: str, channels: Collection[Channel]) -> tuple[Effect, ...]:
    """What stands for a repetition that has gone out, or may have, by these channels: it is put down, and nothing is sent."""
    again, about = repetition_of(step_id), (invoice.id,)
    return tuple(Effect(row_key(one, again, invoice.id), one, "reminder", "", step_id, about, NO_LONGER_KNOWN) for one in channels)
