"""Steps over an amount wait for a person (`approve_above`)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import ActivityType
from dunning.domain.approval import waits_for_approval
from dunning.domain.decision import decide
from dunning.domain.errors import Rejected, Retryable
from dunning.domain.fees import Amounts
from dunning.domain.invoice import ApprovalState, Contact, Status
from dunning.domain.policy import Scope
from dunning.domain.works import Verdict
from dunning.workflow.answer_approval import AnswerApproval
from dunning.workflow.mark_do_not_chase import MarkDoNotChase
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.failing_store import FailingStore
from tests.unit.workflow.plan import FIRST, said

DAY = timedelta(days=1)


def with_limit(limit: Amounts) -> PolicyBook:
    """The shipped plan, its first step over a limit waiting for a person."""
    standard = standard_policies().default
    first, *others = standard.steps
    return PolicyBook.of({"standard": replace(standard, steps=(replace(first, approve_above=limit), *others))})


@pytest.fixture
def strict() -> FakeDeployment:
    """Over 99 euros, a person decides; 100 are owed."""
    world = FakeDeployment(with_limit(Amounts({"EUR": 99_00})))
    world.invoiced(snapshot())
    return world


def questions(world: FakeDeployment) -> list[str]:
    """What the team was told."""
    return [activity.reason or "" for activity in world.log(ACME) if activity.type is ActivityType.NOTIFIED]


def answer(world: FakeDeployment, *, approved: bool, invoice: str | None = "in_1", reason: str | None = None) -> str:
    return AnswerApproval(world.record)(ACME, invoice, approved=approved, reason=reason)


def test_the_team_is_asked_once_and_nothing_goes_out_meanwhile(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + 20 * DAY)
    assert strict.email.sent == []
    assert len(strict.team.sent) == 1
    (asked,) = questions(strict)
    for needed in ("NO-in_1", "100.00 EUR", "99.00 EUR", "dunning approve stripe:cus_acme in_1", "dunning decline"):
        assert needed in asked
    assert said(strict.log(ACME)) == ["enrolled", "held first", "notified"]


def test_an_amount_at_the_limit_and_another_currency_need_no_approval() -> None:
    world = FakeDeployment(with_limit(Amounts({"EUR": 100_00})))
    world.invoiced(snapshot(), snapshot("in_2", "stripe:cus_2", currency="USD"))
    world.run_until(FIRST)
    assert len(world.email.sent) == 2
    assert world.team.sent == []


@pytest.mark.parametrize(
    ("currency", "amount", "asked"), [("JPY", 5000, 0), ("JPY", 5001, 1), ("KWD", 5_000_000, 0), ("KWD", 5_000_001, 1)]
)
def test_the_limit_is_in_major_units_of_each_currency(currency: str, amount: int, asked: int) -> None:
    world = FakeDeployment(with_limit(Amounts({}, Decimal(5000))))
    world.invoiced(snapshot(currency=currency, amount_due=amount))
    world.run_until(FIRST)
    assert (len(world.team.sent), len(world.email.sent)) == (asked, 1 - asked)


def test_approved_in_the_night_the_step_runs_in_the_morning_and_the_plan_goes_on(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + timedelta(hours=14))
    assert answer(strict, approved=True) == "recorded"
    assert answer(strict, approved=True) == "nothing waits for approval there"
    strict.advance(timedelta(days=2, hours=12))
    sent = [(activity.step, activity.at) for activity in strict.log(ACME) if activity.type is ActivityType.SENT]
    assert sent == [("first", FIRST + DAY), ("second", FIRST + 3 * DAY)]


def test_what_was_paid_before_the_approval_is_not_reminded_about(strict: FakeDeployment) -> None:
    """The last check of the balance is made after the approval, too: the payment's webhook was lost."""
    strict.run_until(FIRST + DAY)
    strict.stripe.has(snapshot(status=Status.PAID, amount_due=0, stamp=strict.clock.now))
    answer(strict, approved=True)
    strict.advance(2 * DAY)
    assert strict.email.sent == []
    assert strict.invoice(ACME, "in_1").status is Status.PAID


