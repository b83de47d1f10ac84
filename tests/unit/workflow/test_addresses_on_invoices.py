"""Which address counts where invoices name one beside the customer's own: the newest open invoice's choice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from dunning.domain.holding import hold_case
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Snapshot, Status
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot

OWN = Contact(name="Acme GmbH", email="own@acme.example", phone="+3225550100")


def told(world: FakeDeployment, billed_to: str | None, invoice_id: str = "in_1", contact: Contact = OWN) -> Snapshot:
    """The source says so a day later, each word."""
    world.clock.advance(timedelta(days=1))
    word = snapshot(invoice_id, stamp=world.clock.now, contact=contact)
    return replace(word, billed_to=billed_to, issued_at=word.issued_at and word.issued_at + timedelta(days=int(invoice_id[-1])))


def address(world: FakeDeployment) -> str | None:
    return world.profile(ACME).contact.email


def by_list(world: FakeDeployment, word: Snapshot) -> None:
    world.record.invoice(word)


def by_fetch(world: FakeDeployment, word: Snapshot) -> None:
    world.record.invoice_as_fetched(ACME, word.invoice_id, lambda: word)


@pytest.mark.parametrize("bring", [by_list, by_fetch])
def test_a_corrected_address_is_taken_and_ends_the_hold_of_the_wrong_one(
    world: FakeDeployment, bring: Callable[[FakeDeployment, Snapshot], None]
) -> None:
    bring(world, told(world, "wrong@acme.example"))
    before = world.case(ACME)
    held, logged = hold_case(before, HoldKind.UNDELIVERABLE, Hold(world.clock.now), "test")
    world.store.save(before, held, logged)
    bring(world, told(world, "right@acme.example"))
    assert (address(world), world.profile(ACME).holds) == ("right@acme.example", {})
    assert [one.reason for one in world.log(ACME)][-2:] == ["contact: email", "undeliverable: there is a new mail address"]
    writes = world.store.writes
    bring(world, told(world, "right@acme.example"))
    assert world.store.writes == writes


def test_an_edited_customer_leaves_the_address_that_an_invoice_chose_and_the_same_word_changes_nothing(world: FakeDeployment) -> None:
    by_fetch(world, told(world, "ap@acme.example"))
    word = replace(OWN, phone="+3225550199")
    for _ in range(2):
        world.clock.advance(timedelta(days=1))
        world.record.contact(ACME, word, world.clock.now)
    assert (address(world), world.profile(ACME).contact.phone) == ("ap@acme.example", "+3225550199")
    assert sum(one.reason == "contact: phone" for one in world.log(ACME)) == 1


def test_what_quickbooks_copied_from_the_customer_s_record_is_no_choice_once_that_is_corrected(world: FakeDeployment) -> None:
    by_fetch(world, told(world, OWN.email))
    world.clock.advance(timedelta(days=1))
    mended = replace(OWN, email="new@acme.example")
    world.record.contact(ACME, mended, world.clock.now)
    assert address(world) == "new@acme.example"
    by_fetch(world, told(world, OWN.email, contact=mended))
    by_list(world, told(world, OWN.email, "in_2", contact=mended))
    assert address(world) == "new@acme.example"
    by_fetch(world, told(world, "ap@acme.example", contact=mended))
    assert address(world) == "ap@acme.example"


def test_the_newest_open_invoice_decides_in_whatever_order_they_are_told() -> None:
    for order in permutations(("in_1", "in_2", "in_3")):
        world = FakeDeployment()
        for invoice_id in order:
            by_list(world, told(world, {"in_1": "first@acme.example", "in_2": "second@acme.example"}.get(invoice_id), invoice_id))
        assert address(world) == "second@acme.example"
        by_fetch(world, replace(told(world, "second@acme.example", "in_2"), status=Status.PAID, amount_due=0))
        assert address(world) == "first@acme.example"
        by_fetch(world, replace(told(world, "first@acme.example"), status=Status.PAID, amount_due=0))
        assert address(world) == OWN.email


def test_without_an_address_of_the_customer_s_own_the_invoice_s_is_the_one(world: FakeDeployment) -> None:
    nameless = replace(OWN, email=None)
    by_list(world, told(world, "ap@acme.example", contact=nameless))
    assert address(world) == "ap@acme.example"
    by_fetch(world, told(world, None, contact=nameless))
    assert address(world) is None


@pytest.mark.parametrize("bring", [by_list, by_fetch])
def test_an_address_that_is_taken_off_is_not_written_to_any_more(
    world: FakeDeployment, bring: Callable[[FakeDeployment, Snapshot], None]
) -> None:
    nameless = replace(OWN, email=None)
    bring(world, told(world, "ap@acme.example", contact=nameless))
    before = world.case(ACME)
    held, logged = hold_case(before, HoldKind.UNDELIVERABLE, Hold(world.clock.now), "test")
    world.store.save(before, held, logged)
    for _ in range(2):
        bring(world, told(world, None, contact=nameless))
    assert (address(world), set(world.profile(ACME).holds)) == (None, {HoldKind.UNDELIVERABLE})
    assert [one.reason for one in world.log(ACME)].count("contact: email removed") == 1
    bring(world, told(world, "new@acme.example", contact=nameless))
    assert (address(world), world.profile(ACME).holds) == ("new@acme.example", {})


def test_while_another_open_invoice_names_it_it_is_used_and_its_own_word_decides_in_the_end(world: FakeDeployment) -> None:
    nameless = replace(OWN, email=None)
    for invoice_id in ("in_1", "in_2"):
        by_list(world, told(world, "ap@acme.example", invoice_id, contact=nameless))
    by_list(world, told(world, None, "in_2", contact=nameless))
    assert address(world) == "ap@acme.example"
    by_list(world, told(world, None, contact=nameless))
    assert address(world) is None
    by_list(world, told(world, None, contact=OWN))
    assert address(world) == OWN.email


@pytest.mark.parametrize("heard_by", ["the customer's own word", "a new invoice, before that"])
def test_what_was_corrected_before_any_invoice_named_an_address_does_not_come_back_with_one(world: FakeDeployment, heard_by: str) -> None:
    by_fetch(world, told(world, None))
    mended = replace(OWN, email="new@acme.example")
    if heard_by.startswith("a new invoice"):
        by_fetch(world, told(world, "new@acme.example", "in_2", contact=mended))
    world.clock.advance(timedelta(days=1))
    world.record.contact(ACME, mended, world.clock.now)
    by_list(world, told(world, OWN.email, "in_3", contact=mended))
    assert address(world) == "new@acme.example"
    by_list(world, told(world, "ap@acme.example", "in_4", contact=mended))
    assert address(world) == "ap@acme.example"


def test_an_address_that_was_corrected_away_and_back_is_a_choice_again(world: FakeDeployment) -> None:
    by_fetch(world, told(world, None))
    for email in ("new@acme.example", OWN.email):
        world.clock.advance(timedelta(days=1))
        world.record.contact(ACME, replace(OWN, email=email), world.clock.now)
    by_fetch(world, told(world, "new@acme.example", "in_2"))
    assert address(world) == OWN.email
    by_fetch(world, told(world, OWN.email, "in_3"))
    assert (address(world), world.profile(ACME).former_emails) == (OWN.email, ("new@acme.example",))


def test_an_invoice_that_a_person_changes_to_the_former_address_means_it(world: FakeDeployment) -> None:
    mended = replace(OWN, email="new@acme.example")
    by_fetch(world, told(world, OWN.email))
    world.clock.advance(timedelta(days=1))
    world.record.contact(ACME, mended, world.clock.now)
    by_fetch(world, told(world, "ap@acme.example", contact=mended))
    by_fetch(world, told(world, OWN.email, contact=mended))
    assert address(world) == OWN.email


def test_a_customer_s_first_own_address_is_recorded_once_and_leaves_the_one_that_the_invoice_names(world: FakeDeployment) -> None:
    by_list(world, told(world, "ap@acme.example", contact=replace(OWN, email=None)))
    for _ in range(2):
        world.clock.advance(timedelta(days=1))
        world.record.contact(ACME, OWN, world.clock.now)
    assert (address(world), world.profile(ACME).own_email) == ("ap@acme.example", OWN.email)
    assert sum(one.reason == "contact: email" for one in world.log(ACME)) == 1
    by_fetch(world, replace(told(world, "ap@acme.example"), status=Status.PAID, amount_due=0))
    by_list(world, told(world, None, "in_2"))
    assert address(world) == OWN.email
