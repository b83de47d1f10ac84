from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice, Status
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorded, Recorder
from tests.unit.domain.builders import (
    ACME,
    BRIEF,
    FIRST,
    FIRST_AT,
    INVOICE,
    ISSUED,
    PROFILE,
    SEEN,
    before_due,
    case_of,
    policy,
    record,
    utc,
    with_plan,
)

NOW = ISSUED + timedelta(minutes=1)
LATER = ISSUED + timedelta(days=1)
EMPTY = case_of()
ENROLLED = record(EMPTY, SEEN, NOW).case


def known(case: Case) -> Invoice:
    return case.invoices["in_1"]


def types(activities: tuple[Activity, ...]) -> list[str]:
    return [activity.type.value for activity in activities]


def after_first() -> Case:
    """The case when the first reminder has gone out and the second stands for 19 March."""
    ran = replace(INVOICE, level=1, last_step="first", anchor_at=FIRST_AT, reminders_sent=1, last_reminder_at=FIRST_AT)
    return case_of(with_plan(ran, FIRST_AT))


def test_a_new_invoice_is_enrolled_with_its_first_step() -> None:
    recorded = record(EMPTY, SEEN, NOW)
    assert types(recorded.activities) == ["enrolled"]
    assert known(recorded.case).policy == "standard"
    assert (known(recorded.case).next_step, known(recorded.case).next_at) == ("first", FIRST_AT)


def test_the_case_learns_how_its_customer_is_reached() -> None:
    assert record(case_of(profile=replace(PROFILE, contact=Contact())), SEEN, NOW).case.profile.contact == ACME


def test_the_source_knows_its_customer_better_than_an_old_invoice_does() -> None:
    told = replace(PROFILE, contact=Contact(email="new@acme.example"), contact_stamp=ISSUED)
    learnt = record(case_of(profile=told), SEEN, NOW).case.profile.contact
    assert learnt == replace(ACME, email="new@acme.example")


@pytest.mark.parametrize("fetched", [True, False])
def test_a_word_without_news_of_the_invoice_fills_what_is_not_known_of_its_customer(fetched: bool) -> None:
    told = Contact(email="other@acme.example", phone="+3225550100", country="BE", locale="fr-BE", timezone="Europe/Brussels")
    bare = case_of(profile=replace(PROFILE, contact=Contact(email="ap@acme.example")))
    enrolled = record(bare, replace(SEEN, contact=Contact()), NOW).case
    learnt = record(enrolled, replace(SEEN, contact=told), LATER, fetched=fetched)
    assert learnt.case.profile.contact == replace(told, email="ap@acme.example")
    assert record(learnt.case, replace(SEEN, contact=replace(told, locale="de", phone="+43")), LATER) == Recorded(learnt.case)


def test_an_address_is_not_lost_because_a_later_snapshot_lacks_it() -> None:
    silent = replace(SEEN, contact=Contact(), stamp=LATER, amount_due=100_00)
    assert record(ENROLLED, silent, LATER).case.profile.contact == ACME


def test_a_draft_is_not_yet_owed() -> None:
    assert record(EMPTY, replace(SEEN, status=Status.DRAFT), NOW) == Recorded(EMPTY)


@pytest.mark.parametrize(
    ("status", "logged"),
    [(Status.PAID, "paid"), (Status.VOID, "closed"), (Status.UNCOLLECTIBLE, "closed")],
)
def test_an_invoice_first_seen_when_it_was_settled_is_remembered_and_left_alone(status: Status, logged: str) -> None:
    recorded = record(EMPTY, replace(SEEN, status=status), NOW)
    assert types(recorded.activities) == [logged]
    assert known(recorded.case).next_at is None
    assert known(recorded.case).thanks_at is None


def test_a_payment_that_overtakes_its_invoice_is_not_forgotten() -> None:
    paid = record(EMPTY, replace(SEEN, status=Status.PAID, amount_due=0, stamp=LATER), LATER).case
    assert record(paid, SEEN, LATER) == Recorded(paid)


