"""A mail bounced: what is sent in its place, when the case is held, and that log and notices say what came of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.content.templates import template_names
from dunning.domain.activity import ActivityType
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.record_delivery import RecordDelivery
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot
from tests.unit.workflow.plan import FIRST, said

OWN, OTHER, OWNER = "ap@acme.example", "billing@acme.example", "jane@us.example"
WITH_OTHER = replace(ACME_CONTACT, phone=None, settings=CustomerSettings(people=(Person("billing", OTHER),)))
OWNED = replace(ACME_CONTACT, settings=CustomerSettings(owner=OWNER))
BOTH = "email: friendly, sms: friendly"
SECOND = FIRST + timedelta(hours=48)
IN_THE_NIGHT = SECOND.replace(hour=23)
LATER = SECOND + timedelta(days=9)


def deployment(first: str, second: str, contact: Contact, *, more: str = "") -> FakeDeployment:
    """A plan of two steps at nine, two days apart, and one invoice."""
    steps = f'[{{id: first, at: {{after_due: 7d, time: "09:00"}}, {first}}}, {{id: second, at: {{after_previous: 48h}}, {second}}}]'
    hours = '{email: "08:00-18:00", sms: "08:00-18:00"}'
    text = f"name: plan\ntimezone: UTC\nsend_window: {hours}\n{more}\nsteps: {steps}\n"
    known = template_names()
    policy = load_policy(text, "plan.yaml", frozenset(), templates=replace(known, email=known.email | {"ours"}))
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot(contact=contact))
    world.run_until(FIRST)
    return world


def bounces(world: FakeDeployment, *addresses: str, mail: int = 0) -> None:
    about = world.email.sent[mail].envelope
    facts = (about.customer, about.claim, about.effect, about.invoices, about.step)
    news = DeliveryNews(DeliveryKind.BOUNCED, *facts, f"message-{mail}", world.clock.now, addresses, world.email.sent[mail].to)
    RecordDelivery(world.store, world.record)(news)


def texts(world: FakeDeployment) -> list[str]:
    return [text.envelope.effect for text in world.sms.sent]


def mails(world: FakeDeployment) -> list[tuple[str, str | None]]:
    return [(mail.to[0], mail.envelope.step) for mail in world.email.sent]


def outcomes(world: FakeDeployment) -> list[tuple[str | None, str]]:
    """What the log says will become of each step that bounced."""
    log = [entry for entry in world.log(ACME) if entry.type is ActivityType.UNDELIVERED]
    return [(entry.step, (entry.reason or "").rpartition("; ")[2]) for entry in log]


def is_held(world: FakeDeployment) -> bool:
    return HoldKind.UNDELIVERABLE in world.profile(ACME).holds


def test_where_a_text_message_of_the_step_stood_beside_the_mail_the_plan_goes_on_by_text_message() -> None:
    world = deployment(BOTH, "email: second_notice, sms: second_notice", ACME_CONTACT)
    bounces(world, OWN)
    world.run_until(SECOND + timedelta(hours=1))
    assert (texts(world), is_held(world)) == (["sms:first:in_1", "sms:second:in_1"], False)
    assert outcomes(world) == [("first", "the text message of the same step says it")]
    assert said(world.log(ACME))[:5] == ["enrolled", "sent first", "undelivered first", "notified", "sent second"]


def test_who_prefers_mail_got_no_text_message_beside_it_and_gets_it_when_the_mail_bounces() -> None:
    world = deployment(BOTH, BOTH, replace(ACME_CONTACT, settings=CustomerSettings(prefers="email")))
    bounces(world, OWN)
    world.run_until(SECOND - timedelta(hours=1))
    assert texts(world) == ["sms:first~:in_1"]


def test_where_the_step_cannot_be_said_by_text_message_but_the_next_can_the_plan_goes_on() -> None:
    world = deployment("email: ours", BOTH, ACME_CONTACT)
    bounces(world, OWN)
    world.run_until(SECOND + timedelta(hours=1))
    assert (texts(world), is_held(world)) == (["sms:second:in_1"], False)
    assert outcomes(world) == [("first", "this step cannot be sent another way")]


def test_a_number_is_no_way_to_the_customer_where_the_plan_sends_no_text_messages() -> None:
    world = deployment("email: ours", "email: ours", ACME_CONTACT)
    bounces(world, OWN)
    world.run_until(LATER)
    assert (len(world.email.sent), texts(world), is_held(world)) == (1, [], True)


def test_two_addresses_of_one_mail_that_bounce_each_by_itself_cause_one_repetition() -> None:
    world = deployment("email: {template: friendly, cc: [owner]}", BOTH, OWNED)
    bounces(world, OWN)
    world.advance(timedelta(minutes=5))
    bounces(world, OWNER)
    world.run_until(SECOND - timedelta(hours=1))
    assert texts(world) == ["sms:first~:in_1"]


def test_where_others_got_the_mail_it_is_not_sent_again_however_many_copies_bounce() -> None:
    world = deployment("email: {template: friendly, cc: [owner]}", "email: {template: friendly, cc: [owner]}", OWNED)
    bounces(world, OWNER)
    world.run_until(SECOND)
    bounces(world, OWNER, mail=1)
    world.run_until(SECOND + timedelta(hours=5))
    assert mails(world) == [(OWN, "first"), (OWN, "second")]
    assert outcomes(world) == [("first", "other addresses got it"), ("second", "other addresses got it")]
    assert (texts(world), is_held(world), len(world.team.sent)) == ([], False, 1)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("contact", [WITH_OTHER, ACME_CONTACT], ids=["mail", "sms"])
def test_of_two_steps_that_bounce_in_one_night_the_later_is_sent_again_and_nothing_else_is_promised(
    contact: Contact, order: tuple[int, int]
) -> None:
    world = deployment("email: friendly", "email: second_notice", contact)
    world.run_until(IN_THE_NIGHT)
    for mail in order:
        bounces(world, OWN, mail=mail)
    world.run_until(LATER)
    again = [(mail.to[0], mail.envelope.step) for mail in (*world.email.sent, *world.sms.sent)][2:]
    assert again == [(OTHER if contact is WITH_OTHER else "+431234567", "second")]
    assert dict(outcomes(world)) == {"first": "a later step takes its place", "second": "it is sent again another way"}
    assert not is_held(world)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_steps_that_bounce_the_one_with_a_text_message_beside_it_was_heard(order: tuple[int, int]) -> None:
    world = deployment("email: friendly", "email: second_notice, sms: second_notice", ACME_CONTACT)
    world.run_until(SECOND + timedelta(minutes=1))
    for mail in order:
        bounces(world, OWN, mail=mail)
    world.run_until(LATER)
    assert (texts(world), is_held(world)) == (["sms:second:in_1"], False)


def test_a_step_after_which_only_a_mail_followed_that_cannot_be_said_otherwise_is_sent_again() -> None:
    world = deployment("email: friendly", "email: ours", ACME_CONTACT)
    world.run_until(SECOND + timedelta(minutes=1))
    bounces(world, OWN)
    world.run_until(LATER)
    assert texts(world) == ["sms:first~:in_1"]


def sent_by_ses(world: FakeDeployment, mail: int = 0) -> None:
    about = world.email.sent[mail].envelope
    facts = (about.customer, about.claim, about.effect, about.invoices, about.step)
    RecordDelivery(world.store, world.record)(DeliveryNews(DeliveryKind.SENT, *facts, f"message-{mail}", world.clock.now, ()))


@pytest.mark.parametrize("trouble", ["none", "refused", "no answer"])
def test_a_joint_mail_that_bounced_before_it_was_put_down_goes_once_more_only_once(trouble: str) -> None:
    """The next claim puts down, tells the team, and repeats: whatever becomes of the telling."""
    text = 'name: plan\ntimezone: UTC\nscope: customer\nsteps: [{id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}]\n'
    world = FakeDeployment(PolicyBook.of({"plan": load_policy(text, "plan.yaml", frozenset())}))
    world.invoiced(snapshot("in_1", contact=WITH_OTHER), snapshot("in_2", contact=WITH_OTHER))
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST + timedelta(minutes=1))
    sent_by_ses(world)
    bounces(world, OWN)
    if trouble == "refused":
        world.team.refuses()
    elif trouble == "no answer":
        world.team.gives_no_answer(accepted=True)
    for _ in range(40):
        known = len(world.email.sent)
        world.advance(timedelta(minutes=5))
        for mail in range(known, len(world.email.sent)):
            sent_by_ses(world, mail)
    assert [(mail.to, mail.envelope.effect) for mail in world.email.sent] == [
        ((OWN,), "email:first*2:in_1,in_2"),
        ((OTHER,), "email:first~*2:in_1,in_2"),
    ]


def test_a_text_that_was_left_away_is_sent_when_the_mail_bounces() -> None:
    """The worker died between mail and text, and by the time another went on the hours of texts were over."""
    hours = 'send_window: {email: "08:00-18:00", sms: "08:00-09:02"}'
    step = f'{{id: first, at: {{after_due: 7d, time: "09:00"}}, {BOTH}}}'
    text = f"name: plan\ntimezone: UTC\n{hours}\nsteps: [{step}]\n"
    world = FakeDeployment(PolicyBook.of({"plan": load_policy(text, "plan.yaml", frozenset(), templates=template_names())}))
    world.invoiced(snapshot(contact=ACME_CONTACT))
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST + timedelta(minutes=1))
    sent_by_ses(world)
    world.run_until(FIRST + timedelta(hours=2))
    assert texts(world) == []
    bounces(world, OWN)
    world.run_until(FIRST + timedelta(days=2))
    assert texts(world) == ["sms:first~:in_1"]


def test_a_text_that_went_out_is_not_sent_again_to_who_prefers_mail_since() -> None:
    world = deployment(BOTH, "email: second_notice", replace(ACME_CONTACT, settings=CustomerSettings(people=(Person("billing", OTHER),))))
    assert texts(world) == ["sms:first:in_1"]
    case = world.case(ACME)
    prefers = replace(case.profile.contact, email=OWN, settings=CustomerSettings(prefers="email"))
    world.store.save(case, case.with_profile(replace(case.profile, contact=prefers)))
    bounces(world, OWN)
    world.run_until(FIRST + timedelta(hours=12))
    assert texts(world) == ["sms:first:in_1"]


@pytest.mark.parametrize("last", ["second", "third"])
def test_a_step_is_not_sent_again_behind_a_later_one_that_went_out(last: str) -> None:
    """Also where the steps since were passed over."""
    third = ', {id: third, at: {after_previous: 24h}, if: "reminders_sent > 9", email: friendly}' if last == "third" else ""
    second = "{id: second, at: {after_previous: 48h}, email: friendly}"
    steps = f'{{id: first, at: {{after_due: 7d, time: "09:00"}}, email: friendly}}, {second}{third}'
    text = f"name: plan\ntimezone: UTC\nsteps: [{steps}]\n"
    world = FakeDeployment(PolicyBook.of({"plan": load_policy(text, "plan.yaml", frozenset())}))
    world.invoiced(snapshot(contact=WITH_OTHER))
    world.run_until(FIRST + timedelta(days=4))
    bounces(world, OWN)
    world.run_until(FIRST + timedelta(days=6))
    assert [mail.envelope.effect for mail in world.email.sent] == ["email:first:in_1", "email:second:in_1"]


def test_a_mail_that_bounces_while_the_case_is_held_for_another_is_put_down_and_sent_again_behind_the_hold() -> None:
    world = deployment("email: friendly", "email: friendly", replace(ACME_CONTACT, phone=None))
    world.invoiced(snapshot("in_2", contact=replace(ACME_CONTACT, phone=None)))
    world.run_until(FIRST + timedelta(hours=3))
    case = world.case(ACME)
    held = Hold(world.clock.now, reason="the mail bounced")
    world.store.save(case, case.with_profile(replace(case.profile, holds={HoldKind.UNDELIVERABLE: held})))
    world.record.contact(
        ACME, replace(ACME_CONTACT, phone=None, settings=CustomerSettings(people=(Person("billing", OTHER),))), world.clock.now
    )
    notices = len(world.profile(ACME).notices)
    bounces(world, OWN)
    assert OWN in world.profile(ACME).dead_addresses
    assert said(world.log(ACME))[-1] == "undelivered first"
    assert len(world.profile(ACME).notices) == notices
    assert world.invoice(ACME, "in_1").repeat is not None


A, B, C = "a@acme.example", "b@acme.example", "c@acme.example"
TO_BILLING = "email: {template: friendly, to: [billing]}"


def billed_to(*addresses: str) -> Contact:
    return replace(ACME_CONTACT, phone=None, settings=CustomerSettings(people=tuple(Person("billing", one) for one in addresses)))


@pytest.mark.parametrize(
    ("then", "now", "again"),
    [((A,), (A, C), [(C,)]), ((A, B), (B,), []), ((A, B), (C,), []), ((A,), (C,), [(C,)])],
    ids=["another joined since", "the dead one has left", "all were replaced, and one got it", "the dead one was replaced"],
)
def test_who_got_a_mail_is_told_by_the_mail_itself(then: tuple[str, ...], now: tuple[str, ...], again: list[tuple[str, ...]]) -> None:
    world = deployment(TO_BILLING, TO_BILLING, billed_to(*then))
    world.advance(timedelta(minutes=5))
    world.record.contact(ACME, billed_to(*now), world.clock.now)
    world.stripe.has(snapshot(contact=billed_to(*now)))
    bounces(world, A)
    world.run_until(FIRST + timedelta(hours=12))
    assert [mail.to for mail in world.email.sent] == [then, *again]
