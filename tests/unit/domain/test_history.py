"""What whoever takes a case over is told of its past."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.history import PastEvent, history_of
from dunning.domain.invoice import Invoice, Status

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
"""Already the 29th in Berlin, the day on which summer time begins there."""
INVOICES = {
    each: Invoice(each, "stripe", "stripe:cus_1", f"NO-{each}", Status.OPEN, "EUR", 100, 100, None, None, AT)
    for each in ("in_1", "in_2", "in_3")
}


def did(kind: ActivityType, *invoices: str, at: datetime = AT, reason: str | None = None) -> Activity:
    return Activity(at, kind, reason, invoices, "first", "run_step", "email")


def test_a_day_is_the_readers_own() -> None:
    log = [did(ActivityType.SENT, "in_1"), did(ActivityType.OPENED, "in_1", at=AT + timedelta(hours=23))]
    assert [event.on for event in history_of(log, ("in_1",), INVOICES, BERLIN)] == [date(2026, 3, 29), date(2026, 3, 30)]
    assert history_of(log, ("in_1",), INVOICES, ZoneInfo("UTC"))[0].on == date(2026, 3, 28)


def test_only_what_was_about_these_invoices_or_the_whole_case_is_told() -> None:
    log = [
        did(ActivityType.SENT, "in_3"),
        did(ActivityType.REPLIED),
        did(ActivityType.SENT, "in_1", "in_3"),
        did(ActivityType.ENROLLED, "in_1"),
    ]
    told = history_of(log, ("in_1", "in_2"), INVOICES, BERLIN)
    assert [(event.type, event.invoices) for event in told] == [(ActivityType.REPLIED, ()), (ActivityType.SENT, ("NO-in_1",))]


def test_what_was_about_all_of_them_names_none() -> None:
    (told,) = history_of([did(ActivityType.SENT, "in_1", "in_2", "in_3")], ("in_1", "in_2"), INVOICES, BERLIN)
    assert told == PastEvent(date(2026, 3, 29), ActivityType.SENT, "email", "first")


def test_the_latest_ten_are_told_oldest_first() -> None:
    log = [did(ActivityType.HELD, "in_1", at=AT + timedelta(days=day), reason=f"reason {day}") for day in range(15)]
    assert [event.reason for event in history_of(log, ("in_1",), INVOICES, BERLIN)] == [f"reason {day}" for day in range(5, 15)]
    assert history_of(log[:3], ("in_1",), INVOICES, BERLIN)[0].reason == "reason 0"