@pytest.mark.parametrize("fetched", [True, False])
def test_the_same_snapshot_twice_changes_nothing(fetched: bool) -> None:
    assert record(ENROLLED, SEEN, LATER, fetched=fetched) == Recorded(ENROLLED)


def test_a_newer_word_without_news_writes_nothing() -> None:
    assert record(ENROLLED, replace(SEEN, stamp=LATER), LATER) == Recorded(ENROLLED)


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [(-3600, "late"), (-60, "late"), (-59, "doubtful"), (0, "doubtful"), (59, "doubtful"), (60, "taken"), (3600, "taken")],
)
def test_two_words_within_a_minute_prove_nothing_about_their_order(seconds: int, outcome: str) -> None:
    differs = replace(SEEN, amount_due=80_00, stamp=ISSUED + timedelta(seconds=seconds))
    recorded = record(ENROLLED, differs, NOW)
    assert recorded.doubtful == (outcome == "doubtful")
    assert known(recorded.case).amount_due == (80_00 if outcome == "taken" else 120_00)
    assert (recorded.case == ENROLLED) == (outcome != "taken")


def test_what_was_fetched_is_believed_within_the_minute() -> None:
    asked = replace(SEEN, amount_due=80_00, stamp=ISSUED + timedelta(seconds=5))
    assert known(record(ENROLLED, asked, NOW, fetched=True).case).amount_due == 80_00


def test_what_was_fetched_after_the_case_was_read_is_newer_whatever_the_clocks_say() -> None:
    newer = record(ENROLLED, replace(SEEN, amount_due=80_00, stamp=LATER), LATER).case
    after = known(record(newer, replace(SEEN, amount_due=60_00, stamp=LATER - timedelta(seconds=5)), LATER, fetched=True).case)
    assert (after.amount_due, after.stamp) == (60_00, LATER)


@pytest.mark.parametrize("status", [Status.PAID, Status.VOID])
@pytest.mark.parametrize("seconds", [-86_400, -30, 0, 30, 86_400])
def test_a_terminal_status_is_final_whatever_the_order(status: Status, seconds: int) -> None:
    ended = record(ENROLLED, replace(SEEN, status=status, amount_due=0, stamp=ISSUED + timedelta(seconds=seconds)), NOW).case
    assert known(ended).status is status
    assert known(ended).next_at is None
    assert known(ended).stamp >= ISSUED
    assert record(ended, replace(SEEN, stamp=LATER), LATER, fetched=True) == Recorded(ended)


def test_an_invoice_given_up_can_still_be_paid() -> None:
    given_up = record(after_first(), replace(SEEN, status=Status.UNCOLLECTIBLE, stamp=LATER), LATER)
    paid = record(given_up.case, replace(SEEN, status=Status.PAID, amount_due=0, stamp=ISSUED), LATER)
    assert types(given_up.activities) + types(paid.activities) == ["closed", "paid"]


def test_an_invoice_given_up_can_be_taken_up_again() -> None:
    given_up = record(ENROLLED, replace(SEEN, status=Status.UNCOLLECTIBLE, stamp=LATER), LATER).case
    assert known(given_up).next_at is None
    again = record(given_up, replace(SEEN, stamp=LATER + timedelta(hours=1)), LATER + timedelta(hours=1))
    assert types(again.activities) == ["reopened"]
    assert known(again.case).next_at == FIRST_AT


def test_a_partial_payment_is_one_also_when_its_snapshot_tells_more() -> None:
    before = after_first()
    told = replace(SEEN, amount_due=70_50, number="INV-7b", stamp=FIRST_AT)
    recorded = record(before, told, FIRST_AT)
    assert types(recorded.activities) == ["partly_paid"]
    assert recorded.activities[0].reason == "120.00 → 70.50 EUR; number changed, too"


