"""A local cloud without functions: it remembers what it was told, and answers what a test wants."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dunning.bootstrap import Platform
from dunning.config import PACKAGED_POLICIES
from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import Activity
from dunning.domain.case import Case, Profile
from dunning.domain.errors import Rejected, Unreadable
from infra.fee_answers import FeeAnswer
from infra.importing import ImportOptions, ImportReport
from infra.redrive import Redriven

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
Row = Mapping[str, object]


@dataclass(frozen=True)
class Answered:
    """An answer of the product."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass
class FakeCloud:
    """infra.local.http.cloud_port.Cloud. `told` is what it was told, in order."""

    now: datetime = START
    product: Answered = field(default_factory=lambda: Answered(200, b"", {}))
    told: list[tuple[object, ...]] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    slow: threading.Event | None = None

    def advance_to(self, instant: datetime) -> int:
        """Three invocations for every move."""
        self.now = instant
        return 3

    def settle(self) -> int:
        """Notes that it was asked to."""
        self.told.append(("settle",))
        return 0

    def request(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Notes the request; answers `product`."""
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        if self.slow:
            self.slow.wait(0.02)
        self.busy -= 1
        self.told.append((method, path, query, headers.get("stripe-signature"), body))
        return self.product

    def policies(self) -> PolicyBook:
        """The packaged ones."""
        return PolicyBook.load(PACKAGED_POLICIES, frozenset({"collections"}))

    def operate(self, act: Callable[[Platform], str]) -> str:
        """Notes that somebody acted; there is nothing to act on."""
        self.told.append(("operate", act))
        return "recorded"

    def put_policy(self, name: str, text: str) -> None:
        """Refuses any policy that speaks of `no_such`."""
        if "no_such" in text:
            raise Rejected(f"{name}.yaml, step first, email: no template 'no_such'")
        self.told.append(("policy", name, text))

    def answer_fee(self, answer: FeeAnswer) -> str:
        """Notes the answer."""
        self.told.append(("fee", answer))
        return "recorded"

    def add_fault(self, service: str, operation: str, mode: str, times: int) -> None:
        """Notes the fault, unless its mode is `nonsense`."""
        if mode == "nonsense":
            raise Rejected(f"fault mode {mode!r} is unknown")
        self.told.append(("fault", service, operation, mode, times))

    def events(self) -> Sequence[Row]:
        """None."""
        return []

    def import_invoices(self, raw: bytes, name: str, options: ImportOptions) -> ImportReport:
        """Every line is one that was paid."""
        self.told.append(("import", name, options))
        return ImportReport((), (), (), tuple(raw.decode().split()))

    def invoices_paid(self, numbers: Sequence[str]) -> ImportReport:
        """All of them."""
        return ImportReport((), (), (), tuple(numbers))

    def redrive(self, *, drop_unreadable: bool = False) -> Sequence[Redriven]:
        """One letter, released."""
        self.told.append(("redrive",))
        return [Redriven("RunDeadLetters", "refused", "recorded")]

    def act(self, customer: str, action: str, given: Mapping[str, object]) -> str:
        """Notes the action."""
        self.told.append((action, customer, given))
        return "recorded"

    def outbox(self) -> Sequence[Row]:
        """One row, with an instant."""
        return [{"channel": "email", "to": ["Pat@example.com"], "cc": [], "sent_at": START}]

    def dead_letters(self) -> Sequence[Row]:
        """Nothing."""
        return []

    def calls(self) -> Sequence[Row]:
        """One row."""
        return [{"function": "run_step", "service": "sesv2", "operation": "SendEmail", "count": 1}]

    def ses_event(self, to: str, event: str, bounce: str) -> None:
        """Notes the report."""
        self.told.append(("delivery", to, event, bounce))

    def inbound_email(self, raw: bytes) -> None:
        """Notes the mail."""
        self.told.append(("mail", raw))

    def inbound_sms(self, sender: str, body: str) -> None:
        """Notes the message."""
        self.told.append(("sms", sender, body))


@dataclass
class FakeCases:
    """infra.local.http.cloud_port.CaseLog."""

    cases: dict[str, Case] = field(default_factory=dict)
    log: list[Activity] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)

    def load(self, customer: str) -> Case:
        """The case, or an empty one."""
        if customer in self.unreadable:
            raise Unreadable(f"row INV#in_1 of {customer} cannot be read")
        return self.cases.get(customer, Case(Profile(customer)))

    def activities(self, customer: str) -> list[Activity]:
        """The log, of customers that have a case."""
        return self.log if customer in self.cases else []