def test_declined_the_step_is_skipped_with_the_reason_and_the_plan_goes_on(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + timedelta(minutes=30))
    answer(strict, approved=False, invoice="NO-in_1", reason="they are about to pay")
    strict.advance(3 * DAY)
    assert [mail.envelope.step for mail in strict.email.sent] == ["second"]
    skipped = next(activity for activity in strict.log(ACME) if activity.type.value == "skipped")
    assert skipped.reason == "declined by a person: they are about to pay"


def test_paid_down_below_the_limit_it_needs_no_approval_any_more(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + DAY)
    strict.invoiced(snapshot(amount_due=50_00, stamp=strict.clock.now))
    strict.advance(DAY)
    assert [mail.envelope.step for mail in strict.email.sent] == ["first"]


def test_when_more_is_owed_than_was_approved_a_person_is_asked_again(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + timedelta(hours=14))
    answer(strict, approved=True)
    strict.invoiced(snapshot(amount_due=500_00, stamp=strict.clock.now))
    strict.advance(DAY)
    assert strict.email.sent == []
    assert ["500.00 EUR" in asked for asked in questions(strict)] == [False, True]


def test_what_is_asked_about_told_approved_and_sent_is_less_the_customers_credit(strict: FakeDeployment) -> None:
    strict.stripe.credit[ACME] = {"EUR": 30_00}
    strict.invoiced(snapshot(amount_due=150_00, stamp=strict.clock.now))
    strict.run_until(FIRST + timedelta(hours=14))
    strict.run_sweep()
    assert ["120.00 EUR is owed" in asked for asked in questions(strict)] == [True]
    answer(strict, approved=True)
    assert [one.reason for one in strict.log(ACME) if one.type is ActivityType.APPROVED] == ["up to 120.00 EUR"]
    strict.advance(DAY)
    assert [mail.envelope.step for mail in strict.email.sent] == ["first"]


def test_credit_that_was_spent_after_the_approval_brings_the_question_again(strict: FakeDeployment) -> None:
    strict.stripe.credit[ACME] = {"EUR": 30_00}
    strict.invoiced(snapshot(amount_due=150_00, stamp=strict.clock.now))
    strict.run_until(FIRST + timedelta(hours=14))
    answer(strict, approved=True)
    strict.stripe.credit.clear()
    strict.advance(DAY)
    assert strict.email.sent == []
    assert ["150.00 EUR is owed" in asked for asked in questions(strict)] == [False, True]


def test_credit_that_came_since_ends_the_question_within_a_day(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + timedelta(hours=2))
    strict.stripe.credit[ACME] = {"EUR": 20_00}
    strict.run_until(FIRST + timedelta(hours=23))
    assert strict.email.sent == []
    strict.run_until(FIRST + timedelta(hours=25))
    assert [mail.envelope.step for mail in strict.email.sent] == ["first"]
    assert answer(strict, approved=True) == "nothing waits for approval there"


@pytest.mark.parametrize("held", [timedelta(hours=3), 3 * DAY])
def test_the_daily_look_at_what_is_asked_goes_on_after_a_hold(strict: FakeDeployment, held: timedelta) -> None:
    strict.run_until(FIRST + timedelta(hours=1))
    mark = MarkDoNotChase(strict.record)
    mark(ACME, on=True)
    strict.stripe.credit[ACME] = {"EUR": 20_00}
    strict.run_until(FIRST + timedelta(hours=1) + held)
    assert (strict.email.sent, ["do_not_chase" in told for told in questions(strict)]) == ([], [False, True])
    mark(ACME, on=False)
    strict.run_until(FIRST + timedelta(hours=2) + held + DAY)
    assert [mail.envelope.step for mail in strict.email.sent][:1] == ["first"]


