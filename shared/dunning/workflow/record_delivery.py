"""What a report on a mail changes: `sent` marks the effect; of a mail that cannot arrive the team is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.bouncing import MOST_SENT_AGAIN, goes_on, has_a_way, is_reached_by, sent_again, with_bounced_mail, with_dead_addresses
from dunning.domain.bounds import with_notice
from dunning.domain.case import Case, EffectState, Notice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Invoice
from dunning.domain.opting_out import opted_out
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorded
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.ports import CaseStore
from dunning.workflow.record_snapshot import RecordSnapshot

_ACTOR = "delivery_feedback"
_UNDELIVERED = {
    DeliveryKind.BOUNCED: "the mail bounced: the address does not exist or refuses us",
    DeliveryKind.COMPLAINED: "the reader marked the mail as spam",
    DeliveryKind.REJECTED: "SES refused the mail after taking it",
}

_MAILS_REMEMBERED = 20
_AT_ONCE = 40
"""Invoices written in one transaction, of which DynamoDB takes 100 items."""


@dataclass(frozen=True, slots=True)
class RecordDelivery:
    """The use case behind the function delivery_feedback. The same report twice, or late, changes nothing. Raises Retryable."""

    store: CaseStore
    record: RecordSnapshot

    def __call__(self, news: DeliveryNews) -> str:
        """Answers what was done, for the log."""
        if news.kind is DeliveryKind.SENT:
            return "marked" if self._went_out(news) else "settled before"
        if news.kind in (DeliveryKind.OPENED, DeliveryKind.CLICKED):
            return self._looked_at(news)
        reason = _UNDELIVERED.get(news.kind)
        if news.kind in (DeliveryKind.BOUNCED, DeliveryKind.COMPLAINED):
            # Where SES's word that it was sent comes later, or never, this says so, too: that mail must not go out anew.
            self._went_out(news)
        if reason is None:
            return "nothing to do"
        change = self._undelivered(news, reason)
        outcome = self.record.change(news.customer, change)
        for _ in range(len(news.invoices) // MOST_SENT_AGAIN):
            self.record.change(news.customer, change)  # in parts, of which the last says so; nothing where it was done at once
        return outcome

    def _went_out(self, news: DeliveryNews) -> bool:
        return self.store.mark_effect(news.customer, news.claim, news.effect, EffectState.DONE, news.mailed_at)

    def _looked_at(self, news: DeliveryNews) -> str:
        """Each mail counts once, however often it is opened. Some programs open every mail: it says little, so nothing follows from it."""
        for start in range(0, len(news.invoices), _AT_ONCE):
            self.record.change(news.customer, _counted(news, news.invoices[start : start + _AT_ONCE]))
        return "counted" if news.invoices else "nothing to do"

    def _undelivered(self, news: DeliveryNews, reason: str) -> Callable[[Case, datetime], Recorded]:
        def change(case: Case, now: datetime) -> Recorded:
            is_held = HoldKind.UNDELIVERABLE in case.profile.holds
            if case.profile.version == 0:
                return Recorded(case)
            if news.kind is DeliveryKind.COMPLAINED:
                return self._complained(case, news, reason, now)
            if news.kind is DeliveryKind.BOUNCED and news.addresses:
                return self._bounced(case, news, reason, now)
            if is_held or news.message_id in case.profile.bounced_mails:
                return Recorded(case)
            return self._held(with_bounced_mail(case, news.message_id), news, reason, now)

        return change

    def _bounced(self, case: Case, news: DeliveryNews, reason: str, now: datetime) -> Recorded:
        """The address is dead. Another contact of the customer's, or SMS, stands in for it; without any the case is held.

        Each mail counts by itself, also where its address was known to be dead by the time its report came. Of an address that is
        used no more nobody need be told, but the step goes once more to the one that took its place. While the case is held for
        another mail, the team knows, and what is to be sent again waits.
        """
        is_used = is_reached_by(case, news.effect, news.addresses, self._policy_of)
        dead = with_dead_addresses(case, news.addresses) if is_used else case
        if dead is case and news.message_id in case.profile.bounced_mails:
            return Recorded(case)
        again = sent_again(dead, news.effect, news.addresses, self._policy_of, now, news.mailed_to)
        if again.is_part:  # remembered with the last part: should we die before it, the same report does the rest
            return Recorded(again.case)
        marked = with_bounced_mail(again.case, news.message_id)
        said = f"{reason}; {again.outcome}"
        if not is_used or HoldKind.UNDELIVERABLE in case.profile.holds or (dead is case and not again.invoices):
            return Recorded(marked, (_logged(case, news, said, now),))
        if not again.invoices and not goes_on(marked, news.effect, self._policy_of):
            return self._held(marked, news, reason, now)
        return self._told(marked, news, said, now)

    def _policy_of(self, invoice: Invoice) -> Policy:
        return self.record.policies.named(invoice.policy)

    def _complained(self, case: Case, news: DeliveryNews, reason: str, now: datetime) -> Recorded:
        """No mail any more to this customer: complaints cost the sender's good name. The plan goes on by SMS, if there is a number."""
        after, logged = opted_out(case, "email", reason, now, _ACTOR)
        if after is case:
            return Recorded(case)
        is_reached = has_a_way(after) or HoldKind.UNDELIVERABLE in after.profile.holds
        told = self._told(after, news, reason, now) if is_reached else self._held(after, news, reason, now)
        return Recorded(told.case, (*logged, *told.activities))

    def _held(self, case: Case, news: DeliveryNews, reason: str, now: datetime) -> Recorded:
        told = self._told(case, news, reason, now)
        profile = told.case.profile
        held = replace(profile, holds={**profile.holds, HoldKind.UNDELIVERABLE: Hold(now, reason=reason)})
        logged = Activity(now, ActivityType.HELD, f"undeliverable: {reason}", _known(case, news), news.step, _ACTOR)
        return Recorded(told.case.with_profile(held), (*told.activities, logged))

    def _told(self, case: Case, news: DeliveryNews, reason: str, now: datetime) -> Recorded:
        invoices = _known(case, news)
        profile = with_notice(case.profile, f"undelivered:{news.message_id}", Notice(reason, now, invoices))
        return Recorded(case.with_profile(profile), (_logged(case, news, reason, now),))


def _logged(case: Case, news: DeliveryNews, reason: str, now: datetime) -> Activity:
    return Activity(now, ActivityType.UNDELIVERED, reason, _known(case, news), news.step, _ACTOR, "email", news.claim)


def _known(case: Case, news: DeliveryNews) -> tuple[str, ...]:
    return tuple(found for found in news.invoices if found in case.invoices)


def _counted(news: DeliveryNews, names: Sequence[str]) -> Callable[[Case, datetime], Recorded]:
    kind = ActivityType.OPENED if news.kind is DeliveryKind.OPENED else ActivityType.CLICKED

    def change(case: Case, now: datetime) -> Recorded:
        changed = []
        for name in names:
            invoice = case.invoices.get(name)
            if invoice is None:
                continue
            seen = invoice.opened_mails if kind is ActivityType.OPENED else invoice.clicked_mails
            if news.message_id in seen:
                continue
            mails = (*seen, news.message_id)[-_MAILS_REMEMBERED:]
            case = case.with_invoice(
                replace(invoice, opened_mails=mails, opened_at=now)
                if kind is ActivityType.OPENED
                else replace(invoice, clicked_mails=mails)
            )
            changed.append(name)
        if not changed:
            return Recorded(case)
        logged = Activity(now, kind, None, tuple(changed), news.step, "delivery_feedback", "email", news.claim)
        return Recorded(case, (logged,))

    return change
