"""Between a mail and the report on it the customer's record changes, or the case is held: the report counts as far as it still can."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.case import Profile
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.record_delivery import RecordDelivery
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND, said
from tests.unit.workflow.test_bounces import MAIL_ONLY, OTHER, OWN, WITH_OTHER

NEW = "new@acme.example"
MOVED = replace(MAIL_ONLY, email=NEW)
WITH_BOTH = replace(WITH_OTHER, phone="+430000000")
CHANGES = {
    "nothing": WITH_BOTH,
    "name": replace(WITH_BOTH, name="Acme Ltd"),
    "phone": replace(WITH_BOTH, phone="+431111111"),
    "country": replace(WITH_BOTH, country="AT"),
}


def changed(before: Contact, after: Contact) -> FakeDeployment:
    """A customer who was reminded at the first step's hour, and whose record was changed a few minutes later."""
    world = FakeDeployment()
    world.invoiced(snapshot(contact=before))
    world.run_until(FIRST + timedelta(minutes=5))
    world.record.contact(ACME, after, world.clock.now)
    world.advance(timedelta(minutes=5))
    return world


def report(world: FakeDeployment, kind: DeliveryKind, *addresses: str, mail: int = 0) -> str:
    """As SES says it: with the instant at which it took the mail."""
    about = world.email.sent[mail].envelope
    facts = (about.customer, about.claim, about.effect, about.invoices, about.step)
    return RecordDelivery(world.store, world.record)(DeliveryNews(kind, *facts, f"message-{mail}", FIRST, addresses))


def mails(world: FakeDeployment) -> list[tuple[str, str | None]]:
    return [(mail.to[0], mail.envelope.step) for mail in world.email.sent]


def holds(profile: Profile) -> list[HoldKind]:
    return list(profile.holds)


@pytest.mark.parametrize("after", CHANGES.values(), ids=CHANGES)
def test_a_complaint_ends_mail_whatever_was_changed_since(after: Contact) -> None:
    world = changed(WITH_BOTH, after)
    report(world, DeliveryKind.COMPLAINED, OWN)
    world.run_until(SECOND + timedelta(hours=1))
    assert mails(world) == [(OWN, "first")]
    assert set(world.profile(ACME).opted_out) == {"email"}


def test_a_complaint_ends_mail_to_the_address_that_is_new_since_too() -> None:
    world = changed(MAIL_ONLY, MOVED)
    report(world, DeliveryKind.COMPLAINED, OWN)
    world.run_until(SECOND + timedelta(hours=1))
    assert mails(world) == [(OWN, "first")]


def test_a_complaint_ends_mail_while_the_case_is_held_for_a_bounce_and_the_hold_stands() -> None:
    world = changed(MAIL_ONLY, MAIL_ONLY)
    report(world, DeliveryKind.BOUNCED, OWN)
    since = world.profile(ACME).holds
    world.advance(timedelta(hours=1))
    report(world, DeliveryKind.COMPLAINED, OWN)
    assert (set(world.profile(ACME).opted_out), world.profile(ACME).holds) == ({"email"}, since)
    world.record.contact(ACME, MOVED, world.clock.now)
    world.run_until(SECOND + timedelta(hours=1))
    assert mails(world) == [(OWN, "first")]


@pytest.mark.parametrize("after", CHANGES.values(), ids=CHANGES)
def test_a_bounce_of_an_address_still_in_use_counts_whatever_else_was_changed(after: Contact) -> None:
    world = changed(WITH_BOTH, after)
    report(world, DeliveryKind.BOUNCED, OWN)
    world.run_until(SECOND + timedelta(hours=1))
    assert mails(world) == [(OWN, "first"), (OTHER, "first"), (OTHER, "second")]
    assert len(world.team.sent) == 1


def test_a_refusal_after_the_taking_counts_whatever_was_changed_since() -> None:
    world = changed(MAIL_ONLY, MOVED)
    report(world, DeliveryKind.REJECTED)
    assert holds(world.profile(ACME)) == [HoldKind.UNDELIVERABLE]


def test_a_mail_that_bounced_at_an_address_replaced_since_goes_once_more_to_the_new_one_and_the_team_need_mend_nothing() -> None:
    world = changed(MAIL_ONLY, MOVED)
    for _ in range(2):
        report(world, DeliveryKind.BOUNCED, OWN)
        world.advance(timedelta(minutes=5))
    world.run_until(SECOND + timedelta(hours=1))
    assert mails(world) == [(OWN, "first"), (NEW, "first"), (NEW, "second")]
    assert said(world.log(ACME)) == ["enrolled", "sent first", "updated", "undelivered first", "sent first", "sent second"]
    assert (world.team.sent, holds(world.profile(ACME)), world.profile(ACME).dead_addresses) == ([], [], ())