def test_a_payment_that_nobody_told_us_of_ends_the_question_within_a_day(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + timedelta(hours=2))
    strict.stripe.is_paid("in_1")
    strict.run_until(FIRST + timedelta(hours=25))
    assert strict.invoice(ACME, "in_1").status is Status.PAID
    assert strict.profile(ACME).look_at is None


def test_while_a_question_waits_the_source_is_asked_once_a_day_and_nothing_is_logged(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + timedelta(hours=2))
    requests, log = strict.stripe.requests, len(strict.log(ACME))
    strict.run_until(FIRST + timedelta(days=5, hours=2))
    assert strict.stripe.requests == requests + 5 * 2  # the invoice, and the customer's credit
    assert len(strict.log(ACME)) == log


def test_a_question_that_is_moot_before_it_was_asked_is_never_asked(strict: FakeDeployment) -> None:
    strict.run_until(FIRST)
    asked = strict.invoice(ACME, "in_1").approval
    assert asked is not None
    assert asked.state is ApprovalState.ASKED
    strict.invoiced(snapshot(status=Status.PAID, amount_due=0, stamp=strict.clock.now + timedelta(minutes=2)))
    strict.advance(DAY)
    assert answer(strict, approved=True) == "nothing waits for approval there"
    assert strict.email.sent == []


@pytest.mark.parametrize("unknown", ["in_9", "NO-9"])
def test_an_invoice_nobody_knows_is_refused(strict: FakeDeployment, unknown: str) -> None:
    with pytest.raises(Rejected, match=unknown):
        answer(strict, approved=True, invoice=unknown)


def test_a_change_of_the_policy_lets_a_waiting_step_run_after_the_daily_reconciliation(strict: FakeDeployment) -> None:
    strict.run_until(FIRST + DAY)
    replace(strict.record, policies=standard_policies()).invoice(snapshot(stamp=strict.clock.now))
    assert strict.invoice(ACME, "in_1").approval is None


def test_nobody_is_asked_about_a_customer_who_is_not_chased_until_the_mark_is_lifted(strict: FakeDeployment) -> None:
    strict.team.refuses()
    strict.run_until(FIRST)
    mark = MarkDoNotChase(strict.record)
    mark(ACME, on=True)
    strict.advance(DAY)
    assert [asked for asked in questions(strict) if "do_not_chase" not in asked] == []
    assert len(strict.team.sent) == 1
    mark(ACME, on=False)
    strict.advance(DAY)
    assert ["dunning approve" in asked for asked in questions(strict)] == [False, True]


def test_nobody_is_asked_whether_a_message_may_go_out_that_has_nobody_to_go_to() -> None:
    world = FakeDeployment(with_limit(Amounts({"EUR": 99_00})))
    world.invoiced(snapshot(contact=Contact("Acme GmbH")))
    world.run_until(FIRST)
    assert questions(world) == []
    assert said(world.log(ACME)) == ["enrolled", "suppressed first"]


@pytest.fixture
def joint() -> FakeDeployment:
    """Over 250 euros in one message, a person decides; 24 invoices of 100 are owed, and one of 100 dollars."""
    standard = with_limit(Amounts({"EUR": 250_00})).default
    world = FakeDeployment(PolicyBook.of({"standard": replace(standard, scope=Scope.CUSTOMER)}))
    world.invoiced(*(snapshot(f"in_{number}") for number in range(1, 25)), snapshot("usd", currency="USD"))
    return world


def waiting(world: FakeDeployment) -> int:
    return sum(one.is_open and waits_for_approval(one) for one in world.case(ACME).invoices.values())


