"""What every source of invoices must do, whatever it speaks. A provider's test module plays the provider and inherits the suite."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pytest

from dunning.domain.errors import Permanent, Retryable, Unauthorised
from dunning.domain.invoice import Snapshot, Status
from dunning.workflow.ports import InvoiceSource

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ANNA, BEN = "anna", "ben"


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice as a test puts it into the played provider. Amounts are minor units."""

    id: str
    customer: str = ANNA
    amount_due: int = 100_00
    total: int = 120_00
    currency: str = "EUR"
    due: date = date(2026, 3, 31)
    status: Status = Status.OPEN


class Clock:
    """Stands at an instant until moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Now, in UTC."""
        return self.now


class PlayedProvider(Protocol):
    """A provider that a test plays, and the source under test that reads it."""

    clock: Clock
    page_size: int
    account: str | None

    @property
    def source(self) -> InvoiceSource:
        """The source under test."""
        ...

    def customer_id(self, customer: str) -> str:
        """The full id of a customer of the test's."""
        ...

    def has_customer(self, customer: str, *, name: str, email: str) -> None:
        """Let the provider know a customer."""
        ...

    def has_invoice(self, owed: Owed) -> None:
        """Let the provider hold an invoice, in place of one with the same id."""
        ...


class PlayedRemoteProvider(PlayedProvider, Protocol):
    """A played provider behind HTTP, which can fail like one."""

    def requests(self) -> int:
        """How many requests came."""
        ...

    def answers(self, status: int, error: Mapping[str, object] | None = None) -> None:
        """From now on, answer every request like this; without an error, with a page that is no JSON."""
        ...

    def hangs_up(self) -> None:
        """From now on, close every connection without an answer."""
        ...

    def falls_silent(self) -> None:
        """From now on, take requests and never answer."""
        ...

    def takes(self, duration: timedelta) -> None:
        """From now on, let our clock move this far while a request is answered."""
        ...


class SourceContract:
    """Reading."""

    def test_an_invoice_is_read_as_it_is_now(self, provider: PlayedProvider) -> None:
        provider.has_customer(ANNA, name="Anna", email="anna@example.com")
        provider.has_invoice(Owed("one"))
        found = provider.source.fetch("one", provider.account)
        assert found is not None
        assert (found.source, found.customer, found.invoice_id) == (provider.source.name, provider.customer_id(ANNA), "one")
        assert (found.status, found.amount_due, found.total, found.currency) == (Status.OPEN, 100_00, 120_00, "EUR")
        assert due_date(found) == date(2026, 3, 31)
        assert found.stamp == NOW

    @pytest.mark.parametrize("status", [Status.PAID, Status.VOID])
    def test_an_invoice_that_is_settled_says_so(self, provider: PlayedProvider, status: Status) -> None:
        provider.has_invoice(Owed("one", amount_due=0, status=status))
        found = provider.source.fetch("one", provider.account)
        assert found is not None
        assert (found.status, found.amount_due) == (status, 0)

    def test_an_unknown_invoice_is_none(self, provider: PlayedProvider) -> None:
        assert provider.source.fetch("never-heard-of", provider.account) is None

    def test_a_customers_contact_is_read_as_it_is_now(self, provider: PlayedProvider) -> None:
        provider.has_customer(ANNA, name="Anna", email="anna@example.com")
        contact = provider.source.fetch_contact(provider.customer_id(ANNA))
        assert contact is not None
        assert (contact.name, contact.email) == ("Anna", "anna@example.com")

    def test_an_unknown_customer_has_no_contact(self, provider: PlayedProvider) -> None:
        assert provider.source.fetch_contact(provider.customer_id("never-heard-of")) is None

    def test_the_open_invoices_of_a_customer_are_theirs_and_open(self, provider: PlayedProvider) -> None:
        provider.has_invoice(Owed("open"))
        provider.has_invoice(Owed("paid", amount_due=0, status=Status.PAID))
        provider.has_invoice(Owed("of-ben", customer=BEN))
        assert ids(provider.source.open_invoices_of(provider.customer_id(ANNA))) == ["open"]

    def test_a_customer_who_owes_nothing_has_no_open_invoices(self, provider: PlayedProvider) -> None:
        provider.has_invoice(Owed("of-ben", customer=BEN))
        assert provider.source.open_invoices_of(provider.customer_id(ANNA)) == ()

    def test_a_customer_with_more_invoices_than_a_page_is_read_to_the_end(self, provider: PlayedProvider) -> None:
        owed = [f"i{number:04}" for number in range(provider.page_size + 1)]
        for invoice_id in owed:
            provider.has_invoice(Owed(invoice_id))
        assert sorted(ids(provider.source.open_invoices_of(provider.customer_id(ANNA)))) == owed

    def test_pages_hold_every_open_invoice_once(self, provider: PlayedProvider) -> None:
        owed = [f"i{number:04}" for number in range(2 * provider.page_size + 1)]
        for invoice_id in owed:
            provider.has_invoice(Owed(invoice_id, customer=BEN if invoice_id.endswith("7") else ANNA))
        provider.has_invoice(Owed("paid", amount_due=0, status=Status.PAID))
        seen, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = provider.source.open_page(cursor, provider.account)
            seen += ids(page.snapshots)
            cursor, pages = page.cursor, pages + 1
        assert sorted(seen) == owed
        assert pages == 3

    def test_a_provider_that_is_owed_nothing_has_one_empty_page(self, provider: PlayedProvider) -> None:
        page = provider.source.open_page(None, provider.account)
        assert (page.snapshots, page.cursor, page.unreadable) == ((), None, ())

    def test_an_invoice_paid_between_two_pages_loses_no_other(self, provider: PlayedProvider) -> None:
        owed = [f"i{number:04}" for number in range(provider.page_size + 1)]
        for invoice_id in owed:
            provider.has_invoice(Owed(invoice_id))
        first = provider.source.open_page(None, provider.account)
        provider.has_invoice(Owed(first.snapshots[-1].invoice_id, amount_due=0, status=Status.PAID))
        second = provider.source.open_page(first.cursor, provider.account)
        assert sorted([*ids(first.snapshots), *ids(second.snapshots)]) == owed