def test_a_part_payment_whose_snapshot_moves_the_due_date_times_the_plan_anew() -> None:
    assert isinstance(SEEN.due, date)
    later = replace(SEEN, amount_due=70_50, due=SEEN.due + timedelta(days=10), stamp=LATER)
    recorded = record(ENROLLED, later, LATER)
    assert types(recorded.activities) == ["partly_paid"]
    assert known(recorded.case).next_at == FIRST_AT + timedelta(days=10)


def test_a_smaller_invoice_is_no_payment() -> None:
    recorded = record(ENROLLED, replace(SEEN, amount_due=70_50, total=70_50, stamp=LATER), LATER)
    assert types(recorded.activities) == ["updated"]


def test_a_partial_payment_goes_on_with_the_plan_for_what_is_left() -> None:
    before = after_first()
    recorded = record(before, replace(SEEN, amount_due=70_50, stamp=FIRST_AT), FIRST_AT)
    assert [(activity.type, activity.reason) for activity in recorded.activities] == [(ActivityType.PARTLY_PAID, "120.00 → 70.50 EUR")]
    assert known(recorded.case) == replace(known(before), amount_due=70_50, stamp=FIRST_AT)


@pytest.mark.parametrize(
    ("currency", "total", "left", "reason"),
    [("JPY", 12_000, 5_000, "12000 → 5000 JPY"), ("KWD", 12_000, 5_500, "12.000 → 5.500 KWD")],
)
def test_a_partial_payment_is_told_in_the_currencys_own_units(currency: str, total: int, left: int, reason: str) -> None:
    issued = replace(SEEN, currency=currency, total=total, amount_due=total)
    case = record(EMPTY, issued, NOW).case
    assert record(case, replace(issued, amount_due=left, stamp=LATER), LATER).activities[0].reason == reason


def test_more_owed_than_before_is_a_change_and_no_payment() -> None:
    assert types(record(ENROLLED, replace(SEEN, amount_due=150_00, total=150_00, stamp=LATER), LATER).activities) == ["updated"]


@pytest.mark.parametrize(
    ("due", "now", "step", "at"),
    [
        (date(2026, 4, 10), LATER, "first", "2026-04-17 09:00"),
        (date(2026, 3, 1), LATER, "first", "2026-03-08 09:00"),
        (date(2026, 1, 1), utc("2026-02-09 08:00"), "first", "2026-02-09 09:00"),  # overdue at once: today at its time
        (date(2026, 1, 1), utc("2026-02-09 12:00"), "first", "2026-02-09 12:00"),
    ],
)
def test_a_due_date_that_moves_before_the_first_reminder_moves_it(due: date, now: datetime, step: str, at: str) -> None:
    moved = known(record(ENROLLED, replace(SEEN, due=due, stamp=LATER), now).case)
    assert (moved.next_step, moved.next_at) == (step, utc(at))


@pytest.mark.parametrize(
    ("due", "at"),
    [(date(2026, 3, 1), "2026-03-19 09:00"), (date(2026, 4, 10), "2026-04-19 09:00")],
)
def test_a_due_date_that_moves_after_the_first_reminder_does_not_repeat_it(due: date, at: str) -> None:
    seen = replace(SEEN, due=due, stamp=FIRST_AT + timedelta(hours=1))
    moved = known(record(after_first(), seen, FIRST_AT + timedelta(hours=1)).case)
    assert (moved.level, moved.next_step, moved.next_at) == (1, "second", utc(at))


def test_a_day_of_issue_that_moves_moves_the_due_date_counted_from_it() -> None:
    counting = replace(BRIEF, no_due_date_after=30)
    undated = replace(SEEN, due=None)
    case = record(EMPTY, undated, NOW, counting).case
    issued_later = replace(undated, issued_at=ISSUED + timedelta(days=10), stamp=LATER)
    assert known(record(case, issued_later, LATER, counting).case).next_at == FIRST_AT + timedelta(days=10)


