"""A step ran when its first message went out, not when that is put down: answers, openings, the next step and limits count from then."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.case import EffectState, Mark
from dunning.domain.effects import Channel, Effect
from dunning.domain.policy import MessageLimit, OnReply, Policy, Scope
from dunning.domain.replying import Inbound
from dunning.domain.works import Verdict, Work, ran_at
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.record_delivery import RecordDelivery
from dunning.workflow.record_reply import RecordReply
from dunning.workflow.run_step import CLAIM_LASTS
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND, said
from tests.unit.workflow.test_sending_once import HOURS, reports_sent

SIX_MINUTES_LATER = FIRST + timedelta(minutes=6)


def following(policy: Policy) -> FakeDeployment:
    return FakeDeployment(PolicyBook.of({policy.name: policy}))


def sent_without_an_answer(world: FakeDeployment, *invoices: str) -> FakeDeployment:
    """SES took each first mail, and said so a minute later; the answers to us were lost."""
    world.invoiced(*(snapshot(invoice) for invoice in invoices or ("in_1",)))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    world.clock.now = FIRST + timedelta(minutes=1)
    reports_sent(world, world.email.sent[-1], FIRST)
    world.clock.now = SIX_MINUTES_LATER
    return world


def dies_at_mail(world: FakeDeployment, number: int) -> None:
    """The worker dies when SES has taken its so many-th mail, before anything is put down."""
    if number == 1:
        world.email.kills_the_worker(accepted=True)
    else:
        world.email.meanwhile = lambda: dies_at_mail(world, number - 1)


def is_opened(world: FakeDeployment, taken_at: datetime) -> None:
    about = world.email.sent[0].envelope
    news = DeliveryNews(DeliveryKind.OPENED, ACME, about.claim, about.effect, about.invoices, about.step, "message", taken_at)
    RecordDelivery(world.store, world.record)(news)


def test_the_next_step_follows_the_sending_of_a_mail_whose_answer_was_lost(world: FakeDeployment) -> None:
    sent_without_an_answer(world)
    world.run_until(FIRST + HOURS)
    put_down = world.invoice(ACME, "in_1")
    assert world.log(ACME)[-1].at == FIRST + CLAIM_LASTS
    assert world.log(ACME)[-1].reason == "7 days after the due date; email had already gone out at 2026-04-07 09:00 UTC"
    assert (put_down.next_at, put_down.last_reminder_at, world.profile(ACME).reminded_at) == (SECOND, FIRST, (FIRST,))


def test_an_answer_to_a_mail_that_was_put_down_later_is_an_answer_to_it() -> None:
    world = sent_without_an_answer(following(replace(standard_policies().default, on_reply=OnReply(2 * HOURS, "collections"))))
    mail = Inbound("mail:1", "email", "ap@acme.example", "What is this for?", "Re: yours", (), None)
    assert RecordReply(world.store, world.store, world.record, world.team)(mail) == "recorded"
    world.run_until(SECOND + HOURS)
    assert said(world.log(ACME))[3:] == ["sent first", "notified", "released", "skipped second"]
    assert len(world.email.sent) == 1


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_who_opened_a_mail_before_it_was_put_down_has_opened_it(channel: str) -> None:
    """Its answer was lost, or the text message of the same step was put off."""
    standard = standard_policies().default
    first, second, *others = standard.steps
    second = replace(second, condition=lambda facts: not facts["opened"], condition_text="not opened")
    first = replace(first, sms="friendly") if channel == "sms" else first
    world = following(replace(standard, steps=(first, second, *others), send_window={}))
    if channel == "email":
        sent_without_an_answer(world)
    else:
        world.invoiced(snapshot())
        world.sms.refuses(times=4)
        world.run_until(SIX_MINUTES_LATER)
    is_opened(world, FIRST)
    world.run_until(SECOND + HOURS)
    assert (len(world.email.sent), len(world.sms.sent)) == (1, int(channel == "sms"))
    assert said(world.log(ACME))[-3:] == ["opened first", "sent first", "skipped second"]


@pytest.mark.parametrize(("apart", "is_one"), [(timedelta(hours=12), True), (timedelta(hours=12, seconds=1), False)])
def test_a_step_whose_text_message_comes_half_a_day_after_its_mail_ran_with_the_last_of_them(apart: timedelta, is_one: bool) -> None:
    marks = {"email:second:in_1": Mark(EffectState.DONE, SECOND)}
    mail, text = (Effect(f"{one}:second:in_1", one, "reminder", "", "second", ("in_1",), "") for one in (Channel.EMAIL, Channel.SMS))
    late = SECOND + apart
    assert ran_at(Work("in_1", Verdict.RUN, "second", "", (mail, text), begun=True), marks, late) == (SECOND if is_one else late)
    assert ran_at(Work("in_1", Verdict.RUN, "second", "", (mail,), begun=True), marks, late) == SECOND


@pytest.mark.parametrize(("scope", "counted"), [(Scope.INVOICE, 3), (Scope.CUSTOMER, 1)])
def test_reminders_that_a_dead_worker_sent_count_as_the_customer_got_them(scope: Scope, counted: int) -> None:
    limited = replace(standard_policies().default, scope=scope, max_messages=MessageLimit(3, timedelta(days=7)))
    world = following(limited)
    world.invoiced(*(snapshot(f"in_{number}") for number in (1, 2, 3)))
    dies_at_mail(world, counted)
    world.run_until(FIRST)
    for mail in world.email.sent:
        reports_sent(world, mail, FIRST)
    assert len(world.email.sent) == counted
    world.run_until(FIRST + HOURS)
    assert world.profile(ACME).reminded_at == (FIRST,) * counted
    world.run_until(SECOND + HOURS)
    assert len(world.email.sent) == (2 if counted == 1 else 3)