def test_the_total_of_one_message_is_asked_about_once_and_the_daily_sweep_asks_no_second_time(joint: FakeDeployment) -> None:
    joint.run_until(FIRST + 2 * DAY)
    for number in range(1, 25):
        joint.record.invoice(snapshot(f"in_{number}", stamp=joint.clock.now))
    joint.run_until(FIRST + 5 * DAY)
    (asked,) = questions(joint)
    for needed in ("about 24 invoices", "NO-in_1, ", "and 4 more", "2,400.00 EUR", "250.00 EUR", "dunning approve stripe:cus_acme, or"):
        assert needed in asked
    assert [mail.envelope.invoices for mail in joint.email.sent][:1] == [("usd",)]
    assert waiting(joint) == 24


def test_one_approval_lets_the_whole_message_go_and_what_is_new_does_not_count_with_it(joint: FakeDeployment) -> None:
    joint.run_until(FIRST + timedelta(hours=14))
    assert answer(joint, approved=True, invoice=None) == "recorded"
    assert answer(joint, approved=True, invoice=None) == "nothing waits for approval there"
    joint.run_until(FIRST + DAY + timedelta(hours=1))
    assert len(joint.email.sent[-1].envelope.invoices) == 24
    assert [len(one.invoices) for one in joint.log(ACME) if one.type is ActivityType.APPROVED] == [24]


@pytest.mark.parametrize(("approved", "sent"), [(True, ["in_1", "in_2", "in_3"]), (False, ["in_2", "in_3"])])
def test_an_answer_about_one_names_the_others_that_go_out_without_one(joint: FakeDeployment, approved: bool, sent: list[str]) -> None:
    for number in range(4, 25):
        joint.record.invoice(snapshot(f"in_{number}", status=Status.PAID, amount_due=0, stamp=joint.clock.now + timedelta(minutes=2)))
    joint.run_until(FIRST + timedelta(hours=1))
    assert answer(joint, approved=approved) == (
        "recorded; what else was asked about with it is within the limit now and goes out without approval: NO-in_2, NO-in_3"
    )
    joint.run_until(FIRST + DAY)
    assert sorted(name for name in joint.email.sent[-1].envelope.invoices) == sent


def test_an_answer_about_one_of_many_leaves_the_others_waiting_and_names_none(joint: FakeDeployment) -> None:
    joint.run_until(FIRST + timedelta(hours=1))
    assert answer(joint, approved=True) == "recorded"
    assert waiting(joint) == 23


def test_declined_together_all_are_skipped_and_the_plan_goes_on(joint: FakeDeployment) -> None:
    joint.run_until(FIRST + timedelta(minutes=30))
    answer(joint, approved=False, invoice=None, reason="a large order is coming")
    joint.run_until(FIRST + 5 * DAY)
    skipped = {name for one in joint.log(ACME) if one.type is ActivityType.SKIPPED for name in one.invoices}
    assert len(skipped) == 24
    assert "second" in [mail.envelope.step for mail in joint.email.sent]


def test_a_joint_question_whose_first_invoice_is_paid_is_still_told(joint: FakeDeployment) -> None:
    joint.team.refuses()
    joint.run_until(FIRST)
    assert questions(joint) == []
    joint.record.invoice(snapshot("in_1", status=Status.PAID, amount_due=0, stamp=joint.clock.now + timedelta(minutes=2)))
    joint.advance(DAY)
    assert len(questions(joint)) == 1
    assert waiting(joint) == 23


def test_a_joint_question_goes_away_when_enough_is_paid(joint: FakeDeployment) -> None:
    joint.run_until(FIRST + DAY)
    for number in range(1, 23):
        joint.invoiced(snapshot(f"in_{number}", status=Status.PAID, amount_due=0, stamp=joint.clock.now))
    joint.advance(DAY)
    assert [sorted(mail.envelope.invoices) for mail in joint.email.sent[:2]] == [["usd"], ["in_23", "in_24"]]


def test_an_unknown_customer_is_refused(joint: FakeDeployment) -> None:
    with pytest.raises(Rejected, match="no customer 'stripe:nobody' is known"):
        AnswerApproval(joint.record)("stripe:nobody", None, approved=True)