def test_a_due_instant_is_the_day_the_seller_wrote() -> None:
    midnight_in_berlin = utc("2026-03-09 23:00")
    recorded = record(EMPTY, replace(SEEN, due=midnight_in_berlin), NOW, replace(BRIEF, timezone="Europe/Berlin"))
    assert known(recorded.case).due_date == date(2026, 3, 10)


CAREFUL = replace(BRIEF, minimum_balance={"EUR": 5_00})


def test_an_invoice_falls_below_the_minimum_and_comes_back() -> None:
    enrolled = record(EMPTY, SEEN, NOW, CAREFUL).case
    below = record(enrolled, replace(SEEN, amount_due=4_00, stamp=LATER), LATER, CAREFUL)
    assert types(below.activities) == ["partly_paid", "suppressed"]
    assert (known(below.case).next_at, known(below.case).suppressed_for) == (None, "below_minimum_balance")

    still = record(below.case, replace(SEEN, amount_due=3_00, stamp=LATER + timedelta(hours=1)), LATER, CAREFUL)
    assert types(still.activities) == ["partly_paid"]

    back = known(record(still.case, replace(SEEN, amount_due=9_00, stamp=LATER + timedelta(hours=2)), LATER, CAREFUL).case)
    assert (back.next_at, back.suppressed_for) == (FIRST_AT, None)


@pytest.mark.parametrize(
    ("automatic", "due", "follows", "logged", "next_at"),
    [
        (True, None, BRIEF, ["enrolled", "suppressed"], None),
        (False, None, BRIEF, ["enrolled", "suppressed"], None),
        (True, SEEN.due, BRIEF, ["enrolled", "suppressed"], None),
        (True, SEEN.due, replace(BRIEF, remind_charge_automatically=True), ["enrolled"], FIRST_AT),
        (True, None, replace(BRIEF, remind_charge_automatically=True), ["enrolled", "suppressed"], None),
        (False, None, replace(BRIEF, no_due_date_after=30), ["enrolled"], FIRST_AT),
    ],
)
def test_what_is_charged_automatically_or_never_due_is_recorded_and_reminded_of_only_if_the_policy_says_so(
    automatic: bool, due: date | None, follows: Policy, logged: list[str], next_at: datetime | None
) -> None:
    recorded = record(EMPTY, replace(SEEN, collects_automatically=automatic, due=due), NOW, follows)
    assert types(recorded.activities) == logged
    assert known(recorded.case).next_at == next_at


def test_an_invoice_that_is_no_longer_charged_automatically_is_reminded_of() -> None:
    charged = record(EMPTY, replace(SEEN, collects_automatically=True), NOW).case
    assert known(record(charged, replace(SEEN, stamp=LATER), LATER).case).next_at == FIRST_AT


def test_a_reminder_whose_day_is_over_is_logged_as_skipped() -> None:
    follows = policy(before_due("upcoming", 3), FIRST)
    recorded = record(EMPTY, SEEN, utc("2026-03-09 12:00"), follows)
    assert [(activity.type.value, activity.step) for activity in recorded.activities] == [("enrolled", None), ("skipped", "upcoming")]
    assert (known(recorded.case).level, known(recorded.case).next_step) == (1, "first")


@pytest.mark.parametrize(("reminders", "thanked"), [(0, False), (1, True)])
def test_only_who_was_reminded_is_thanked(reminders: int, thanked: bool) -> None:
    thankful = replace(BRIEF, on_paid_email="thank_you")
    case = case_of(with_plan(replace(INVOICE, reminders_sent=reminders), NOW, thankful))
    paid = record(case, replace(SEEN, status=Status.PAID, amount_due=0, stamp=LATER), LATER, thankful)
    assert (known(paid.case).thanks_at == LATER) == thanked
    assert types(paid.activities) == ["paid"]


