"""Carrying out what was decided, effect by effect, each at most as often as its channel's guarantee allows (DESIGN §6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from dunning.domain.calendar import local_date
from dunning.domain.case import Case, Claim, EffectState
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE
from dunning.domain.decision import days_overdue
from dunning.domain.effects import Channel, Effect, marks_by_row, rows_of, state_of
from dunning.domain.errors import AlreadyClaimed, OutcomeUnknown, Permanent, Refused
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice
from dunning.domain.settlement import Done
from dunning.domain.timing import customer_zone
from dunning.domain.works import Work
from dunning.workflow.ports import (
    CaseStore,
    Clock,
    EmailChannel,
    Envelope,
    MessageContent,
    MessageInvoice,
    Policies,
    Renderer,
    SmsChannel,
    TeamChannel,
)

SAFETY = timedelta(seconds=60)
"""Nothing is sent when less than this is left of the claim: another worker may already be near."""


class Ending(StrEnum):
    """How a run of effects ended."""

    COMPLETE = "complete"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """The finished works, the state of every effect touched (by row), and how it ended; `failure` says why no retry will help."""

    done: tuple[Done, ...]
    effects: dict[str, EffectState]
    ending: Ending
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the effects of works in order, and stops at the first that is refused or stays without an answer."""

    store: CaseStore
    email: EmailChannel
    sms: SmsChannel
    team: TeamChannel
    renderer: Renderer
    policies: Policies
    clock: Clock

    def send(self, works: Sequence[Work], case: Case, claim: Claim, now: datetime) -> Progress:
        """Carry out the works under this claim, as far as it goes. Raises AlreadyClaimed when the claim is gone, Retryable."""
        effects = marks_by_row(claim.effects)
        sent_now: set[str] = set()
        done: list[Done] = []
        for work in works:
            notes: dict[str, str] = {}
            for effect in work.effects:
                if effect.key in sent_now:  # one message about several invoices
                    continue
                if self.clock() > claim.until - SAFETY:
                    return Progress(tuple(done), effects, Ending.REFUSED)
                try:
                    note = self._carry_out(effect, case, claim, effects, now)
                except Refused:
                    self._surely_not_sent(effect, case, claim, effects)
                    return Progress(tuple(done), effects, Ending.REFUSED)
                except OutcomeUnknown:
                    return Progress(tuple(done), effects, Ending.UNKNOWN)
                except Permanent as exc:
                    self._surely_not_sent(effect, case, claim, effects)
                    return Progress(tuple(done), effects, Ending.FAILED, f"{effect.key}: {exc}")
                if note:
                    notes[effect.key] = note
                else:
                    effects.update(dict.fromkeys(rows_of(effect.key), EffectState.DONE))
                    sent_now.add(effect.key)
            done.append(Done(work, notes))
        return Progress(tuple(done), effects, Ending.COMPLETE)

    def _carry_out(self, effect: Effect, case: Case, claim: Claim, effects: dict[str, EffectState], now: datetime) -> str | None:
        """Send one effect unless it is known to be done; answers what is worth noting."""
        state = state_of(effect, effects)
        if state is EffectState.DONE:
            return f"{effect.channel.value} had already gone out"
        envelope = Envelope(effect.kind, case.profile.customer, effect.invoices, effect.step, claim.origin, effect.key)
        content = self._content(effect, case, now)
        match effect.channel:
            case Channel.EMAIL:
                self.email.send([effect.to], self.renderer.email(effect.template, content), envelope)
            case Channel.TEAM:
                subject, text = self.renderer.team(effect.template, content)
                self.team.send(effect.to, subject, text, envelope)
            case Channel.SMS:
                if state is EffectState.STARTED:
                    return "sms may have gone out before; it is not repeated"
                text = self.renderer.sms(effect.template, content)
                # SNS reports no outcome that could be asked for: the mark before makes it at most once.
                if not self.store.mark_effect(case.profile.customer, claim.origin, effect.key, EffectState.STARTED):
                    raise AlreadyClaimed(f"case {case.profile.customer}: claim {claim.id} is no longer held")
                effects.update(dict.fromkeys(rows_of(effect.key), EffectState.STARTED))
                self.sms.send(effect.to, text, envelope)
        return None

    def _surely_not_sent(self, effect: Effect, case: Case, claim: Claim, effects: dict[str, EffectState]) -> None:
        if state_of(effect, effects) is EffectState.STARTED:
            self.store.mark_effect(case.profile.customer, claim.origin, effect.key, EffectState.REFUSED)
        effects.update(dict.fromkeys(rows_of(effect.key), EffectState.REFUSED))

    def _content(self, effect: Effect, case: Case, now: datetime) -> MessageContent:
        contact = case.profile.contact
        rows = tuple(self._row(case, case.invoices[invoice_id], now) for invoice_id in effect.invoices)
        others: tuple[MessageInvoice, ...] = ()
        answered = None
        if effect.channel is Channel.TEAM:
            open_too = [invoice for invoice in case.invoices.values() if invoice.is_open and invoice.id not in effect.invoices]
            oldest_first = sorted(open_too, key=lambda invoice: (invoice.due_date or date.max, invoice.id))
            others = tuple(self._row(case, invoice, now) for invoice in oldest_first[:MOST_IN_ONE_MESSAGE])
            answered = case.profile.holds.get(HoldKind.REPLY)
        return MessageContent(
            customer=case.profile.customer,
            customer_name=contact.name,
            locale=contact.locale,
            invoices=rows,
            step=effect.step,
            reason=effect.reason,
            others=others,
            answered_on=answered.since.date() if answered else None,
        )

    def _row(self, case: Case, invoice: Invoice, now: datetime) -> MessageInvoice:
        contact, policy = case.profile.contact, self.policies.named(invoice.policy)
        zone = customer_zone(contact, policy)
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
        )
