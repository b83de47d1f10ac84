"""A mail bounces before its step is put down, or beside others: the step comes once more, once, and the log says what was sent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.activity import ActivityType
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Status
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.hold_case import HoldCase
from dunning.workflow.record_delivery import RecordDelivery
from dunning.workflow.release_case import ReleaseCase
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot
from tests.unit.workflow.plan import FIRST

OWN = "ap@acme.example"
OTHER = "billing@acme.example"
WITH_OTHER = replace(ACME_CONTACT, phone=None, settings=CustomerSettings(people=(Person("billing", OTHER),)))
HOURS = timedelta(hours=1)
SENT, BOUNCED = DeliveryKind.SENT, DeliveryKind.BOUNCED


def deployment(more: str = "", sends: str = "email: friendly") -> FakeDeployment:
    """A plan of one step at the first step's hour, which goes out at any hour."""
    steps = f'[{{id: first, at: {{after_due: 7d, time: "09:00"}}, {sends}}}]'
    policy = load_policy(f"name: plan\ntimezone: UTC\n{more}\nsteps: {steps}\n", "plan.yaml", frozenset())
    return FakeDeployment(PolicyBook.of({policy.name: policy}))


def report(world: FakeDeployment, kind: DeliveryKind, mail: int = 0) -> None:
    """SES's report on the mail of this number, which it took a moment ago."""
    message = world.email.sent[mail]
    about, taken_at = message.envelope, world.clock.now - timedelta(seconds=1)
    facts = (about.customer, about.claim, about.effect, about.invoices, about.step)
    RecordDelivery(world.store, world.record)(DeliveryNews(kind, *facts, f"message-{mail}", taken_at, message.to))


def sent(world: FakeDeployment) -> list[tuple[str, tuple[str, ...]]]:
    return [(message.to[0], message.envelope.invoices) for message in (*world.email.sent, *world.sms.sent)]


def reasons(world: FakeDeployment, kind: ActivityType = ActivityType.SENT) -> list[tuple[tuple[str, ...], str]]:
    """Of each time a step was sent by the log: about what, and whether it was a repetition."""
    log = [entry for entry in world.log(ACME) if entry.type is kind]
    return [(entry.invoices, "again" if (entry.reason or "").startswith("sent again") else "first") for entry in log]


ONCE_EACH = [(("in_1",), "first"), (("in_1",), "again")]


@pytest.mark.parametrize("reports", [[SENT, BOUNCED], [BOUNCED, SENT], [BOUNCED], [BOUNCED, BOUNCED, SENT, SENT]], ids="-".join)
@pytest.mark.parametrize(("contact", "way"), [(WITH_OTHER, OTHER), (ACME_CONTACT, "+431234567")], ids=["mail", "sms"])
@pytest.mark.parametrize("ending", ["no answer", "death"])
def test_a_mail_without_an_answer_that_bounces_is_followed_by_one_that_arrives(
    reports: list[DeliveryKind], contact: Contact, way: str, ending: str
) -> None:
    world = deployment("min_gap: 1d")
    world.invoiced(snapshot(contact=contact))
    if ending == "death":
        world.email.kills_the_worker(accepted=True)
    else:
        world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST + timedelta(seconds=30))
    for kind in reports:
        report(world, kind)
    world.run_until(FIRST + 9 * HOURS)
    assert sent(world) == [(OWN, ("in_1",)), (way, ("in_1",))]
    assert reasons(world) == ONCE_EACH
    assert [kind for kind, _ in reasons(world, ActivityType.UNDELIVERED)] == [("in_1",)]


def test_a_bounce_that_is_told_while_the_mail_is_on_its_way_is_known_when_the_step_is_put_down() -> None:
    world = deployment()
    world.invoiced(snapshot(contact=WITH_OTHER))
    world.email.meanwhile = lambda: report(world, BOUNCED)
    world.run_until(FIRST + HOURS)
    assert (len(sent(world)), reasons(world)) == (2, ONCE_EACH)


def test_a_step_that_bounces_while_its_sibling_waits_for_its_turn_is_sent_again() -> None:
    """The spent claim remembers the mail that bounced, for SES's word of it came after the step was put down."""
    world = deployment()
    world.email.meanwhile = world.email.refuses
    world.invoiced(snapshot(contact=WITH_OTHER), snapshot("in_2", contact=WITH_OTHER))
    world.run_until(FIRST + timedelta(seconds=30))
    report(world, SENT)
    report(world, BOUNCED)
    world.run_until(FIRST + 3 * HOURS)
    assert sorted(sent(world)) == [(OWN, ("in_1",)), (OTHER, ("in_1",)), (OTHER, ("in_2",))]
    assert sorted(reasons(world)) == [(("in_1",), "again"), (("in_1",), "first"), (("in_2",), "first")]


def bounced_and_sent_again_without_an_answer(contact: Contact = WITH_OTHER) -> FakeDeployment:
    world = deployment()
    world.invoiced(snapshot(contact=contact))
    world.run_until(FIRST + timedelta(seconds=30))
    world.email.gives_no_answer(accepted=True)
    world.sms.kills_the_worker(accepted=True)
    report(world, BOUNCED)
    world.run_until(FIRST + timedelta(minutes=1))
    if len(world.email.sent) == 2:
        report(world, SENT, mail=1)
    return world


