"""Whether a number that a customer's record does not name is known to be gone."""

import pytest

from dunning.domain.errors import NotPermitted
from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero
from tests.contract.providers.source_contract import ANNA


def test_a_quickbooks_number_that_was_removed_or_cannot_be_read_is_known_to_be_gone(quickbooks: PlayedQuickBooks) -> None:
    source, customer = quickbooks.source, quickbooks.customer_id(ANNA)
    for number in (None, {"FreeFormNumber": "555-1234"}):
        quickbooks.books.put_customer(ANNA, {"DisplayName": "Anna", "Mobile": number})
        found = source.fetch_contact(customer)
        assert found is not None
        assert (found.phone, found.of_record) == (None, frozenset({"email", "phone"}))
    quickbooks.has("1", {"Balance": 1, "TotalAmt": 1, "CustomerRef": {"value": ANNA}})
    beside = source.fetch("1", quickbooks.account)
    assert beside is not None
    assert beside.contact.of_record == frozenset()
    quickbooks.lacks(status=403, where=lambda path: "/customer/" in path)
    with pytest.raises(NotPermitted):
        source.fetch_contact(customer)


def test_a_xero_number_is_known_to_be_gone_where_the_contact_was_read_at_its_own_address(xero: PlayedXero) -> None:
    xero.has_customer(ANNA, name="Anna", email="anna@example.com")
    bare = xero.source.fetch_contact(xero.customer_id(ANNA))
    assert bare is not None
    assert bare.of_record == frozenset()
    xero.books.put_contact(ANNA, {"Name": "Anna", "EmailAddress": "anna@example.com", "Phones": []})
    alone = xero.source.fetch_contact(xero.customer_id(ANNA))
    xero.lacks(status=404, where=lambda path: f"/Contacts/{ANNA}" in path)
    listed = xero.source.fetch_contact(xero.customer_id(ANNA))
    assert alone is not None
    assert listed is not None
    assert (alone.phone, alone.of_record, listed.of_record) == (None, frozenset({"email", "phone"}), frozenset())
    xero.lacks(status=403, where=lambda path: "/Contacts" in path)
    with pytest.raises(NotPermitted):
        xero.source.fetch_contact(xero.customer_id(ANNA))
