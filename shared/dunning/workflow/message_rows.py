"""What a message shows of a case: each invoice with the late fees that ride with it."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dunning.domain.activity import Activity
from dunning.domain.approval import waits_for_approval
from dunning.domain.calendar import local_date, zone_of
from dunning.domain.case import Case
from dunning.domain.charging import riders
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE, is_full
from dunning.domain.effects import Channel, Effect, rows_of, step_in
from dunning.domain.fee_records import FeeState
from dunning.domain.history import history_of
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice
from dunning.domain.joint_approval import with_questions_reckoned
from dunning.domain.policy import Policy
from dunning.domain.timing import channels_of, customer_zone, days_overdue
from dunning.workflow.fee_port import MessageFee, MessageProposal
from dunning.workflow.ports import MessageContent, MessageInvoice, Policies

_ABOUT_WHAT_IS_OWED = frozenset({"reminder", "escalation"})


def content_of(effect: Effect, case: Case, policies: Policies, now: datetime, log: Sequence[Activity] = ()) -> MessageContent:
    """All that the effect's template may use. `log`: the last of the case's, oldest first, for a message that tells of it."""
    contact = case.profile.contact
    rows = tuple(_row(effect, case, case.invoices[invoice_id], policies, now) for invoice_id in effect.invoices)
    others: tuple[MessageInvoice, ...] = ()
    answered_on = None
    zone = _team_zone(effect, case, policies)
    if effect.channel is Channel.TEAM:
        shown = {*effect.invoices, *(fee.id for invoice_id in effect.invoices for fee in riders(case, invoice_id))}
        open_too = [invoice for invoice in case.invoices.values() if invoice.is_open and invoice.id not in shown]
        oldest_first = sorted(open_too, key=lambda invoice: (invoice.due_date or date.max, invoice.id))
        others = tuple(_row(effect, case, invoice, policies, now) for invoice in oldest_first[:MOST_IN_ONE_MESSAGE])
        answered = case.profile.holds.get(HoldKind.REPLY)
        answered_on = local_date(answered.since, zone) if answered else None
    return MessageContent(
        customer=case.profile.customer,
        customer_name=contact.name,
        locale=contact.locale,
        invoices=rows,
        step=effect.step,
        reason=effect.reason,
        quote=effect.quote,
        others=others,
        answered_on=answered_on,
        history=history_of(log, effect.invoices, case.invoices, zone),
        also_by_mail=_goes_by_mail_too(effect, case, policies),
        further=_left_for_later(effect, case, policies, now),
    )


def _left_for_later(effect: Effect, case: Case, policies: Policies, now: datetime) -> int:
    """How many invoices would be in a reminder, too, if it were not full: they follow when `min_gap` allows."""
    if effect.kind != "reminder" or not is_full([case.invoices[name] for name in effect.invoices if name in case.invoices]):
        return 0
    case = with_questions_reckoned(case, lambda invoice: policies.named(invoice.policy), now)
    policy, listed = policies.named(case.invoices[effect.invoices[0]].policy), set(effect.invoices)
    others = [invoice for invoice in case.invoices.values() if invoice.id not in listed and invoice.is_open and not invoice.is_held]
    due = [invoice for invoice in others if invoice.next_at is not None and invoice.next_at <= now and not waits_for_approval(invoice)]
    return sum(policies.named(invoice.policy).name == policy.name for invoice in due)


def invoices_in(effect: Effect, case: Case) -> tuple[str, ...]:
    """Bare ids of all that a message is about: its invoices, and their fees' own as far as there is room to name them."""
    if effect.kind not in _ABOUT_WHAT_IS_OWED:
        return effect.invoices
    found = dict.fromkeys(effect.invoices)
    for invoice_id in effect.invoices:
        found.update(dict.fromkeys(fee.id for fee in riders(case, invoice_id)))
    return tuple(found)[: max(MOST_IN_ONE_MESSAGE, len(effect.invoices))]


def _team_zone(effect: Effect, case: Case, policies: Policies) -> ZoneInfo:
    """Our own people's: that of the policy which the message's first invoice follows."""
    policy = policies.named(case.invoices[effect.invoices[0]].policy if effect.invoices else None)
    return zone_of(None, policy.timezone)


def _row(effect: Effect, case: Case, invoice: Invoice, policies: Policies, now: datetime) -> MessageInvoice:
    contact, policy = case.profile.contact, policies.named(invoice.policy)
    zone = _team_zone(effect, case, policies) if effect.channel is Channel.TEAM else customer_zone(contact, policy)
    return MessageInvoice(
        id=invoice.id,
        number=invoice.number,
        currency=invoice.currency,
        amount_due=invoice.amount_due,
        total=invoice.total,
        due_date=invoice.due_date,
        days_overdue=max(0, days_overdue(invoice, contact, policy, now)),
        payment_url=invoice.payment_url,
        reminders_sent=invoice.reminders_sent,
        credit=case.covered.get(invoice.id, 0),
        last_reminder_on=local_date(invoice.last_reminder_at, zone) if invoice.last_reminder_at else None,
        opened=len(invoice.opened_mails),
        clicked=len(invoice.clicked_mails),
        opened_on=local_date(invoice.opened_at, zone) if invoice.opened_at else None,
        fees=tuple(MessageFee(fee.number, fee.currency, fee.amount_due, fee.payment_url) for fee in riders(case, invoice.id)),
        proposals=tuple(MessageProposal(fee.step, fee.amount, fee.lines) for fee in invoice.fees if fee.state is FeeState.PROPOSED),
        at_this_stage=_is_at_this_stage(effect, invoice, policy),
    )


def _goes_by_mail_too(effect: Effect, case: Case, policies: Policies) -> bool:
    """Whether a text message may point to a mail: its own step sends one to this customer."""
    steps = [step for one in effect.invoices for step in policies.named(case.invoices[one].policy).steps if step.id == effect.step]
    return any("email" in channels_of(step, case.profile.reach) for step in steps)


def _is_at_this_stage(effect: Effect, invoice: Invoice, policy: Policy) -> bool:
    """Whether the row's own step has the template that the message has from its highest one."""
    own = {step_in(row) for row in rows_of(effect.key) if row.split(":", 2)[2:] == [invoice.id]}
    step = next((step for step in policy.steps if step.id in own), None)
    if step is None or effect.channel not in (Channel.EMAIL, Channel.SMS):
        return True
    return effect.template == (step.email if effect.channel is Channel.EMAIL else step.sms)
