"""What a bookkeeper reads, and how notes share a field with the bookkeeper's own words."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.notes import Note, is_noted, note_of, with_lines

LATE_IN_LONDON = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
AUCKLAND = ZoneInfo("Pacific/Auckland")


def of(kind: ActivityType, reason: str | None = None, step: str | None = "first", channel: str | None = None) -> Activity:
    return Activity(LATE_IN_LONDON, kind, reason, ("in_1",), step, "run_step", channel)


def note(number: int, text: str = "2026-03-09 dunning: x") -> Note:
    return Note(f"01JNX{number:021}", text)


@pytest.mark.parametrize(
    ("activity", "text"),
    [
        (of(ActivityType.SENT, channel="email"), '2026-03-10 dunning: Reminder "first" sent by email'),
        (of(ActivityType.SENT, channel="email, sms"), '2026-03-10 dunning: Reminder "first" sent by email and SMS'),
        (of(ActivityType.SENT, step=None, channel="email"), "2026-03-10 dunning: Thank-you for the payment sent by email"),
        (of(ActivityType.ESCALATED, step="escalate"), '2026-03-10 dunning: Handed over to our team (step "escalate")'),
        (of(ActivityType.UNDELIVERED, "pat@example.com bounced"), '2026-03-10 dunning: Message could not be delivered (step "first")'),
        (of(ActivityType.HELD, "dispute opened"), "2026-03-10 dunning: Disputed; reminders wait"),
        (
            of(ActivityType.HELD, "promise: pays 120.00 USD by 2026-03-20, until 2026-03-24 23:00 UTC"),
            "2026-03-10 dunning: Promise: pays 120.00 USD by 2026-03-20; reminders wait",
        ),
        (
            of(ActivityType.RELEASED, "promise: kept: 120.00 USD by 2026-03-20"),
            "2026-03-10 dunning: Promise over: kept: 120.00 USD by 2026-03-20",
        ),
        (of(ActivityType.FEE_APPLIED, "1.80 USD"), "2026-03-10 dunning: Late fee applied: 1.80 USD"),
    ],
)
def test_a_note_tells_the_local_day_and_what_happened_without_an_address(activity: Activity, text: str) -> None:
    found = note_of(activity, "01JNX000000000000000000001", AUCKLAND)
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    "kind", [ActivityType.ENROLLED, ActivityType.SUPPRESSED, ActivityType.SKIPPED, ActivityType.PAID, ActivityType.UPDATED]
)
def test_what_nobody_outside_noticed_or_the_source_told_us_is_not_noted(kind: ActivityType) -> None:
    assert not is_noted(of(kind, "dispute opened"))
    assert not is_noted(of(ActivityType.HELD, "parked: refused 40 times in a row"))


def test_a_note_is_added_below_what_stands_there_and_only_once() -> None:
    once = with_lines("Call Pat first!\nVIP", [note(1)], 4000)
    assert once == "Call Pat first!\nVIP\n2026-03-09 dunning: x [01JNX000000000000000000001]"
    assert with_lines(once, [note(1)], 4000) is None


def test_our_oldest_line_gives_way_and_never_the_bookkeepers() -> None:
    text = "mine"
    for number in (2, 1, 3):
        text = with_lines(text, [note(number)], 4000) or text
    text += "\nmine, too"
    limit = len(text) + 1

    shorter = with_lines(text, [note(4)], limit)
    assert shorter is not None
    assert len(shorter) <= limit
    assert [line[-2:] for line in shorter.split("\n")] == ["ne", "2]", "3]", "oo", "4]"]


def test_a_late_note_does_not_push_out_newer_ones_and_none_is_written_where_there_is_no_room() -> None:
    full = with_lines("", [note(5)], 4000) or ""
    assert with_lines(full, [note(4)], len(full)) is None
    assert with_lines("x" * 4000, [note(1)], 4000) is None
