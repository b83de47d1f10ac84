"""Customers who promise and answer, and our own people who dispute an invoice, deal with answers, and say what may go out."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from dunning.domain.errors import Rejected
from dunning.domain.replying import Inbound, reply_token
from dunning.workflow.answer_approval import AnswerApproval
from dunning.workflow.dispute_invoice import DisputeInvoice
from dunning.workflow.handle_reply import HandleReply
from dunning.workflow.ports import CaseStore, Correspondents, TeamChannel
from dunning.workflow.promise_to_pay import PromiseToPay
from dunning.workflow.record_reply import RecordReply
from dunning.workflow.record_snapshot import RecordSnapshot
from tests.simulation.cloud import MANY_ATTEMPTS, Cloud
from tests.simulation.faults import MESSAGE, Kind
from tests.simulation.plans import Happening, What

ASKS_AGAIN = 300.0


class People:
    """Each of them asks again until it is done, or is told that it cannot be done."""

    def __init__(self, cloud: Cloud, record: RecordSnapshot, store: CaseStore, correspondents: Correspondents, team: TeamChannel) -> None:
        self._cloud = cloud
        self._promise = PromiseToPay(record)
        self._dispute = DisputeInvoice(record)
        self._handle = HandleReply(record)
        self._answer = AnswerApproval(record)
        self._reply = RecordReply(store, correspondents, record, team)

    def act(self, happening: Happening) -> bool:
        """Let it happen, where it is theirs to do; whether it was."""
        customer, invoice = happening.customer, happening.invoice
        match happening.what:
            case What.PROMISED:
                until = self._cloud.true_time().date() + timedelta(days=happening.number)
                self._asks("customer_portal", customer, partial(self._promise, customer, invoice, until))
            case What.CONTESTED:
                self._asks("console", customer, partial(self._dispute.begin, customer, invoice, "the goods never came"))
            case What.SETTLED:
                self._asks("console", customer, partial(self._dispute.end, customer, invoice, "they did come"))
            case What.APPROVED | What.DECLINED as answer:
                self._asks("console", customer, partial(self._answer, customer, invoice or None, approved=answer is What.APPROVED))
            case What.HANDLED:
                self._asks("console", customer, partial(self._handle, customer, "called back"))
            case What.REPLIED:
                self._writes(customer, invoice)
            case _:
                return False
        return True

    def _asks(self, function: str, customer: str, act: Callable[[], object], attempt: int = 1) -> None:
        answered = self._cloud.invoke(function, partial(_or_is_told_why_not, act), customer, calm=attempt >= MANY_ATTEMPTS)
        if not answered:
            self._cloud.timeline.after(ASKS_AGAIN, partial(self._asks, function, customer, act, attempt + 1))

    def _writes(self, customer: str, invoice: str) -> None:
        """As SES and S3 deliver a mail: now and then twice."""
        address = f"replies+{reply_token(customer)}@example.com"
        message = Inbound(f"<{invoice}@example.com>", "email", "pat@example.com", "We pay next week.", addressed=(address,))
        fault = self._cloud.draw("ses.inbound", MESSAGE)
        late = fault.size % 240 if fault and fault.kind is Kind.DELAYED else 0
        for more in (0, fault.size) if fault and fault.kind is Kind.DOUBLED else (0,):
            record = partial(self._cloud.asynchronously, "inbound_reply", partial(self._reply, message))
            self._cloud.timeline.after(1 + late + more, record)


def _or_is_told_why_not(act: Callable[[], object]) -> None:
    try:
        act()
    except Rejected:
        return
