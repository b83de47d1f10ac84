"""News that write a GUID in capitals, as Xero takes it, are of what is kept here in small letters."""

from dataclasses import replace

import pytest

from dunning.domain.errors import NotConnected
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.identifiers import spellings
from dunning.workflow.ports import SyncRequest
from dunning.workflow.source_events import FetchKind
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import snapshot

TENANT, CONTACT, INVOICE = (f"{letter * 8}-fe01-4b0d-9c11-0123456789ab" for letter in "abc")
CUSTOMER = f"xero:{TENANT}:{CONTACT}"


@pytest.fixture
def books(world: FakeDeployment) -> FakeDeployment:
    """A tenant whose one invoice is known here; another spelling of its name opens nothing."""
    world.xero.connected = (TENANT,)
    world.xero.failures[TENANT.upper()] = NotConnected("xero", TENANT.upper(), "not connected")
    owed = replace(snapshot(INVOICE, CUSTOMER), source="xero")
    world.xero.has(owed)
    world.record.invoice(owed)
    return world


def news(kind: FetchKind, bare_id: str, tenant: str = TENANT) -> SyncRequest:
    return SyncRequest("xero", kind.value, bare_id, account=tenant)


@pytest.mark.parametrize("tenant", [TENANT, TENANT.upper()])
@pytest.mark.parametrize("invoice", [INVOICE, INVOICE.upper()])
def test_an_invoice_that_was_deleted_is_closed(books: FakeDeployment, invoice: str, tenant: str) -> None:
    books.xero.invoices.clear()
    assert books.sync(news(FetchKind.INVOICE, invoice, tenant)) == "recorded"
    assert {name: one.status for name, one in books.case(CUSTOMER).invoices.items()} == {INVOICE: Status.DELETED}


@pytest.mark.parametrize("tenant", [TENANT, TENANT.upper()])
def test_a_contact_that_changed_is_taken(books: FakeDeployment, tenant: str) -> None:
    books.xero.contacts[CUSTOMER] = Contact(email="new@example.com")
    assert books.sync(news(FetchKind.CUSTOMER, CONTACT.upper(), tenant)) == "recorded"
    assert books.profile(CUSTOMER).contact.email == "new@example.com"


def test_what_was_kept_in_capitals_is_still_found_by_them(world: FakeDeployment) -> None:
    owed: Snapshot = replace(snapshot(INVOICE.upper(), f"xero:acme:{CONTACT.upper()}"), source="xero")
    world.record.invoice(owed)
    assert world.sync(news(FetchKind.INVOICE, INVOICE.upper(), "acme")) == "recorded"
    assert world.invoice(owed.customer, INVOICE.upper()).status is Status.DELETED


def test_a_tenant_that_nobody_connected_is_not_ours_however_it_is_written(books: FakeDeployment) -> None:
    other = TENANT.replace("a", "d")
    for name in (other, other.upper()):
        books.xero.failures[name] = NotConnected("xero", name, "not connected")
    assert books.sync(news(FetchKind.INVOICE, "1", other.upper())).startswith("not ours")
    assert books.team.sent == []


def test_only_guids_have_two_spellings() -> None:
    assert spellings(INVOICE.upper()) == (INVOICE.upper(), INVOICE)
    for only in (INVOICE, "in_1AbC", "145", "", INVOICE.upper() + "0", INVOICE.upper().replace("-", "")):
        assert spellings(only) == (only,)
