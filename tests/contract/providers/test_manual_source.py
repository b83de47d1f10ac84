"""Invoices from files are read like any provider's; their provider is our own table."""

from datetime import timedelta

import pytest

from dunning.domain.invoice import Contact, Snapshot
from dunning.providers.manual import ManualSource
from dunning.workflow.source_events import FetchKind
from tests.contract.providers.source_contract import Clock, Owed, PlayedProvider, SourceContract
from tests.fakes.case_store import MemoryOpenIndex
from tests.fakes.deployment import FakeDeployment


class PlayedFiles:
    """Files that were imported."""

    def __init__(self) -> None:
        self.world = FakeDeployment()
        self.clock = Clock()
        self.world.clock.now = self.clock.now
        self.page_size = 3
        self.account: str | None = None
        self.source = ManualSource(self.world.store, MemoryOpenIndex(self.world.store, self.page_size), self.clock)
        self._contacts: dict[str, Contact] = {}

    def customer_id(self, customer: str) -> str:
        """As `dunning import` makes it."""
        return f"manual:{customer}"

    def has_customer(self, customer: str, *, name: str, email: str) -> None:
        """A file names the contact beside an invoice."""
        self._contacts[customer] = Contact(name=name, email=email)
        self.has_invoice(Owed("first-of-" + customer, customer, amount_due=0))

    def has_invoice(self, owed: Owed) -> None:
        """A file has the invoice."""
        snapshot = Snapshot(
            source="manual",
            customer=self.customer_id(owed.customer),
            invoice_id=owed.id,
            number=owed.id,
            status=owed.status,
            currency=owed.currency,
            total=owed.total,
            amount_due=owed.amount_due,
            due=owed.due,
            issued_at=None,
            stamp=self.clock.now - timedelta(minutes=5),
            contact=self._contacts.get(owed.customer, Contact()),
        )
        self.world.record.invoice_as_fetched(snapshot.customer, owed.id, lambda: snapshot)


class TestManualSource(SourceContract):
    @pytest.fixture
    def provider(self) -> PlayedProvider:
        return PlayedFiles()


def test_files_know_of_nothing_but_invoices() -> None:
    source = PlayedFiles().source
    assert source.fetch_dispute("d") is None
    assert source.fetch_event("e") is None
    with pytest.raises(ValueError, match="there is no payment"):
        source.trace(FetchKind.PAYMENT, "p")
