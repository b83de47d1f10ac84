"""A customer who was archived, or made inactive, is known to be gone by whatever tells of an invoice of theirs."""

from urllib.parse import parse_qs, urlsplit

import pytest

from dunning.providers.json_reading import child, items
from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero
from tests.contract.providers.source_contract import ANNA, BEN, Owed


def gone_at(played: PlayedQuickBooks | PlayedXero, *, how: str) -> None:
    """Anna owes one invoice, and is gone; Ben, who owes another, is there, so that both are read at once."""
    played.has_customer(BEN, name="Ben", email="ben@example.com")
    played.has_invoice(Owed("two", customer=BEN))
    played.has_invoice(Owed("one"))
    if isinstance(played, PlayedQuickBooks):
        played.books.put_customer(ANNA, {"DisplayName": "Anna", "Active": False, "PrimaryEmailAddr": {"Address": "anna@example.com"}})
    else:
        played.books.put_contact(ANNA, {"Name": "Anna", "ContactStatus": how, "EmailAddress": "anna@example.com"})


@pytest.mark.parametrize(("name", "how"), [("quickbooks", "inactive"), ("xero", "ARCHIVED"), ("xero", "GDPRREQUEST")])
def test_an_invoice_says_that_its_customer_is_gone_and_keeps_the_name(request: pytest.FixtureRequest, name: str, how: str) -> None:
    played: PlayedQuickBooks | PlayedXero = request.getfixturevalue(name)
    gone_at(played, how=how)
    listed, other = sorted(played.source.open_page(None, played.account).snapshots, key=lambda found: found.invoice_id)
    assert not other.customer_gone
    fetched = played.source.fetch("one", played.account)
    assert fetched is not None
    for found in (listed, fetched):
        assert (found.customer_gone, found.contact.email, found.contact.phone) == (True, None, None)
    assert name == "quickbooks" or {listed.contact.name, fetched.contact.name} == {"Anna"}


@pytest.mark.parametrize("name", ["quickbooks", "xero"])
def test_an_invoice_of_one_who_is_there_says_nothing_of_the_kind(request: pytest.FixtureRequest, name: str) -> None:
    played: PlayedQuickBooks | PlayedXero = request.getfixturevalue(name)
    played.has_customer(ANNA, name="Anna", email="anna@example.com")
    played.has_invoice(Owed("one"))
    (listed,) = played.source.open_page(None, played.account).snapshots
    assert (listed.customer_gone, listed.contact.email) == (False, "anna@example.com")


def test_a_quickbooks_customer_who_is_inactive_is_found_among_those_asked_for_and_one_that_is_none_is_not(
    quickbooks: PlayedQuickBooks,
) -> None:
    quickbooks.books.put_customer(ANNA, {"DisplayName": "Anna", "Active": False})
    quickbooks.has_invoice(Owed("one"))
    quickbooks.source.open_page(None, quickbooks.account)
    (asked,) = [path for path in quickbooks.asked if "from+Customer" in path]
    assert names_listed(quickbooks, asked) == ["Anna"]
    assert names_listed(quickbooks, asked.replace(ANNA, "nobody")) == []


def names_listed(quickbooks: PlayedQuickBooks, asked: str) -> list[object]:
    """What the company answers to this very request."""
    query = {name: values[-1] for name, values in parse_qs(urlsplit(asked).query).items()}
    answer = quickbooks.api.get(quickbooks.account or "", urlsplit(asked).path, query)
    return [row.get("DisplayName") for row in items(child(answer.json(), "QueryResponse") or {}, "Customer")]
