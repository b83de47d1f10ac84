"""run_step on its queue's real events."""

import json
from dataclasses import replace

import pytest

from dunning.bootstrap import Handler
from dunning.bootstrap.operating import redrive_case
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.storage import keys
from dunning.workflow.last_check import MOST_IN_ONE_TRANSACTION
from functions.run_step.app import LAST_RECEIVES, build
from functions.stripe_webhook.app import build as build_webhook
from tests.contract.providers.played_stripe import PlayedStripe
from tests.integration.handlers.cloud import Aws, batch, failures, invoke, minutes, sample
from tests.integration.handlers.larkfield import CUSTOMER, ESCALATION, FIRST, INVOICE, ISSUED, SECOND, invoice_object

DUE = {"customer": CUSTOMER, "hops": 0, "let_go": keys.instant(FIRST)}


@pytest.fixture
def handler(aws: Aws, stripe: PlayedStripe) -> Handler:
    """The invoice is recorded, Stripe holds it, and its first step is due."""
    aws.clock.now = ISSUED
    invoke(build_webhook(aws.platform), sample("stripe_webhook/invoice_finalized"))
    stripe.has("invoices", invoice_object())
    aws.clock.now = FIRST
    built = build(aws.platform)
    aws.forget_calls()
    return built


def test_one_whom_not_the_wheel_let_go_costs_one_read_more(aws: Aws, handler: Handler) -> None:
    invoke(handler, batch({"customer": CUSTOMER, "hops": 0}))
    assert aws.calls == {"UpdateItem": 1, "Query": 1, "GetItem": 1, "SendEmail": 1, "TransactWriteItems": 1}


