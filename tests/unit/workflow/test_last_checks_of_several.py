"""Several invoices of one customer fall due at once at a source whose lists tell no links to pay."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.workflow.last_check import MOST_LINKS
from dunning.workflow.ports import MessageContent, RenderedEmail, SyncRequest
from tests.fakes.channels import PlainRenderer
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME_CONTACT, snapshot
from tests.unit.workflow.plan import FIRST, said

LIAM, NOEL = "xero:tenant:liam", "xero:tenant:noel"
MARKED = replace(ACME_CONTACT, settings=CustomerSettings(do_not_chase=True))
MINUTE = timedelta(minutes=1)


class LinksShown(PlainRenderer):
    """Keeps the link that each invoice was shown with."""

    def __init__(self) -> None:
        self.shown: dict[str, str | None] = {}

    def email(self, template: str, content: MessageContent) -> RenderedEmail:
        self.shown.update({row.id: row.payment_url for row in content.invoices})
        return super().email(template, content)


def owed(number: int, customer: str = LIAM, contact: Contact = ACME_CONTACT) -> Snapshot:
    return replace(snapshot(f"in_{number:02}", customer, contact=contact), source="xero")


def swept(world: FakeDeployment, *snapshots: Snapshot) -> None:
    """Nobody told us by webhook."""
    world.xero.connected = ("tenant",)
    world.xero.has(*snapshots)
    world.run_sweep()


def links(world: FakeDeployment) -> list[str | None]:
    return [world.invoice(LIAM, invoice_id).payment_url for invoice_id in sorted(world.case(LIAM).invoices)]


@pytest.mark.parametrize("number", [1, 2, MOST_LINKS, MOST_LINKS + 1, 3 * MOST_LINKS + 1])
def test_every_mail_has_the_link_to_pay_whoever_found_the_invoices(world: FakeDeployment, number: int) -> None:
    renderer = LinksShown()
    world.run_step = replace(world.run_step, sender=replace(world.sender, renderer=renderer))
    swept(world, *(owed(each) for each in range(number)))
    assert links(world) == [None] * number
    world.run_until(FIRST + MINUTE)
    assert sorted(mail.envelope.invoices[0] for mail in world.email.sent) == [f"in_{each:02}" for each in range(number)]
    assert renderer.shown == {f"in_{each:02}": f"https://pay.example/in_{each:02}" for each in range(number)}
    assert world.dead_letters.letters == []


def test_links_are_read_so_many_under_one_claim_and_once(world: FakeDeployment) -> None:
    swept(world, *(owed(each) for each in range(MOST_LINKS + 2)))
    world.clock.now = FIRST
    world.wakeups.sent.clear()
    world.xero.requests = 0
    assert world.look_at(LIAM) == "postponed: there are more payment links to read"
    assert world.xero.requests == MOST_LINKS
    assert sum(link is not None for link in links(world)) == MOST_LINKS
    assert world.email.sent == []
    world.xero.requests = 0
    world.advance(MINUTE)
    assert len(world.email.sent) == MOST_LINKS + 2
    assert world.xero.requests == 2 + 1 + 1  # the two that lacked one, the list of the others, and the credit
    world.xero.requests = 0
    world.advance(timedelta(days=2))
    assert len(world.email.sent) == 2 * (MOST_LINKS + 2)
    assert world.xero.requests == 2


def test_a_source_that_has_no_links_delays_no_reminder(world: FakeDeployment) -> None:
    swept(world, *(replace(owed(each), payment_url=None) for each in range(MOST_LINKS + 2)))
    world.clock.now = FIRST
    world.xero.requests = 0
    world.look_at(LIAM)
    assert len(world.email.sent) == MOST_LINKS + 2
    assert world.xero.requests == MOST_LINKS + 1 + 1


def test_what_was_paid_meanwhile_is_found_in_any_part(world: FakeDeployment) -> None:
    swept(world, *(owed(each) for each in range(MOST_LINKS + 3)))
    for paid in ("in_00", f"in_{MOST_LINKS:02}"):
        world.xero.is_paid(paid)
    world.run_until(FIRST + MINUTE)
    assert len(world.email.sent) == MOST_LINKS + 1
    assert {each.id for each in world.case(LIAM).invoices.values() if each.status is Status.PAID} == {"in_00", f"in_{MOST_LINKS:02}"}


def test_a_customer_who_was_marked_at_the_source_is_not_chased_for_several_either(world: FakeDeployment) -> None:
    for each in (owed(0), owed(1)):
        world.xero.has(each)
        world.record.invoice(each)
    world.xero.has(owed(0, contact=MARKED), owed(1, contact=MARKED))
    world.run_until(FIRST + MINUTE)
    assert world.email.sent == []
    assert world.profile(LIAM).is_not_chased


@pytest.mark.parametrize("number", [1, 2])
def test_what_moved_unannounced_is_opened_at_its_new_customer_at_once(world: FakeDeployment, number: int) -> None:
    swept(world, *(owed(each) for each in range(number)))
    world.xero.has(owed(0, NOEL, replace(ACME_CONTACT, email="noel@oasis.example")))
    world.clock.now = FIRST
    world.wakeups.sent.clear()
    world.look_at(LIAM)
    assert world.sync_queue.requests == [SyncRequest("xero", "invoice", "in_00", LIAM)]
    assert world.invoice(LIAM, "in_00").status is Status.DELETED
    reasons = {activity.type: activity.reason for activity in world.log(LIAM) if "in_00" in activity.invoices}
    assert reasons[ActivityType.CLOSED] == "it is another customer's now"
    assert reasons[ActivityType.SUPPRESSED] == "the last check before sending: it is another customer's now"
    world.run_until(FIRST + MINUTE)
    assert world.invoice(NOEL, "in_00").is_open
    assert said(world.log(NOEL))[0] == "enrolled"
    world.advance(timedelta(days=1))
    assert [mail.to for mail in world.email.sent if "in_00" in mail.envelope.invoices] == [("noel@oasis.example",)]


def test_what_moved_is_asked_for_before_it_is_closed(world: FakeDeployment) -> None:
    """Should the queue fail, nothing was closed, and the next attempt asks again."""
    swept(world, owed(0))
    world.xero.has(owed(0, NOEL))
    world.clock.now = FIRST
    world.sync_queue.is_down = True
    world.look_at(LIAM)
    assert world.invoice(LIAM, "in_00").is_open
    world.sync_queue.is_down = False
    world.run_until(FIRST + 5 * MINUTE)
    assert world.invoice(NOEL, "in_00").is_open


@pytest.mark.parametrize("odd", [1, MOST_LINKS + 1])
def test_those_that_cannot_be_read_keep_none_of_the_others(world: FakeDeployment, odd: int) -> None:
    number = 2 * MOST_LINKS + 3
    swept(world, *(owed(each) for each in range(number)))
    world.xero.unreadable = tuple(f"in_{each:02}" for each in range(odd))
    world.run_until(FIRST + MINUTE)
    assert sorted(mail.envelope.invoices[0] for mail in world.email.sent) == [f"in_{each:02}" for each in range(odd, number)]
    assert [letter.customer for letter, _ in world.dead_letters.letters] == [LIAM]
