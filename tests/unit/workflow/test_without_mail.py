"""SES's quota of the day is spent: what needs no mail is done at its time all the same, and costs nobody's place in line."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.case import Claim, EffectState, Mark, Notice
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE
from dunning.domain.decision import MOST_AT_ONCE
from dunning.domain.effects import Channel, row_key
from dunning.workflow.ports import Wakeup
from dunning.workflow.waking import MOST_HOPS
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When the first step of an invoice of 23 February is due."""

TUESDAY = MONDAY + timedelta(days=1)
HOUR = timedelta(hours=1)
FIVE_PAST = timedelta(minutes=5)
STEPS = {
    "text": "sms: second_notice",
    "team": "escalate: {team: collections}",
    "fee": 'late_fee: {fixed: "2.50", basis: contract, mode: apply}',
    "mail": "email: friendly",
    "both": "email: friendly, sms: second_notice",
}


def deployment(first: str, second: str = "", *, left: int = 0) -> FakeDeployment:
    """A plan of one step, and perhaps a second a day later; so much is left of the quota."""
    steps = f'{{id: first, at: {{after_due: 7d, time: "09:00"}}, {STEPS[first]}}}{second}'
    policy = load_policy(f"name: plan\ntimezone: UTC\nsteps: [{steps}]\n", "plan.yaml", frozenset({"collections"}))
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.quota.remaining = left
    return world


