"""What is known of a row when several messages tell of it: the table hands their marks out in no order."""

from datetime import timedelta
from itertools import permutations

import pytest

from dunning.domain.case import EffectState, Mark
from dunning.domain.effects import Channel, joint_key, marks_by_row, row_key
from tests.fakes.clock import MONDAY_MORNING as NOW

ALONE = row_key(Channel.SMS, "second", "in_2")
TOGETHER = joint_key(Channel.SMS, [("second", "in_1"), ("second", "in_2")])
OTHERS = joint_key(Channel.SMS, [("second", "in_2"), ("second", "in_3")])
REFUSED, STARTED, DONE = EffectState.REFUSED, EffectState.STARTED, EffectState.DONE


@pytest.mark.parametrize(
    ("marks", "counts"),
    [
        ({ALONE: Mark(REFUSED), TOGETHER: Mark(STARTED, NOW)}, STARTED),
        ({ALONE: Mark(STARTED, NOW), TOGETHER: Mark(REFUSED)}, STARTED),
        ({ALONE: Mark(REFUSED), TOGETHER: Mark(DONE, NOW)}, DONE),
        ({ALONE: Mark(DONE, NOW), TOGETHER: Mark(REFUSED)}, DONE),
        ({ALONE: Mark(STARTED, NOW), TOGETHER: Mark(DONE, NOW)}, DONE),
        ({ALONE: Mark(DONE, NOW), TOGETHER: Mark(STARTED, NOW)}, DONE),
        ({ALONE: Mark(REFUSED), TOGETHER: Mark(STARTED, NOW), OTHERS: Mark(REFUSED)}, STARTED),
        ({ALONE: Mark(STARTED, NOW), TOGETHER: Mark(DONE, NOW), OTHERS: Mark(REFUSED)}, DONE),
        ({ALONE: Mark(REFUSED), TOGETHER: Mark(REFUSED)}, REFUSED),
    ],
)
def test_what_has_gone_out_or_may_have_outweighs_a_refusal_in_whatever_order_they_are_read(
    marks: dict[str, Mark], counts: EffectState
) -> None:
    for order in permutations(marks.items()):
        assert marks_by_row(dict(order))[ALONE].state is counts


def test_of_two_messages_that_went_out_the_first_tells_when_in_whatever_order_they_are_read() -> None:
    marks = {ALONE: Mark(DONE, NOW + timedelta(minutes=21)), TOGETHER: Mark(DONE, NOW), OTHERS: Mark(DONE)}
    for order in permutations(marks.items()):
        assert marks_by_row(dict(order))[ALONE] == Mark(DONE, NOW, leads=False)


def test_a_message_that_was_refused_after_it_was_begun_was_surely_not_sent() -> None:
    begun = {TOGETHER: Mark(STARTED, NOW), ALONE: Mark(REFUSED)}
    assert marks_by_row({**begun, TOGETHER: Mark(REFUSED)})[ALONE].state is REFUSED
