"""What SES does not take today or this second goes later, in the order in which it fell due; nothing is lost, nothing comes twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.running import RunningCloud, running_cloud
from tests.integration.faults.run import Run

EIGHT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = 24 * 60
ONE_REMINDER = """
name: standard
timezone: UTC
send_window: {email: "08:00-18:00"}
minimum_balance: {default: "1.00"}
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
"""


@pytest.fixture
def running() -> Iterator[RunningCloud]:
    """A cloud with a plan of one reminder."""
    with running_cloud(EIGHT, outer_env={}) as started:
        started.cloud.put_policy("standard", ONE_REMINDER)
        yield started


def mails(running: RunningCloud) -> list[tuple[str, datetime]]:
    """Whom each mail is about, and when it was taken."""
    sent = [entry for entry in running.cloud.outbox() if entry["channel"] == "email"]
    return [(entry["customer"] or "", datetime.fromisoformat(entry["sent_at"])) for entry in sent]


def due_at_nine(run: Run, customers: range, *, day: int = 0) -> None:
    """These customers' first reminder is due at nine on a day from the run's beginning."""
    for customer in customers:
        run.tell("invoice.finalized", run.owed(customer, due=day - 7))


def test_a_spent_daily_quota_lets_the_longest_due_go_first_on_the_days_that_follow(running: RunningCloud) -> None:
    running.cloud.mail.per_day = 2
    run = Run(running, EIGHT, 7)
    due_at_nine(run, range(5))
    due_at_nine(run, range(5, 7), day=1)
    run.minute(4 * DAY)
    sent = [customer for customer, _ in mails(running)]
    assert Counter(sent) == {run.customer(number): 1 for number in range(7)}
    assert set(sent[:5]) == {run.customer(number) for number in range(5)}, "who fell due a day later went first"
    assert all(run.case(number).invoices[str(run.owed(number)["id"])].level >= 1 for number in range(7))
    assert running.cloud.dead_letters() == []


def test_who_becomes_known_by_a_webhook_does_not_go_past_those_who_wait(running: RunningCloud) -> None:
    running.cloud.mail.per_day = 1
    run = Run(running, EIGHT, 4)
    due_at_nine(run, range(1, 3), day=1)
    run.minute(65)
    due_at_nine(run, range(1))  # the one mail of Monday goes at five past nine
    run.minute(DAY + 66)  # SES gives one again, and the wheel has not heard of it
    due_at_nine(run, range(3, 4))
    run.minute(6 * DAY)
    assert [customer for customer, _ in mails(running)] == [run.customer(number) for number in range(4)]


def test_in_no_second_more_mails_go_out_than_ses_takes(running: RunningCloud) -> None:
    running.cloud.mail.per_second = 2
    run = Run(running, EIGHT, 30)
    due_at_nine(run, range(30))
    run.minute(90)
    sent = mails(running)
    assert Counter(customer for customer, _ in sent) == {run.customer(number): 1 for number in range(30)}
    assert max(Counter(at.replace(microsecond=0) for _, at in sent).values()) <= 2


def test_messages_that_all_come_directly_at_one_second_keep_below_the_rate_too(running: RunningCloud) -> None:
    running.cloud.mail.per_second = 2
    run = Run(running, EIGHT, 30)
    run.minute(50)
    due_at_nine(run, range(30))
    with running.cloud.attempts() as attempts:
        run.minute(59.9)
        run.minute(61)
    sent = mails(running)
    assert Counter(customer for customer, _ in sent) == {run.customer(number): 1 for number in range(30)}
    assert set(Counter(at.replace(microsecond=0) for _, at in sent).values()) == {2}
    assert sum(attempt.operation == "SendEmail" for attempt in attempts) == 30, "SES refused some"
    assert all(run.case(number).profile.retries == 0 for number in range(30))


def test_what_ses_refuses_for_its_rate_is_tried_again_and_comes_once(running: RunningCloud) -> None:
    run = Run(running, EIGHT, 10)
    due_at_nine(run, range(10))
    run.minute(55)
    running.cloud.add_fault("sesv2", "SendEmail", "throttle", 25)
    run.minute(5 * 60)
    assert Counter(customer for customer, _ in mails(running)) == {run.customer(number): 1 for number in range(10)}
    assert running.cloud.dead_letters() == []


def test_what_became_due_by_a_webhook_while_the_quota_was_spent_comes_once_when_there_is_one_again(running: RunningCloud) -> None:
    running.cloud.mail.per_day = 1
    run = Run(running, EIGHT + timedelta(hours=2), 3)
    run.minute(0)
    due_at_nine(run, range(3))
    assert len(mails(running)) == 1
    run.minute(5 * DAY)
    assert Counter(customer for customer, _ in mails(running)) == {run.customer(number): 1 for number in range(3)}
    assert running.cloud.dead_letters() == []
