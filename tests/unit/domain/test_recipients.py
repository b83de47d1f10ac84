"""Who gets a step's message, and by which channel."""

from dataclasses import replace

import pytest

from dunning.domain.case import Profile
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.invoice import Contact
from dunning.domain.policy import Step
from dunning.domain.recipients import Recipients, recipients_of, templates_of
from tests.unit.domain.builders import ACME, FIRST, SECOND, utc

OWN = "ap@acme.example"
SETTINGS = CustomerSettings(
    owner="jane@larkfield.example",
    owner_name="Jane Doe",
    people=(
        Person("billing", "billing@acme.example", "Björn Ærø"),
        Person("billing", "second@acme.example"),
        Person("manager", "boss@acme.example"),
    ),
)
KNOWN = replace(ACME, settings=SETTINGS)
WITH_SMS_INSTEAD = replace(FIRST, sms_instead="friendly")
SINCE = utc("2026-03-01 09:00")


def mailed(contact: Contact, to: tuple[str, ...] = (), cc: tuple[str, ...] = (), sender: str | None = None) -> Recipients | None:
    return recipients_of(replace(FIRST, email_to=to, email_cc=cc, sender=sender), contact)


def test_a_step_that_names_nobody_goes_to_the_customers_own_address() -> None:
    assert mailed(KNOWN) == Recipients((OWN,))


def test_a_step_to_a_role_goes_to_all_who_have_it() -> None:
    assert mailed(KNOWN, to=("billing",)) == Recipients(("billing@acme.example", "second@acme.example"))


def test_a_role_that_nobody_has_falls_back_to_the_customers_own_address() -> None:
    assert mailed(KNOWN, to=("lawyer",)) == Recipients((OWN,))


def test_copies_go_to_the_owner_to_roles_and_to_addresses_but_never_twice_to_one() -> None:
    found = mailed(KNOWN, to=("manager",), cc=("owner", "billing", "manager", "cfo@larkfield.example", "BOSS@acme.example"), sender="owner")
    assert found == Recipients(
        ("boss@acme.example",),
        ("jane@larkfield.example", "billing@acme.example", "second@acme.example", "cfo@larkfield.example"),
        "Jane Doe",
    )


def test_without_an_owner_nobody_is_copied_and_the_company_signs() -> None:
    assert mailed(ACME, cc=("owner",), sender="owner") == Recipients((OWN,))


def test_without_any_address_there_is_nobody_to_write_to() -> None:
    assert mailed(replace(ACME, email=None)) is None


@pytest.mark.parametrize(
    ("prefers", "step", "expected"),
    [
        ("sms", SECOND, {"sms": "second_notice"}),
        ("email", SECOND, {"email": "second_notice"}),
        ("sms", WITH_SMS_INSTEAD, {"sms": "friendly"}),
        ("sms", FIRST, {"email": "friendly"}),
        (None, SECOND, {"email": "second_notice", "sms": "second_notice"}),
    ],
)
def test_a_customer_gets_a_step_by_the_preferred_channel_where_it_can_be_said_there(
    prefers: str | None, step: Step, expected: dict[str, str]
) -> None:
    assert templates_of(step, replace(ACME, settings=CustomerSettings(prefers=prefers))) == expected


def test_a_preference_for_sms_without_a_number_changes_nothing() -> None:
    assert templates_of(WITH_SMS_INSTEAD, replace(ACME, phone=None, settings=CustomerSettings(prefers="sms"))) == {"email": "friendly"}


def test_mail_that_is_not_wanted_goes_as_sms() -> None:
    reach = Profile("c", ACME, opted_out={"email": SINCE}).reach
    assert templates_of(WITH_SMS_INSTEAD, reach) == {"sms": "friendly"}
    assert templates_of(SECOND, reach) == {"sms": "second_notice"}


def test_a_customer_without_a_mail_address_does_not_get_an_sms_that_nobody_planned() -> None:
    assert templates_of(WITH_SMS_INSTEAD, replace(ACME, email=None)) == {}


def test_another_contact_stands_in_for_a_dead_address_whatever_its_case() -> None:
    reach = Profile("c", replace(KNOWN, email="AP@Acme.example"), dead_addresses=(OWN, "billing@acme.example")).reach
    assert reach.email == "second@acme.example"
    assert reach.closed == frozenset()


def test_whoever_wants_neither_mail_nor_sms_gets_nothing() -> None:
    reach = Profile("c", KNOWN, opted_out={"email": SINCE, "sms": SINCE}).reach
    assert templates_of(replace(SECOND, email_to=("billing",)), reach) == {}
    assert reach.closed == {"email", "sms"}


def test_who_is_not_restricted_is_reached_as_the_source_says() -> None:
    profile = Profile("c", KNOWN)
    assert profile.reach == KNOWN
