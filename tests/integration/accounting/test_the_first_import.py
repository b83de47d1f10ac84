"""A whole book is imported by the daily sweep within the provider's limits: in virtual time, and with no call refused."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.request_meter import Allowance
from dunning.providers import quickbooks, xero
from dunning.workflow.daily_sweep import DailySweep
from dunning.workflow.disconnections import Reconnections
from dunning.workflow.record_snapshot import RecordSnapshot
from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero
from tests.contract.providers.source_contract import Owed
from tests.fakes.case_store import MemoryCaseStore, MemoryOpenIndex, MemorySweepNotes
from tests.fakes.channels import FakeTeam
from tests.fakes.connections import MemoryConnections
from tests.fakes.deployment import standard_policies
from tests.fakes.queues import MemorySweepQueue, MemorySyncBatches, MemorySyncQueue, MemoryWakeups

INVOICES, CUSTOMERS = 1000, 400
Played = PlayedQuickBooks | PlayedXero


class Importing:
    """A sweep of one provider's book, which moves the clock only where it has to wait."""

    def __init__(self, played: Played) -> None:
        self.played = played
        self.store, self.queue, self.batches = MemoryCaseStore(), MemorySweepQueue(), MemorySyncBatches()
        sync = MemorySyncQueue()
        record = RecordSnapshot(self.store, standard_policies(), sync, MemoryWakeups(played.clock), played.clock, "test")
        sources = {played.source.name: played.source}
        index = MemoryOpenIndex(self.store, 500)
        mended = Reconnections(MemoryConnections(), record, FakeTeam(), "collections")
        self.sweep = DailySweep(sources, record, MemorySweepNotes(), index, sync, self.queue, sources, self.batches, mended)

    def run(self) -> timedelta:
        """All of it; how long it took."""
        began = self.played.clock.now
        self.sweep.start(began)
        while self.queue.stages:
            for stage in self.queue.receive():
                if self.sweep.page(stage).waits:
                    self.played.clock.now += timedelta(seconds=self.queue.delays[-1])
        return self.played.clock.now - began


@pytest.fixture(params=[(PlayedQuickBooks, quickbooks.ALLOWANCE), (PlayedXero, xero.ALLOWANCE)], ids=["quickbooks", "xero"])
def played(request: pytest.FixtureRequest) -> Iterator[Played]:
    kind: type[Played]
    allowance: Allowance
    kind, allowance = request.param
    provider = kind(allowance)
    with provider.running():
        for number in range(CUSTOMERS):
            provider.has_customer(f"c{number}", name=f"C{number}", email=f"c{number}@example.com")
        for number in range(INVOICES):
            provider.has_invoice(Owed(f"i{number:04}", customer=f"c{number % CUSTOMERS}"))
        yield provider


def test_a_thousand_invoices_are_imported_with_no_call_refused(played: Played) -> None:
    importing = Importing(played)
    took = importing.run()
    cases = [importing.store.load(customer) for customer in importing.store.customers()]
    assert (len(cases), sum(len(case.invoices) for case in cases)) == (CUSTOMERS, INVOICES)
    assert {case.profile.contact.email for case in cases} == {f"c{number}@example.com" for number in range(CUSTOMERS)}
    assert (played.refused, importing.batches.sent) == (0, [])
    assert played.requests() < 40
    assert took < timedelta(minutes=10)


def test_the_import_leaves_what_is_kept_for_the_last_check() -> None:
    provider = PlayedXero(xero.ALLOWANCE)
    with provider.running():
        for number in range(INVOICES):
            provider.has_invoice(Owed(f"i{number:04}"))
        provider.books.left_today(xero.KEPT_FOR_LAST_CHECKS + 3)
        importing = Importing(provider)
        importing.sweep.start(provider.clock())
        for _ in range(20):
            for stage in importing.queue.receive():
                importing.sweep.page(stage)
        assert provider.requests() == 3
        with pytest.raises(Retryable) as spared:
            provider.source.fetch("i0000", provider.account)
        assert spared.value.retry_at == provider.clock() + timedelta(hours=1)
        assert provider.asking_urgently().fetch("i0000", provider.account) is not None