def test_one_reminder_costs_four_calls_the_mail_included(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    assert failures(invoke(handler, sample("run_step/due"))) == []
    assert aws.calls == {"UpdateItem": 1, "Query": 1, "SendEmail": 1, "TransactWriteItems": 1}
    assert stripe.requests() == 2  # what is owed, and what credit the customer has
    assert [activity.type.value for activity in aws.log(CUSTOMER)] == ["enrolled", "sent"]
    assert aws.case(CUSTOMER).profile.due_at == SECOND


def test_the_mail_is_the_customer_s_and_says_what_it_is_about(aws: Aws, handler: Handler) -> None:
    invoke(handler, sample("run_step/due"))
    (mail,) = aws.sent("SendEmail")
    assert mail["Destination"] == {"ToAddresses": ["accounts@weaver.example"]}
    assert mail["ConfigurationSetName"] == "dunning"
    assert "LS-2051" in mail["Content"]["Simple"]["Subject"]["Data"]
    assert "1,840.50" in mail["Content"]["Simple"]["Body"]["Text"]["Data"]
    assert {tag["Name"] for tag in mail["EmailTags"]} == {"kind", "claim", "customer", "effect", "step", "invoices"}


@pytest.mark.usefixtures("handler")
def test_a_customer_of_unknown_language_is_written_to_in_the_stacks_default_one(aws: Aws) -> None:
    aws.env["DEFAULT_LOCALE"] = "de"
    invoke(build(aws.platform), sample("run_step/due"))
    (mail,) = aws.sent("SendEmail")
    assert "1.840,50" in mail["Content"]["Simple"]["Body"]["Text"]["Data"]


def test_the_same_message_twice_sends_one_mail(aws: Aws, handler: Handler) -> None:
    invoke(handler, sample("run_step/due"))
    invoke(handler, sample("run_step/due"))
    invoke(handler, batch(DUE, DUE, DUE))
    assert len(aws.sent("SendEmail")) == 1


def test_the_second_notice_goes_by_mail_and_sms_and_the_third_step_tells_the_team(aws: Aws, handler: Handler) -> None:
    invoke(handler, batch(DUE))
    aws.clock.now = SECOND
    aws.forget_calls()
    invoke(handler, batch(DUE | {"let_go": keys.instant(SECOND)}))
    assert aws.calls == {
        "UpdateItem": 2,
        "Query": 1,
        "SendEmail": 1,
        "CheckIfPhoneNumberIsOptedOut": 1,
        "Publish": 1,
        "TransactWriteItems": 1,
    }
    (text,) = aws.sent("Publish")
    assert text["PhoneNumber"] == "+441144960152"
    aws.clock.now = ESCALATION
    aws.forget_calls()
    invoke(handler, batch(DUE))
    (notice,) = aws.sent("Publish")
    assert notice["TopicArn"] == aws.topic
    assert "LS-2051" in notice["Message"]
    assert aws.case(CUSTOMER).profile.due_at is None


def test_a_bad_message_is_put_aside_at_once_and_its_neighbours_are_worked_off(aws: Aws, handler: Handler) -> None:
    event = sample("run_step/batch_with_a_bad_message")
    assert failures(invoke(handler, event)) == []
    assert [reason for _, reason in aws.letters("run-dead")] == ["queue message is not JSON: 'not json'"]
    assert len(aws.sent("SendEmail")) == 1


@pytest.mark.parametrize("poison", ["", "[]", "{}", '{"customer": 7}', '{"customer": ""}'])
def test_no_shape_of_poison_stops_its_neighbours(aws: Aws, handler: Handler, poison: str) -> None:
    assert failures(invoke(handler, batch(poison, DUE))) == []
    ((body, reason),) = aws.letters("run-dead")
    assert body == poison
    assert any(told in reason for told in ("not JSON", "not a JSON object", "has no customer"))
    assert len(aws.sent("SendEmail")) == 1


def test_what_cannot_be_put_aside_comes_again(aws: Aws, handler: Handler) -> None:
    aws.fails("SendMessage", times=20)
    assert failures(invoke(handler, batch("not json", DUE))) == ["m0"]
    assert len(aws.sent("SendEmail")) == 1


def test_a_payment_whose_webhook_never_came_is_caught(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object(status="paid", amount_remaining=0, amount_paid=1840_50))
    invoke(handler, batch(DUE))
    assert aws.sent("SendEmail") == []
    assert aws.case(CUSTOMER).invoices[INVOICE].status is Status.PAID


def test_while_stripe_is_down_the_message_is_done_with_and_the_timer_moved(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.answers(503)
    assert failures(invoke(handler, batch(DUE))) == []
    profile = aws.case(CUSTOMER).profile
    assert (profile.due_at, profile.due_since) == (FIRST + minutes(1), FIRST)
    assert aws.messages("run") == [{"customer": CUSTOMER, "hops": 0, "delay": 60}]
    assert aws.sent("SendEmail") == []


def test_a_message_that_comes_early_is_sent_on(aws: Aws, handler: Handler) -> None:
    aws.clock.now = FIRST - minutes(2)
    assert failures(invoke(handler, batch({"customer": CUSTOMER, "hops": 4}))) == []
    assert aws.messages("run") == [{"customer": CUSTOMER, "hops": 5, "delay": 120}]


def test_while_the_table_is_down_the_message_comes_again_but_never_becomes_a_dead_letter(aws: Aws, handler: Handler) -> None:
    aws.fails("UpdateItem", times=2)
    assert failures(invoke(handler, batch(DUE, receives=LAST_RECEIVES - 1))) == ["m0"]
    assert failures(invoke(handler, batch(DUE, receives=LAST_RECEIVES))) == []
    assert failures(invoke(handler, batch(DUE))) == []
    assert len(aws.sent("SendEmail")) == 1


def test_what_fails_as_nobody_foresaw_comes_again_and_at_last_is_put_aside_with_its_kind_and_place(aws: Aws, handler: Handler) -> None:
    for receives, again in ((LAST_RECEIVES - 1, ["m0"]), (LAST_RECEIVES, [])):
        assert aws.letters("run-dead") == []
        aws.answers_once("UpdateItem", {"Attributes": "none"})
        assert failures(invoke(handler, batch(DUE, receives=receives))) == again
    ((body, reason),) = aws.letters("run-dead")
    assert (json.loads(body), reason.startswith("unforeseen ")) == (DUE, True)


def test_while_a_right_is_lacking_each_message_leaves_a_letter_and_the_timer_stands(aws: Aws, handler: Handler) -> None:
    before = aws.case(CUSTOMER).profile
    aws.fails("UpdateItem", "AccessDeniedException", 400, times=2)
    for _ in range(2):
        assert failures(invoke(handler, batch(DUE))) == []
    assert [reason for _, reason in aws.letters("run-dead")] == [f"claiming {CUSTOMER}: AccessDeniedException"] * 2
    assert aws.case(CUSTOMER).profile == before
    assert redrive_case(aws.platform)(CUSTOMER) == "nothing new"
    invoke(handler, batch(DUE, DUE))
    assert len(aws.sent("SendEmail")) == 1


def test_a_mail_whose_answer_is_lost_is_sent_once_and_the_claim_kept(aws: Aws, handler: Handler) -> None:
    aws.loses_the_answer("SendEmail")
    assert failures(invoke(handler, batch(DUE))) == []
    assert aws.sends["SendEmail"] == 1
    assert aws.case(CUSTOMER).profile.due_at == FIRST + minutes(20)


def test_a_claim_whose_answer_is_lost_is_found_in_place(aws: Aws, handler: Handler) -> None:
    aws.loses_the_answer("UpdateItem")
    assert failures(invoke(handler, batch(DUE))) == []
    assert aws.sends["UpdateItem"] == 2
    assert aws.sends["SendEmail"] == 1
    assert aws.case(CUSTOMER).invoices[INVOICE].last_step == "first"


def test_a_settling_whose_answer_is_lost_is_not_repeated_as_news(aws: Aws, handler: Handler) -> None:
    aws.loses_the_answer("TransactWriteItems")
    assert failures(invoke(handler, batch(DUE))) == []
    assert [activity.type.value for activity in aws.log(CUSTOMER)] == ["enrolled", "sent"]
    assert aws.case(CUSTOMER).profile.due_at == SECOND


def test_a_throttled_ses_is_asked_again_in_the_next_second_and_then_a_minute_later(aws: Aws, handler: Handler) -> None:
    for wait in (minutes(1) / 60, minutes(1)):
        aws.fails("SendEmail", "TooManyRequestsException", 429)
        invoke(handler, batch(DUE))
        assert aws.case(CUSTOMER).profile.due_at == aws.clock.now + wait
        aws.clock.now += wait
    invoke(handler, batch(DUE))
    assert aws.case(CUSTOMER).invoices[INVOICE].last_step == "first"
    assert aws.calls["SendEmail"] == 3


def test_a_mail_that_ses_will_never_take_reaches_the_dead_letters_once(aws: Aws, handler: Handler) -> None:
    aws.fails("SendEmail", "BadRequestException", 400)
    assert failures(invoke(handler, batch(DUE))) == []
    invoke(handler, batch(DUE))
    assert [message["customer"] for message in aws.messages("run-dead")] == [CUSTOMER]
    assert set(aws.case(CUSTOMER).profile.holds) == {HoldKind.PARKED}


def test_as_many_invoices_of_one_customer_as_fit_are_settled_in_one_transaction(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    case = aws.case(CUSTOMER)
    after = case
    for number in range(MOST_IN_ONE_TRANSACTION - 1):
        after = after.with_invoice(replace(case.invoices[INVOICE], id=f"in_{number:02}", number=f"LS-{number}", version=0))
        stripe.has("invoices", invoice_object(id=f"in_{number:02}", number=f"LS-{number}"))
    aws.store.save(case, after)
    aws.answers("GetAccount", {"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 0.0, "MaxSendRate": 50.0}})
    invoke(handler, batch(DUE))
    mails = MOST_IN_ONE_TRANSACTION
    assert aws.calls == {"UpdateItem": mails, "Query": 1, "GetAccount": 1, "SendEmail": mails, "TransactWriteItems": 1}
