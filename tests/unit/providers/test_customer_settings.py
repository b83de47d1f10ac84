"""What a company writes into a provider's record of a customer for us."""

from datetime import UTC, datetime

import pytest

from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.invoice import Contact
from dunning.providers import quickbooks_objects, stripe_objects, xero_objects
from dunning.providers.customer_settings import lines_in, settings_in

_NOW = datetime(2026, 3, 2, tzinfo=UTC)
MARKED = CustomerSettings(do_not_chase=True)


@pytest.mark.parametrize("written", ["do_not_chase", "Do not chase", "do-not-chase", " DO_NOT_CHASE "])
def test_a_customer_is_marked_however_the_words_are_joined(written: str) -> None:
    assert settings_in({"dunning": written}) == MARKED


@pytest.mark.parametrize("values", [{}, {"dunning": "chase"}, {"prefers": "sms"}, {"dunning_prefers": "fax"}, {"dunning_owner": "Jane"}])
def test_what_is_not_understood_is_left_aside(values: dict[str, str]) -> None:
    assert settings_in(values) == CustomerSettings()


def test_owner_preference_and_people_are_read() -> None:
    found = settings_in(
        {
            "dunning_owner": "Jane Doe <jane@larkfield.example>",
            "dunning_prefers": "SMS",
            "dunning_contact_billing": "billing@acme.example",
            "dunning_contact_manager": "José Ñandú <boss@acme.example>",
        }
    )
    assert found == CustomerSettings(
        prefers="sms",
        owner="jane@larkfield.example",
        owner_name="Jane Doe",
        people=(Person("billing", "billing@acme.example"), Person("manager", "boss@acme.example", "José Ñandú")),
    )


def test_stripe_says_it_in_the_customers_metadata() -> None:
    customer = {"id": "cus_1", "metadata": {"dunning": "do_not_chase", "other": 7}}
    assert stripe_objects.contact_of(customer).settings == MARKED


def test_a_deleted_stripe_customer_says_nothing_about_itself() -> None:
    invoice = {
        "id": "in_1", "customer": {"id": "cus_1", "deleted": True}, "status": "open", "currency": "eur", "amount_remaining": 1, "total": 1,
    }  # fmt: skip
    snapshot = stripe_objects.snapshot_of(invoice, _NOW)
    assert snapshot is not None
    assert snapshot.contact == Contact()


def test_quickbooks_says_it_in_a_line_of_the_customers_notes() -> None:
    customer = {"Id": "7", "DisplayName": "Acme", "Notes": "Met at the fair.\nDunning: do not chase\ndunning_prefers = sms"}
    contact = quickbooks_objects.contact_of(customer)
    assert contact is not None
    assert contact.settings == CustomerSettings(do_not_chase=True, prefers="sms")


def test_xero_says_it_by_contact_groups_and_includes_its_own_people() -> None:
    contact = xero_objects.contact_of(
        {
            "ContactID": "c1",
            "Name": "Acme",
            "Phones": [{"PhoneType": "DEFAULT"}],
            "ContactGroups": [{"Name": "dunning: do not chase"}, {"Name": "Wholesale"}],
            "ContactPersons": [
                {"FirstName": "Ana", "LastName": "Ruiz", "EmailAddress": "ana@acme.example", "IncludeInEmails": True},
                {"FirstName": "Bo", "LastName": "Li", "EmailAddress": "bo@acme.example", "IncludeInEmails": True},
                {"FirstName": "No", "LastName": "Mail", "EmailAddress": "no@acme.example", "IncludeInEmails": False},
            ],
        }
    )
    assert contact is not None
    assert contact.settings == CustomerSettings(
        do_not_chase=True, people=(Person("billing", "ana@acme.example", "Ana Ruiz"), Person("billing", "bo@acme.example", "Bo Li"))
    )


def test_the_short_form_of_a_xero_contact_says_nothing_of_settings() -> None:
    contact = xero_objects.contact_of({"ContactID": "c1", "Name": "Acme"})
    assert contact is not None
    assert contact.settings is None


def test_the_first_line_of_a_name_counts() -> None:
    assert lines_in(["dunning: do_not_chase\ndunning: chase", "dunning_prefers: sms"]) == {
        "dunning": "do_not_chase",
        "dunning_prefers": "sms",
    }
