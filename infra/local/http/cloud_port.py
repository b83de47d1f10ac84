"""What the HTTP interface needs of the local cloud."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dunning.bootstrap import Platform
from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import Activity
from dunning.domain.case import Case
from infra.fee_answers import FeeAnswer
from infra.importing import ImportOptions, ImportReport
from infra.redrive import Redriven


class ProductAnswer(Protocol):
    """What the product's API answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...


class Cloud(Protocol):
    """The local cloud, as its control interface drives it. Raises Rejected for what it cannot take."""

    @property
    def now(self) -> datetime:
        """Virtual time, UTC."""
        ...

    def advance_to(self, instant: datetime) -> int:
        """Move time and run all that falls due; how many invocations that took."""
        ...

    def settle(self) -> int:
        """Run what is due at this instant."""
        ...

    def request(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> ProductAnswer:
        """A request to the product's own API."""
        ...

    def policies(self) -> PolicyBook:
        """The policies as they are now."""
        ...

    def put_policy(self, name: str, text: str) -> None:
        """Replace a policy."""
        ...

    def add_fault(self, service: str, operation: str, mode: str, times: int) -> None:
        """Let the next calls of functions fail."""
        ...

    def outbox(self) -> Sequence[Mapping[str, object]]:
        """What SES and SNS accepted, oldest first."""
        ...

    def dead_letters(self) -> Sequence[Mapping[str, object]]:
        """What queues gave up on."""
        ...

    def events(self) -> Sequence[Mapping[str, object]]:
        """What was put on the event bus, oldest first."""
        ...

    def redrive(self, *, drop_unreadable: bool = False) -> Sequence[Redriven]:
        """Send back what queues gave up on; what cannot be read may be dropped."""
        ...

    def answer_fee(self, answer: FeeAnswer) -> str:
        """Accept or decline a proposed late fee; what became of it."""
        ...

    def import_invoices(self, raw: bytes, name: str, options: ImportOptions) -> ImportReport:
        """Take invoices from a CSV file."""
        ...

    def invoices_paid(self, numbers: Sequence[str]) -> ImportReport:
        """Record payments of imported invoices."""
        ...

    def act(self, customer: str, action: str, given: Mapping[str, object]) -> str:
        """What a person does to a case."""
        ...

    def operate(self, act: Callable[[Platform], str]) -> str:
        """Let a person's command act on the deployment."""
        ...

    def calls(self) -> Sequence[Mapping[str, object]]:
        """AWS calls of functions so far."""
        ...

    def ses_event(self, to: str, event: str, bounce: str) -> None:
        """SES reports on the last mail to an address."""
        ...

    def inbound_email(self, raw: bytes) -> None:
        """A customer's mail, as MIME."""
        ...

    def inbound_sms(self, sender: str, body: str) -> None:
        """A customer's text message."""
        ...


class CaseLog(Protocol):
    """Cases and their activities, read."""

    def load(self, customer: str) -> Case:
        """The case; an empty one when the customer is unknown."""
        ...

    def activities(self, customer: str) -> list[Activity]:
        """Its activities, oldest first."""
        ...