@pytest.mark.parametrize(("link_read", "kept"), [(True, None), (False, "https://pay.example/1")])
def test_a_payment_link_that_was_taken_away_is_dropped_where_the_source_was_asked_for_it(link_read: bool, kept: str | None) -> None:
    linked = case_of(replace(known(ENROLLED), payment_url="https://pay.example/1"))
    recorded = record(linked, replace(SEEN, payment_url=None, link_read=link_read, stamp=LATER), LATER, fetched=True)
    assert known(recorded.case).payment_url == kept
    assert [one.reason for one in recorded.activities] == (["payment_url"] if link_read else [])


def test_what_a_credit_note_settled_is_no_payment_and_nobody_is_thanked() -> None:
    credited = replace(SEEN, status=Status.PAID, amount_due=0, stamp=LATER, by_credit=True)
    recorded = record(case_of(with_plan(replace(INVOICE, reminders_sent=1), NOW, THANKFUL)), credited, LATER, THANKFUL)
    assert (known(recorded.case).thanks_at, known(recorded.case).next_at) == (None, None)
    assert [(one.type.value, one.reason) for one in recorded.activities] == [
        ("closed", "settled by credit, without a payment to give thanks for")
    ]


def test_an_invoice_that_its_source_lost_is_closed_and_reopened_when_it_comes_back() -> None:
    recorder = Recorder(lambda _: BRIEF, frozenset(), LATER, "daily_sweep")
    gone = recorder.closed_as_unknown(ENROLLED, "in_1")
    assert types(gone.activities) == ["closed"]
    assert known(gone.case).next_at is None
    assert recorder.closed_as_unknown(gone.case, "in_1") == Recorded(gone.case)
    assert recorder.closed_as_unknown(gone.case, "in_other") == Recorded(gone.case)

    back = record(gone.case, replace(SEEN, stamp=LATER + timedelta(hours=1)), LATER + timedelta(hours=1), fetched=True)
    assert types(back.activities) == ["reopened"]
    assert known(back.case).next_at == FIRST_AT


def test_a_plan_that_was_lost_is_put_down_again() -> None:
    lost = case_of(replace(known(ENROLLED), next_step=None, next_at=None))
    assert record(lost, SEEN, LATER, fetched=True).case == ENROLLED


def test_a_held_case_keeps_its_plan_up_to_date() -> None:
    held = ENROLLED.with_profile(replace(PROFILE, holds={HoldKind.DISPUTE: Hold(NOW)}))
    assert known(record(held, replace(SEEN, due=date(2026, 4, 10), stamp=LATER), LATER).case).next_at == utc("2026-04-17 09:00")


THANKFUL = replace(BRIEF, on_paid_email="thank_you")
NOTHING_IS_FINAL = Recorder(lambda _: THANKFUL, frozenset(), LATER, "sync_invoice")


def paid_where_nothing_is_final() -> Case:
    reminded = case_of(replace(INVOICE, reminders_sent=1))
    return NOTHING_IS_FINAL.record(reminded, replace(SEEN, status=Status.PAID, amount_due=0, stamp=LATER), fetched=True).case


def test_nobody_is_thanked_for_a_payment_that_was_taken_back() -> None:
    paid = paid_where_nothing_is_final()
    assert known(paid).thanks_at == LATER
    reopened = NOTHING_IS_FINAL.record(paid, replace(SEEN, stamp=LATER + timedelta(minutes=5)), fetched=True)
    assert types(reopened.activities) == ["reopened"]
    assert known(reopened.case).thanks_at is None


def test_a_paid_invoice_that_is_edited_is_not_paid_again() -> None:
    paid = paid_where_nothing_is_final()
    thanked = paid.with_invoice(replace(known(paid), thanks_at=None))
    edited = replace(SEEN, status=Status.PAID, amount_due=0, number="ACME-0007b", stamp=LATER + timedelta(minutes=5))
    recorded = NOTHING_IS_FINAL.record(thanked, edited, fetched=True)
    assert types(recorded.activities) == ["updated"]
    assert known(recorded.case).thanks_at is None
