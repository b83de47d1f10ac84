"""A number or an address that the customer's own record names no more is not used any more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.invoice import Contact, Snapshot
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot

DAY, MINUTES = timedelta(days=1), timedelta(minutes=1)
READ = frozenset({"email", "phone"})
RECORD = replace(ACME_CONTACT, of_record=READ)
NUMBERLESS = replace(RECORD, phone=None)


def customer_updated(world: FakeDeployment, contact: Contact) -> None:
    """Stripe's webhook, told at once, a day later."""
    world.clock.advance(DAY)
    world.record.contact(ACME, contact, world.clock.now)


def fetched(world: FakeDeployment, word: Snapshot) -> None:
    world.record.invoice_as_fetched(ACME, word.invoice_id, lambda: word)


def reached(world: FakeDeployment) -> tuple[str | None, str | None]:
    contact = world.profile(ACME).contact
    return contact.email, contact.phone


def reasons(world: FakeDeployment) -> list[str | None]:
    return [one.reason for one in world.log(ACME)]


@pytest.mark.parametrize("heard", ["by webhook", "by fetch"])
def test_a_number_that_was_removed_is_not_texted_any_more_and_the_log_shows_no_number(world: FakeDeployment, heard: str) -> None:
    world.invoiced(snapshot())
    if heard == "by webhook":
        customer_updated(world, NUMBERLESS)
    else:
        world.record.contact_as_fetched(ACME, lambda: NUMBERLESS)
    assert reached(world) == (ACME_CONTACT.email, None)
    assert reasons(world)[-1] == "contact: phone removed"
    world.clock.advance(timedelta(days=60))
    world.run_until(world.clock.now)
    assert (len(world.sms.sent), len(world.email.sent) > 0) == (0, True)


def test_what_an_invoice_or_an_older_copy_of_the_record_says_does_not_bring_the_number_back(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    customer_updated(world, NUMBERLESS)
    writes = world.store.writes
    for word in (snapshot(stamp=world.clock.now + DAY), snapshot("in_2", stamp=world.clock.now + DAY)):
        fetched(world, word)
    world.record.contact_as_fetched(ACME, lambda: NUMBERLESS)
    assert (reached(world)[1], world.store.writes - writes) == (None, 1)


def test_a_number_that_the_record_names_again_is_used_and_can_be_taken_back_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    for contact, phone in ((NUMBERLESS, None), (RECORD, RECORD.phone), (NUMBERLESS, None)):
        customer_updated(world, contact)
        assert reached(world)[1] == phone
    assert reasons(world)[-3:] == ["contact: phone removed", "contact: phone", "contact: phone removed"]


def test_a_word_that_merely_lacks_them_takes_nothing_back(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    customer_updated(world, Contact(name="Acme AG"))
    world.record.contact_as_fetched(ACME, lambda: Contact(name="Acme AG"))
    assert reached(world) == (ACME_CONTACT.email, ACME_CONTACT.phone)


def test_what_a_list_lacks_is_looked_up_in_the_record_itself(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.clock.advance(DAY)
    world.record.contact_of_many(ACME, replace(ACME_CONTACT, phone=None), world.clock.now)
    assert reached(world)[1] == ACME_CONTACT.phone
    world.stripe.contacts[ACME] = NUMBERLESS
    world.settle_queues()
    assert reached(world) == (ACME_CONTACT.email, None)
    world.record.contact_of_many(ACME, replace(ACME_CONTACT, phone=None), world.clock.now)
    assert not world.sync_queue.requests


@pytest.mark.parametrize("late_by", [DAY, timedelta(seconds=30)])
def test_an_older_webhook_takes_no_newer_number_back(world: FakeDeployment, late_by: timedelta) -> None:
    newer = replace(RECORD, phone="+431999")
    world.invoiced(snapshot())
    customer_updated(world, newer)
    world.stripe.contacts[ACME] = newer
    world.record.contact(ACME, NUMBERLESS, world.clock.now - late_by)
    world.settle_queues()
    assert reached(world)[1] == "+431999"


def test_of_what_comes_late_the_record_itself_must_say_whether_it_still_holds(world: FakeDeployment) -> None:
    """Removed and put back, the putting back told first, where it was no news: the removal comes last."""
    world.invoiced(snapshot())
    world.clock.advance(DAY)
    world.stripe.contacts[ACME] = RECORD
    world.record.contact(ACME, NUMBERLESS, world.clock.now - 15 * MINUTES)
    world.settle_queues()
    assert reached(world)[1] == ACME_CONTACT.phone


def test_an_address_that_was_removed_is_written_to_no_more(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    customer_updated(world, replace(RECORD, email=None, phone=None))
    assert (reached(world), reasons(world)[-1]) == ((None, None), "contact: email removed, phone removed")
    world.clock.advance(timedelta(days=60))
    world.run_until(world.clock.now)
    assert (world.email.sent, world.sms.sent) == ([], [])


def test_the_address_that_an_invoice_was_frozen_with_stays_and_is_taken_back_once(world: FakeDeployment) -> None:
    word = replace(snapshot(), frozen_email=ACME_CONTACT.email)
    world.stripe.has(word)
    world.invoiced(word)
    for _ in range(2):
        customer_updated(world, replace(RECORD, email=None))
        fetched(world, replace(word, stamp=world.clock.now))
    assert reached(world)[0] == ACME_CONTACT.email
    assert reasons(world).count("contact: email removed") == 1


def test_an_address_that_an_invoice_was_made_out_to_stays_when_the_customer_s_own_is_removed(world: FakeDeployment) -> None:
    for number, billed_to in enumerate(("ap@elsewhere.example", ACME_CONTACT.email)):
        customer = f"quickbooks:1:{number}"
        world.record.invoice(replace(snapshot(f"in_{number}", customer), billed_to=billed_to))
        world.record.contact_as_fetched(customer, lambda: replace(RECORD, email=None))
        profile = world.profile(customer)
        assert (profile.contact.email, profile.own_email) == (billed_to, None)


def test_a_customer_who_is_gone_keeps_number_and_address_for_whoever_decides(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.contact_as_fetched(ACME, lambda: None)
    assert reached(world) == (ACME_CONTACT.email, ACME_CONTACT.phone)
