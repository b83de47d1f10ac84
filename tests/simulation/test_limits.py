"""What the simulator says of messages that went out over a limit."""

from datetime import UTC, datetime, timedelta
from random import Random

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.policy import MessageLimit, Policy
from dunning.workflow.ports import Envelope
from tests.simulation.limits import limited, too_many, unapproved, without_limits
from tests.simulation.records import Accepted
from tests.simulation.shapes import SHAPES

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
LARGE, SMALL = {"in_1": 100_00, "in_2": 1}, {"in_1": 50_00, "in_2": 50_00}


def sent(row: str, minutes: int = 0, channel: str = "email", claim: str = "claim-1") -> Accepted:
    envelope = Envelope("reminder", "stripe:cus_1", ("in_1",), "first", claim, f"{channel}:{row}")
    return Accepted(channel, ("pat@example.com",), envelope, AT + timedelta(minutes=minutes))


def approved(*invoices: str) -> list[Activity]:
    return [Activity(AT, ActivityType.APPROVED, None, invoices, "first")]


def careful() -> Policy:
    """A shape with a first step that waits for approval above 60.00."""
    policies = (limited(SHAPES[0], Random(seed)) for seed in range(100))
    return next(policy for policy in policies if policy.steps[0].approve_above)


def test_a_step_over_the_amount_needs_an_answer_before_it_goes_out() -> None:
    policy = careful()
    assert (
        unapproved(sent("first:in_1"), policy, LARGE, []) == "though nobody has approved 10000 of it, and steps over 6000 wait for a person"
    )
    assert unapproved(sent("first:in_1"), policy, LARGE, approved("in_1")) is None
    assert unapproved(sent("first:in_2"), policy, LARGE, []) is None
    assert unapproved(sent("first:in_1"), without_limits(policy), LARGE, []) is None


def test_what_a_message_about_several_asks_for_counts_together_but_for_what_is_approved() -> None:
    policy, both = careful(), sent("first*2:in_1,in_2")
    assert unapproved(both, policy, SMALL, []) is not None
    assert unapproved(both, policy, SMALL, approved("in_2")) is None


def test_reminders_are_counted_in_every_span_and_mail_and_text_of_one_step_are_one() -> None:
    policy = Policy("standard", "UTC", SHAPES[0].steps, max_messages=MessageLimit(1, timedelta(hours=2)))
    assert list(too_many([sent("first:in_1"), sent("first:in_1", 20, "sms"), sent("second:in_1", 120)], policy)) == []
    assert len(list(too_many([sent("first:in_1"), sent("second:in_1", 110)], policy))) == 1