@pytest.mark.parametrize("edited", ["one message per invoice", "no limit in euros"])
def test_a_joint_question_goes_away_with_the_rule_that_asked_it(joint: FakeDeployment, edited: str) -> None:
    joint.run_until(FIRST + DAY)
    limit, scope = (
        (Amounts({"EUR": 250_00}), Scope.INVOICE) if edited == "one message per invoice" else (Amounts({"USD": 1}), Scope.CUSTOMER)
    )
    policies = PolicyBook.of({"standard": replace(with_limit(limit).default, scope=scope)})
    sweeping = replace(joint.record, policies=policies)
    sweeping.invoice(snapshot("in_1", stamp=joint.clock.now))
    case = joint.case(ACME)
    assert case.profile.due_at is not None
    assert case.profile.due_at <= joint.clock.now
    works = decide(case, lambda one: policies.named(one.policy), joint.clock.now)
    assert {work.verdict for work in works} == {Verdict.RUN}


def asked_about(invoices: int) -> FakeDeployment:
    """So many invoices of one customer, in one message that a person must approve; all of them wait for the answer."""
    standard = with_limit(Amounts({"EUR": 5000_00})).default
    world = FakeDeployment(PolicyBook.of({"standard": replace(standard, scope=Scope.CUSTOMER)}))
    world.invoiced(*(snapshot(f"in_{number:03}") for number in range(invoices)))
    world.clock.now = FIRST
    for _ in range(6):
        world.look_at(ACME)
    assert waiting(world) == invoices
    return world


def test_more_than_one_message_holds_is_asked_about_to_the_last_and_comes_to_rest() -> None:
    world = asked_about(130)
    assert world.email.sent == []
    assert [asked.partition(" (")[0] for asked in questions(world)] == [
        "one message about 100 of 130 invoices",
        "one message about 30 of 130 invoices",
    ]
    assert ["and 80 more) waits" in asked for asked in questions(world)] == [True, False]
    assert ["and 10 more) waits" in asked for asked in questions(world)] == [False, True]
    assert all("all together 13,000.00 EUR are owed" in asked for asked in questions(world))


@pytest.fixture
def many() -> FakeDeployment:
    """More invoices of one customer wait than one transaction holds."""
    return asked_about(90)


def test_an_answer_that_is_interrupted_says_how_far_it_came_and_the_same_again_answers_the_rest(many: FakeDeployment) -> None:
    interrupted = AnswerApproval(replace(many.record, store=FailingStore(many.store, after=1)))
    with pytest.raises(Retryable, match=r"40 invoices are answered, 50 still wait \(the table is away\)"):
        interrupted(ACME, None, approved=True)
    assert waiting(many) == 50
    assert answer(many, approved=True, invoice=None) == "recorded"
    assert waiting(many) == 0
    assert [len(one.invoices) for one in many.log(ACME) if one.type is ActivityType.APPROVED] == [40, 40, 10]


def test_an_answer_about_as_many_currencies_as_invoices_is_taken(many: FakeDeployment) -> None:
    for start in (0, 45):
        before = many.case(ACME)
        names = sorted(before.invoices)[start : start + 45]
        others = {name: replace(before.invoices[name], currency=f"X{name[-2:]}") for name in names}
        many.store.save(before, replace(before, invoices={**before.invoices, **others}))
    assert answer(many, approved=True, invoice=None) == "recorded"
    assert waiting(many) == 0


def test_an_answer_ends_though_more_wait_than_can_be_answered(many: FakeDeployment) -> None:
    """A plan that was put off without a date has nothing to run: its question is left alone, and not tried for ever."""
    before = many.case(ACME)
    stuck = {name: replace(one, next_at=None) for name, one in before.invoices.items()}
    many.store.save(before, replace(before, invoices=stuck))
    assert AnswerApproval(replace(many.record, store=FailingStore(many.store, after=2)))(ACME, None, approved=True) == (
        "nothing waits for approval there"
    )