class RemoteSourceContract(SourceContract):
    """Reading over a network that fails."""

    def test_a_fetch_is_stamped_with_the_instant_it_was_asked(self, provider: PlayedRemoteProvider) -> None:
        provider.has_invoice(Owed("one"))
        provider.takes(timedelta(seconds=9))
        found = provider.source.fetch("one", provider.account)
        assert found is not None
        assert found.stamp == NOW
        assert provider.clock() >= NOW + timedelta(seconds=9)

    def test_pages_are_stamped_with_the_instant_they_were_asked(self, provider: PlayedRemoteProvider) -> None:
        provider.has_invoice(Owed("one"))
        provider.takes(timedelta(seconds=9))
        assert [snapshot.stamp for snapshot in provider.source.open_page(None, provider.account).snapshots] == [NOW]

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    def test_an_outage_or_a_limit_is_worth_another_attempt(self, provider: PlayedRemoteProvider, status: int) -> None:
        provider.answers(status, {"message": "not now"})
        with pytest.raises(Retryable):
            provider.source.fetch("one", provider.account)

    def test_a_page_of_a_proxy_in_between_is_worth_another_attempt(self, provider: PlayedRemoteProvider) -> None:
        provider.answers(404)
        with pytest.raises(Retryable):
            provider.source.fetch("one", provider.account)

    def test_a_wrong_address_does_not_make_an_invoice_vanish(self, provider: PlayedRemoteProvider) -> None:
        provider.answers(404, {"message": "nothing is served here"})
        with pytest.raises(Retryable):
            provider.source.fetch("one", provider.account)

    def test_a_connection_that_breaks_is_worth_another_attempt(self, provider: PlayedRemoteProvider) -> None:
        provider.hangs_up()
        with pytest.raises(Retryable):
            provider.source.open_page(None, provider.account)

    def test_silence_is_not_waited_for_long(self, provider: PlayedRemoteProvider) -> None:
        provider.falls_silent()
        with pytest.raises(Retryable):
            provider.source.open_invoices_of(provider.customer_id(ANNA))

    def test_an_invoice_that_cannot_be_read_keeps_no_neighbour_from_its_reminder_and_says_so_itself(
        self, provider: PlayedRemoteProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        provider.has_invoice(Owed("one"))
        provider.has_invoice(Owed("absurd", amount_due=10**18))
        assert ids(provider.source.open_invoices_of(provider.customer_id(ANNA))) == ["one"]
        assert [record.getMessage() for record in caplog.records] == [
            "invoice absurd cannot be read and is left out of its customer's list"
        ]
        with pytest.raises(Permanent, match="absurd"):
            provider.source.fetch("absurd", provider.account)

    def test_a_call_is_one_attempt(self, provider: PlayedRemoteProvider) -> None:
        provider.answers(503, {"message": "not now"})
        with pytest.raises(Retryable):
            provider.source.fetch("one", provider.account)
        assert provider.requests() == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials_lose_nothing_and_can_be_told_apart(self, provider: PlayedRemoteProvider, status: int) -> None:
        provider.answers(status, {"message": "who are you?"})
        with pytest.raises(Unauthorised):
            provider.source.fetch("one", provider.account)

    def test_a_request_that_the_provider_will_never_answer_is_permanent(self, provider: PlayedRemoteProvider) -> None:
        provider.answers(400, {"message": "no such parameter"})
        with pytest.raises(Permanent):
            provider.source.open_page(None, provider.account)


def ids(snapshots: tuple[Snapshot, ...]) -> list[str]:
    """The bare ids, in order."""
    return [snapshot.invoice_id for snapshot in snapshots]


def due_date(snapshot: Snapshot) -> date | None:
    """The calendar date, where the provider gives an instant of the middle of the day."""
    return snapshot.due.date() if isinstance(snapshot.due, datetime) else snapshot.due
