"""What a report on a mail changes: `sent` marks the effect, a mail that cannot arrive holds the case and is told to the team."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.bounds import with_notice
from dunning.domain.case import Case, EffectState, Notice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.ports import CaseStore
from dunning.workflow.record_snapshot import RecordSnapshot

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
            marked = self.store.mark_effect(news.customer, news.claim, news.effect, EffectState.DONE)
            return "marked" if marked else "settled before"
        if news.kind in (DeliveryKind.OPENED, DeliveryKind.CLICKED):
            return self._looked_at(news)
        reason = _UNDELIVERED.get(news.kind)
        return self.record.change(news.customer, self._undelivered(news, reason)) if reason else "nothing to do"

    def _looked_at(self, news: DeliveryNews) -> str:
        """Each mail counts once, however often it is opened. Some programs open every mail: it says little, so nothing follows from it."""
        for start in range(0, len(news.invoices), _AT_ONCE):
            self.record.change(news.customer, _counted(news, news.invoices[start : start + _AT_ONCE]))
        return "counted" if news.invoices else "nothing to do"

    def _undelivered(self, news: DeliveryNews, reason: str) -> Callable[[Case, datetime], Recorded]:
        def change(case: Case, now: datetime) -> Recorded:
            profile = case.profile
            newer_address = profile.contact_stamp is not None and profile.contact_stamp > news.mailed_at
            if profile.version == 0 or HoldKind.UNDELIVERABLE in profile.holds or newer_address:
                return Recorded(case)
            invoices = tuple(found for found in news.invoices if found in case.invoices)
            told = with_notice(profile, f"undelivered:{news.message_id}", Notice(reason, now, invoices))
            held = replace(told, holds={**profile.holds, HoldKind.UNDELIVERABLE: Hold(now, reason=reason)})
            logged = (
                Activity(now, ActivityType.UNDELIVERED, reason, invoices, news.step, "delivery_feedback", "email", news.claim),
                Activity(now, ActivityType.HELD, f"undeliverable: {reason}", invoices, news.step, "delivery_feedback"),
            )
            return Recorded(case.with_profile(held), logged)

        return change


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
