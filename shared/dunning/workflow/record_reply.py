"""A customer's answer is matched to its case, which waits; the team reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from dunning.domain.case import Case
from dunning.domain.decision import NOTIFIED_TEAM
from dunning.domain.errors import DunningError, Unreadable
from dunning.domain.opting_out import opted_in, opted_out
from dunning.domain.recording import Recorded
from dunning.domain.replying import Inbound, in_words, tokens_in, with_reply
from dunning.domain.sms_keywords import SmsWish, wish_in
from dunning.workflow.ports import CaseStore, Correspondents, Envelope, TeamChannel
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.unforeseen import foreseen

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RecordReply:
    """The use case behind the function inbound_reply. The same message twice changes nothing where its case is known.

    Raises Retryable, and Unreadable when its case cannot be read: it must come again, until a person has put the row right.
    """

    store: CaseStore
    correspondents: Correspondents
    record: RecordSnapshot
    team: TeamChannel

    def __call__(self, message: Inbound) -> str:
        """Answers what was done, for the log: no address, no text."""
        if message.automatic:
            return f"no person's: {message.automatic}"
        customers = self._customers(message)
        if not customers:
            envelope = Envelope("notice", "", (), None, "", f"reply:{message.id}")
            self.team.send(NOTIFIED_TEAM, "An answer that belongs to no known customer", in_words(message), envelope)
            return "of no known customer: the team was told"

        wish = wish_in(message.text) if message.channel == "sms" else None
        if wish:
            return self._wished_by_all(customers, wish)

        def change(case: Case, now: datetime) -> Recorded:
            policies = self.record.policies
            return Recorded(*with_reply(case, message, lambda invoice: policies.named(invoice.policy), now, self.record.actor))

        return self.record.change(self._most_recently_reminded(customers), change)

    def _wished_by_all(self, customers: Iterable[str], wish: SmsWish) -> str:
        """Whoever holds the telephone means every text to it, whichever customer's it is; what fails over one of them is raised last."""
        outcomes, failure = [], None
        for customer in customers:
            try:
                outcomes.append(foreseen(partial(self._wished, customer, wish)))
            except DunningError as exc:
                failure = exc
        if failure:
            raise failure
        return "; ".join(outcomes)

    def _wished(self, customer: str, wish: SmsWish) -> str:
        def change(case: Case, now: datetime) -> Recorded:
            if wish is SmsWish.STOP:
                return Recorded(*opted_out(case, "sms", "answered STOP", now, self.record.actor))
            return Recorded(*opted_in(case, "sms", "answered START", now, self.record.actor))

        return self.record.change(customer, change)

    def _customers(self, message: Inbound) -> tuple[str, ...]:
        """By the address it was sent to, which names one customer; else by who sent it."""
        named = [customer for token in tokens_in(message.addressed) for customer in self.correspondents.customers_of("reply", token)]
        return tuple(named) or self.correspondents.customers_of(message.channel, message.sender)

    def _most_recently_reminded(self, customers: Iterable[str]) -> str:
        """Several customers may share an address: most probably the last reminder is what is answered.

        A case that cannot be read is parked, or will be: one that can is meant, if there is any.
        """
        found: list[Case] = []
        unread = None
        for customer in customers:
            try:
                found.append(self.store.load(customer))
            except Unreadable as exc:
                unread = exc
        if unread and not found:
            raise unread
        return max(found, key=lambda case: max(case.profile.reminded_at, default=_NEVER)).profile.customer