def text_on_tuesday(time: str) -> FakeDeployment:
    """The mail about one invoice has gone, its text message is due on Tuesday, as is the mail about another; no quota is left by then."""
    world = deployment("mail", f', {{id: second, at: {{after_due: 8d, time: "{time}"}}, {STEPS["text"]}}}', left=1)
    owes(world, "in_text")
    owes(world, "in_mail", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    return world


def owes(world: FakeDeployment, invoice: str, customer: str = ACME, day: int = 23) -> None:
    world.invoiced(snapshot(invoice, customer, due=date(2026, 2, day)))


def done(world: FakeDeployment) -> list[str]:
    """The effects that were carried out, in order."""
    sent = [*world.email.sent, *world.sms.sent, *world.team.sent]
    return [message.envelope.effect for message in sent] + [f"fee of {order.invoice_id}" for order in world.stripe.orders]


@pytest.mark.parametrize(
    ("step", "effects"),
    [("text", ["sms:first:in_1"]), ("team", ["team:first:in_1"]), ("fee", ["fee of in_1"]), ("mail", []), ("both", [])],
)
def test_a_step_without_mail_runs_at_its_second_and_once(step: str, effects: list[str]) -> None:
    world = deployment(step)
    owes(world, "in_1")
    world.run_until(MONDAY)
    assert done(world) == effects
    world.run_until(MONDAY + 49 * HOUR)
    assert done(world) == effects


def test_what_the_team_must_be_told_of_is_told_while_a_mail_waits() -> None:
    world = deployment("mail")
    owes(world, "in_1")
    world.run_until(MONDAY)
    case = world.case(ACME)
    told = replace(case.profile, notices={"n": Notice("look at this", MONDAY, ("in_1",))})
    world.store.save(case, case.with_profile(told))
    world.run_until(MONDAY + HOUR)
    assert done(world) == ["notice:n"]


def test_beside_a_mail_that_waits_the_customers_other_steps_run_within_the_hour_and_it_keeps_its_place() -> None:
    world = text_on_tuesday("09:30")
    world.run_until(TUESDAY)
    waits = world.profile(ACME)
    assert (done(world), waits.due_at, waits.due_since, waits.retries) == (["email:first:in_text"], TUESDAY, TUESDAY, 0)
    world.run_until(TUESDAY + HOUR)
    after = world.profile(ACME)
    assert (done(world)[1:], after.due_since, after.retries) == (["sms:second:in_text"], TUESDAY, 0)
    world.quota.remaining = 10
    world.run_until(TUESDAY + 2 * HOUR)
    assert done(world) == ["email:first:in_text", "email:first:in_mail", "sms:second:in_text"]


def test_a_mail_stands_in_line_where_it_fell_due_and_not_where_the_text_before_it_did() -> None:
    world = text_on_tuesday("08:30")
    world.run_until(TUESDAY - HOUR)
    world.clock.now = TUESDAY + FIVE_PAST
    assert world.run_step(Wakeup(ACME, without_mail=True)) == "waiting: 1 of 1"
    assert (done(world)[1:], world.profile(ACME).due_since) == (["sms:second:in_text"], TUESDAY)


def test_a_text_does_not_keep_its_distance_to_a_mail_that_waits_but_the_mail_later_to_the_text() -> None:
    """The gap of a day lies between the two: had the mail gone first, the text would have come a day later."""
    policy = load_policy(
        f"""
name: plan
timezone: UTC
min_gap: 1d
steps:
  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, {STEPS["mail"]}}}
  - {{id: second, at: {{after_due: 8d, time: "09:00"}}, {STEPS["text"]}}}
""",
        "plan.yaml",
        frozenset(),
    )
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.quota.remaining = 1
    owes(world, "in_text")
    owes(world, "a_mail", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.run_until(TUESDAY)
    assert done(world) == ["email:first:in_text", "sms:second:in_text"]
    world.quota.remaining = 10
    world.run_until(TUESDAY + 14 * HOUR)
    assert done(world)[1:] == ["sms:second:in_text"]
    world.run_until(TUESDAY + 24 * HOUR)
    assert done(world) == ["email:first:in_text", "email:first:a_mail", "sms:second:in_text"]


def test_reminders_that_are_one_message_wait_together() -> None:
    policy = load_policy(
        f"""
name: plan
timezone: UTC
scope: customer
steps:
  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, {STEPS["mail"]}}}
  - {{id: second, at: {{after_due: 8d, time: "09:00"}}, {STEPS["text"]}}}
  - {{id: escalate, at: {{after_due: 9d, time: "09:30"}}, {STEPS["team"]}}}
""",
        "plan.yaml",
        frozenset({"collections"}),
    )
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.quota.remaining = 1
    owes(world, "in_1")
    owes(world, "in_2", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.run_until(TUESDAY + 2 * HOUR)
    assert done(world) == ["email:first:in_1"]
    world.quota.remaining = 10
    world.run_until(TUESDAY + 3 * HOUR)
    assert done(world) == ["email:first:in_1", "email:first:in_2", "sms:second:in_1"]


def one_message(first: str, second: str = "") -> FakeDeployment:
    """The customer gets one message about all; of this plan one step is due on Monday and perhaps one on Tuesday, when no quota is left."""
    second = second and f'  - {{id: second, at: {{after_due: 8d, time: "09:00"}}, {second}}}\n'
    policy = load_policy(
        f'name: plan\ntimezone: UTC\nscope: customer\nsteps:\n  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, {first}}}\n{second}',
        "plan.yaml",
        frozenset({"collections"}),
    )
    return FakeDeployment(PolicyBook.of({policy.name: policy}))


ASKS = 'approve_above: "150"'
"""Of the invoices, which are of 100 each, it takes two."""


def test_what_nobody_approved_is_handed_over_while_a_mail_beside_it_waits() -> None:
    world = one_message(f"{STEPS['mail']}, {ASKS}", f"{STEPS['mail']}, {STEPS['team']}, {ASKS}")
    owes(world, "in_1")
    owes(world, "in_2", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.run_until(TUESDAY)
    assert done(world) == ["email:first:in_1", "team:second:in_1"]


def test_a_question_about_several_is_asked_while_a_mail_beside_them_waits() -> None:
    world = one_message(STEPS["mail"], f"{STEPS['mail']}, {ASKS}")
    owes(world, "in_1")
    owes(world, "in_2")
    owes(world, "in_3", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.run_until(TUESDAY)
    assert [world.invoice(ACME, name).approval is not None for name in ("in_1", "in_2", "in_3")] == [True, True, False]


def test_what_a_dead_worker_had_sent_is_put_down_though_one_message_about_others_waits() -> None:
    world = one_message(STEPS["mail"])
    owes(world, "in_1")
    world.email.gives_no_answer(accepted=True)
    world.run_until(MONDAY)
    (sent,) = world.email.sent
    world.store.mark_effect(ACME, sent.envelope.claim, sent.envelope.effect, EffectState.DONE, MONDAY)
    owes(world, "in_2", day=20)
    world.quota.remaining = 0
    world.run_until(MONDAY + 2 * HOUR)
    assert (len(world.email.sent), world.invoice(ACME, "in_1").level, world.invoice(ACME, "in_2").level) == (1, 1, 0)


@pytest.mark.parametrize(("step", "effect"), [("text", "sms:second:z"), ("team", "team:second:z"), ("fee", "fee of z")])
def test_behind_more_waiting_mails_than_one_claim_has_room_for_the_rest_is_done(step: str, effect: str) -> None:
    world = deployment("mail", f', {{id: second, at: {{after_due: 8d, time: "09:00"}}, {STEPS[step]}}}', left=1)
    owes(world, "z")
    for number in range(45):
        owes(world, f"in_{number:02}", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.run_until(TUESDAY)
    assert done(world) == ["email:first:z", effect]


@pytest.mark.parametrize(("step", "effects"), [("text", []), ("team", ["team:second:z"])])
def test_behind_one_message_that_waits_and_is_full_the_team_is_told_and_a_text_of_that_policy_waits(step: str, effects: list[str]) -> None:
    world = one_message(STEPS["mail"], STEPS[step])
    owes(world, "z")
    for number in range(MOST_IN_ONE_MESSAGE):
        owes(world, f"in_{number:03}", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.run_until(TUESDAY + HOUR)
    assert done(world) == ["email:first:z", *effects]


@pytest.mark.parametrize(("step", "number", "looks"), [("fee", 10, 5), ("text", 10, 1), ("text", 45, 3)])
def test_what_is_more_than_one_look_does_is_done_in_looks_that_follow_at_once(step: str, number: int, looks: int) -> None:
    world = due_on_tuesday(step, number)
    world.run_step(Wakeup(ACME, without_mail=True))
    world.settle_queues()
    assert len(done(world)[number:]) == number
    assert [wakeup.hops for wakeup in world.wakeups.sent if wakeup.hops] == list(range(1, looks))


def test_looks_do_not_follow_each_other_without_end() -> None:
    world = due_on_tuesday("text", 45)
    before = len(world.wakeups.sent)
    world.run_step(Wakeup(ACME, hops=MOST_HOPS, without_mail=True))
    assert (len(world.sms.sent), world.wakeups.sent[before:]) == (MOST_AT_ONCE - 1, [])


def due_on_tuesday(step: str, number: int) -> FakeDeployment:
    """It is Tuesday, and this step of so many invoices is due, of which mail went out on Monday; first of all a mail that waits."""
    world = deployment("mail", f', {{id: second, at: {{after_due: 8d, time: "09:00"}}, {STEPS[step]}}}', left=number)
    for each in range(number):
        owes(world, f"in_{each:02}")
    owes(world, "a_mail", day=24)
    world.run_until(MONDAY)
    world.quota.remaining = 0
    world.clock.now = TUESDAY
    return world


def test_who_waits_keeps_the_place_when_a_later_message_takes_that_of_the_one_that_waits() -> None:
    steps = ", ".join(f'{{id: s{week}, at: {{after_due: {7 * week}d, time: "09:00"}}, {STEPS["mail"]}}}' for week in (1, 2))
    policy = load_policy(f"name: plan\ntimezone: UTC\ncatch_up: latest\nsteps: [{steps}]\n", "plan.yaml", frozenset())
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.quota.remaining = 0
    owes(world, "longest", "stripe:cus_long")
    owes(world, "other", "stripe:cus_other", day=26)
    world.run_until(MONDAY + timedelta(days=7, hours=3))
    assert world.invoice("stripe:cus_long", "longest").next_step == "s2"
    assert world.profile("stripe:cus_long").due_since == MONDAY
    world.quota.remaining = 1
    world.run_until(MONDAY + timedelta(days=7, hours=4))
    assert done(world)[0] == "email:s2:longest"


def test_who_only_waits_costs_no_request_of_its_source_and_is_looked_at_once_an_hour() -> None:
    world = deployment("mail")
    for number in range(3):
        owes(world, f"in_{number}", f"stripe:cus_{number}")
    world.run_until(MONDAY + 20 * HOUR)
    assert (world.stripe.requests, world.email.sent) == (0, [])
    looks = Counter(wakeup.customer for wakeup in world.wakeups.sent)
    assert set(looks.values()) == {1 + 1 + 20}, "the turn before its hour, the one at it, and each full hour"
    assert all(world.profile(customer).claim is None or world.profile(customer).retries == 0 for customer in looks)


def test_what_a_dead_worker_had_sent_is_remembered_while_the_mail_beside_it_waits() -> None:
    world = deployment("mail")
    owes(world, "in_1")
    owes(world, "in_2")
    world.run_until(MONDAY - FIVE_PAST)
    case = world.case(ACME)
    row = row_key(Channel.EMAIL, "first", "in_1")
    dead = Claim("dead", MONDAY - HOUR, "dead", effects={row: Mark(EffectState.DONE, MONDAY)}, attempt=1)
    world.store.save(case, case.with_profile(replace(case.profile, claim=dead)))
    world.run_until(MONDAY)
    assert world.invoice(ACME, "in_1").level == 1
    world.quota.remaining = 10
    world.run_until(MONDAY + 2 * HOUR)
    assert done(world) == ["email:first:in_2"]


def test_what_was_let_go_for_one_timer_lets_no_other_go() -> None:
    world = deployment("mail")
    owes(world, "in_1")
    world.run_until(MONDAY + HOUR)
    assert world.run_step(Wakeup(ACME, let_go=MONDAY - 24 * HOUR)).startswith("refused")
    assert done(world) == []
    world.clock.now = MONDAY + 2 * HOUR
    assert world.run_step(Wakeup(ACME, let_go=MONDAY)).startswith("complete")
    assert done(world) == ["email:first:in_1"]