@pytest.mark.parametrize("contact", [WITH_OTHER, ACME_CONTACT], ids=["mail", "sms"])
@pytest.mark.parametrize("meanwhile", ["nothing", "held", "paid", "out of hours"])
def test_a_repetition_without_an_answer_is_put_down_and_not_sent_a_third_time(contact: Contact, meanwhile: str) -> None:
    world = bounced_and_sent_again_without_an_answer(contact)
    if meanwhile == "held":
        HoldCase(world.record)(ACME, "waits for a delivery note")
    if meanwhile == "paid":
        world.stripe.is_paid("in_1")
        world.record.invoice(snapshot(contact=contact, status=Status.PAID, amount_due=0, stamp=world.clock.now))
    if meanwhile == "out of hours":
        world.clock.now = FIRST + 14 * HOURS
    world.run_until(FIRST + 16 * HOURS)
    ReleaseCase(world.record)(ACME, "the note was sent")
    world.run_until(FIRST + 40 * HOURS)
    assert (len(sent(world)), reasons(world)) == (2, ONCE_EACH)


def test_when_the_repetition_bounces_without_an_answer_it_is_put_down_and_the_case_is_held() -> None:
    world = bounced_and_sent_again_without_an_answer()
    report(world, BOUNCED, mail=1)
    world.run_until(FIRST + 30 * HOURS)
    assert (len(sent(world)), reasons(world)) == (2, ONCE_EACH)
    assert set(world.profile(ACME).holds) == {HoldKind.UNDELIVERABLE}


def test_a_person_who_holds_the_case_after_the_bounce_holds_the_repetition_too() -> None:
    world = deployment()
    world.invoiced(snapshot(contact=WITH_OTHER))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    world.clock.advance(timedelta(seconds=30))
    report(world, BOUNCED)
    HoldCase(world.record)(ACME, "waits for a delivery note")
    world.run_until(FIRST + 9 * HOURS)
    assert (len(sent(world)), reasons(world)) == (1, ONCE_EACH[:1])
    ReleaseCase(world.record)(ACME, "the note was sent")
    world.run_until(FIRST + 10 * HOURS)
    assert (len(sent(world)), reasons(world)) == (2, ONCE_EACH)


@pytest.mark.parametrize("is_lost", [False, True])
def test_one_message_about_several_is_sent_again_as_one(is_lost: bool) -> None:
    world = deployment("scope: customer")
    both = ("in_1", "in_2")
    world.invoiced(*(snapshot(name, contact=WITH_OTHER) for name in both))
    if is_lost:
        world.email.gives_no_answer(accepted=True, times=2)
    world.run_until(FIRST + timedelta(seconds=30))
    report(world, BOUNCED)
    world.run_until(FIRST + timedelta(minutes=25))
    report(world, SENT, mail=1)
    world.run_until(FIRST + 9 * HOURS)
    assert sent(world) == [(OWN, both), (OTHER, both)]
    assert reasons(world) == [(both, "first"), (both, "again")]


def test_what_is_sent_again_joins_a_sibling_whose_step_is_due() -> None:
    """One message about both; the sibling's own step, without an answer, is known to have gone out with it."""
    world = deployment("scope: customer")
    world.invoiced(snapshot(contact=WITH_OTHER))
    world.invoiced(snapshot("in_2", contact=WITH_OTHER, due=FIRST.date() - timedelta(days=6)))
    world.run_until(FIRST + 10 * HOURS)
    world.clock.now = FIRST + 24 * HOURS
    report(world, BOUNCED)
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST + 24 * HOURS + timedelta(minutes=1))
    report(world, SENT, mail=1)
    world.run_until(FIRST + 30 * HOURS)
    assert [(to, set(about)) for to, about in sent(world)] == [(OWN, {"in_1"}), (OTHER, {"in_1", "in_2"})]
    assert sorted(reasons(world)) == [(("in_1",), "again"), (("in_1",), "first"), (("in_2",), "first")]


@pytest.mark.parametrize(("contact", "way"), [(WITH_OTHER, OTHER), (ACME_CONTACT, "+431234567")], ids=["mail", "sms"])
def test_of_two_mails_to_one_dead_address_each_step_is_sent_again_once(contact: Contact, way: str) -> None:
    world = deployment()
    world.invoiced(snapshot(contact=contact), snapshot("in_2", contact=contact))
    world.run_until(FIRST + timedelta(seconds=30))
    for mail in (0, 1, 1, 0):
        report(world, BOUNCED, mail)
    world.run_until(FIRST + 9 * HOURS)
    report(world, BOUNCED, mail=0)
    world.run_until(FIRST + 10 * HOURS)
    assert sorted(sent(world)) == sorted([(OWN, ("in_1",)), (OWN, ("in_2",)), (way, ("in_1",)), (way, ("in_2",))])
    assert [about for about, _ in reasons(world, ActivityType.UNDELIVERED)] == [("in_1",), ("in_2",)]
    assert [notice.envelope.invoices for notice in world.team.sent] == [("in_1",), ("in_2",)]


def test_the_text_message_that_went_out_beside_the_mail_that_bounced_is_not_sent_again() -> None:
    world = deployment(sends="email: friendly, sms: second_notice")
    world.invoiced(snapshot(contact=replace(WITH_OTHER, phone="+431234567")))
    world.run_until(FIRST + HOURS)
    report(world, BOUNCED)
    world.run_until(FIRST + 9 * HOURS)
    assert [to for to, _ in sent(world)] == [OWN, OTHER, "+431234567"]
