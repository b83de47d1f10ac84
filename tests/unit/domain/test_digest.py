"""The daily digest: what counts, who waits for a person, and how old the open money is."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.approval import joint_question
from dunning.domain.case import Case
from dunning.domain.digest import MOST_LOOKED_AT, MOST_SHOWN, Happened, OpenAmount, as_known, digest_of
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Status
from dunning.domain.money import Money
from tests.unit.domain.builders import INVOICE, PROFILE, case_of, utc

DAY = date(2026, 3, 17)
AT = utc("2026-03-16 09:00")


def happened(kind: ActivityType, *invoices: str, customer: str = "stripe:cus_1", reason: str = "why") -> Happened:
    return Happened(customer, kind, AT, invoices, reason)


def test_a_message_about_three_invoices_counts_three() -> None:
    digest = digest_of(DAY, [happened(ActivityType.SENT, "a", "b", "c"), happened(ActivityType.SENT, "d"), happened(ActivityType.HELD)], [])
    assert digest.counts == {ActivityType.SENT: 4, ActivityType.HELD: 1}


def test_who_waits_for_a_person_is_told_newest_first_and_no_more_than_a_page_holds() -> None:
    rows = [Happened(f"c{n:02}", ActivityType.ESCALATED, AT + timedelta(minutes=n)) for n in range(MOST_SHOWN + 3)]
    told = digest_of(DAY, [*rows, happened(ActivityType.SENT, "a"), happened(ActivityType.PAID, "a")], [])
    digest = as_known(told, {row.customer: case_of() for row in rows})
    assert [one.happened.customer for one in digest.waiting] == [f"c{n:02}" for n in range(MOST_SHOWN + 2, 2, -1)]
    assert digest.left_out == 3


def test_what_waits_for_approval_is_named_whatever_its_day_the_longest_waiting_first() -> None:
    cases = {
        f"c{n:02}": case_of(replace(ASKED, next_at=AT - timedelta(days=n)), OTHER, profile=replace(PROFILE, customer=f"c{n:02}"))
        for n in range(MOST_SHOWN + 2)
    }
    cases["answered"] = case_of(ANSWERED, profile=replace(PROFILE, customer="answered"))
    cases["not chased"] = case_of(ASKED, profile=replace(PROFILE, customer="not chased", do_not_chase=True))
    asked = ["answered", *cases.keys(), "not looked at"]
    digest = as_known(digest_of(DAY, [], []), cases, list(dict.fromkeys(asked)))
    assert [one.happened.customer for one in digest.asked] == [f"c{n:02}" for n in range(MOST_SHOWN + 1, 1, -1)]
    assert digest.asked_left_out == 3
    assert (digest.asked[0].numbers, digest.asked[0].owed) == ({"in_1": "ACME-0007"}, {"EUR": 120_00})


def test_no_more_cases_are_read_than_a_morning_allows_and_the_others_are_counted() -> None:
    rows = [Happened(f"c{n}", ActivityType.ESCALATED, AT) for n in range(MOST_LOOKED_AT + 3)]
    told = digest_of(DAY, rows, [])
    assert len(told.customers) == MOST_LOOKED_AT
    assert as_known(told, {row.customer: case_of() for row in rows}).left_out == MOST_LOOKED_AT + 3 - MOST_SHOWN


@pytest.mark.parametrize(
    ("reason", "waits"), [("operator: ask legal", True), ("parked: refused 40 times", True), ("promise until Friday", False)]
)
def test_of_what_is_held_only_what_a_person_must_release_waits(reason: str, waits: bool) -> None:
    assert bool(digest_of(DAY, [happened(ActivityType.HELD, "a", reason=reason)], []).waiting) is waits


def test_who_waits_is_told_by_name_with_the_numbers_of_the_invoices_and_what_they_still_owe() -> None:
    yen = replace(INVOICE, id="in_2", number="ACME-0008", currency="JPY", amount_due=500)
    settled = replace(INVOICE, id="in_3", number="ACME-0009", status=Status.PAID, amount_due=0)
    case = case_of(INVOICE, yen, settled, replace(INVOICE, id="in_4", number="ACME-0010"))
    digest = digest_of(DAY, [happened(ActivityType.ESCALATED, "in_1", "in_2", "in_3", "in_gone")], [])
    (waiting,) = as_known(digest, {"stripe:cus_1": case}).waiting
    assert (waiting.name, waiting.owed) == ("Acme GmbH", {"EUR": 120_00, "JPY": 500})
    assert waiting.numbers == {"in_1": "ACME-0007", "in_2": "ACME-0008", "in_3": "ACME-0009"}


QUESTION = happened(
    ActivityType.NOTIFIED, "in_1", "in_2", reason=joint_question("stripe:cus_1", ["1", "2"], 2, Money(3, "EUR"), Money(2, "EUR"))
)
PARKED = happened(ActivityType.HELD, "in_1", reason="parked: refused 40 times")
TOLD = happened(ActivityType.NOTIFIED, "in_1", reason="the plan ended")
ASKED = replace(INVOICE, next_step="first", approval=Approval("first", ApprovalState.ASKED, 120_00, together=True))
ANSWERED = replace(ASKED, approval=Approval("first", ApprovalState.APPROVED, 120_00, together=True))
OTHER = replace(ANSWERED, id="in_2")


@pytest.mark.parametrize(
    ("case", "shown"),
    [
        (case_of(ASKED, OTHER), [TOLD]),
        (case_of(ANSWERED, OTHER), [TOLD]),
        (case_of(profile=replace(PROFILE, holds={HoldKind.OPERATOR: Hold(AT)})), [PARKED, TOLD]),
        (case_of(profile=replace(PROFILE, holds={HoldKind.PARKED: Hold(AT)})), [PARKED, TOLD]),
        (case_of(replace(INVOICE, holds={HoldKind.PARKED: Hold(AT)})), [PARKED, TOLD]),
        (case_of(replace(INVOICE, holds={HoldKind.DISPUTE: Hold(AT)})), [TOLD]),
    ],
)
def test_a_question_has_a_place_of_its_own_and_what_was_released_since_is_left_out(case: Case, shown: list[Happened]) -> None:
    digest = as_known(digest_of(DAY, [QUESTION, PARKED, TOLD], []), {"stripe:cus_1": case})
    assert [one.happened for one in digest.waiting] == shown


@pytest.mark.parametrize(
    ("due", "bucket"),
    [
        (date(2026, 3, 17), "not due yet"),
        (date(2026, 4, 1), "not due yet"),
        (None, "not due yet"),
        (date(2026, 3, 16), "1 to 30 days"),
        (date(2026, 2, 15), "1 to 30 days"),
        (date(2026, 2, 14), "31 to 60 days"),
        (date(2025, 12, 17), "61 to 90 days"),
        (date(2025, 12, 16), "over 90 days"),
    ],
)
def test_money_ages_by_whole_days(due: date | None, bucket: str) -> None:
    (ageing,) = digest_of(DAY, [], [OpenAmount("EUR", 100, due)]).ageing
    assert {name: amount for name, amount in ageing.buckets.items() if amount} == {bucket: 100}


def test_currencies_are_never_added_up() -> None:
    owed = [OpenAmount("JPY", 5000, DAY), OpenAmount("EUR", 100, DAY), OpenAmount("EUR", 1, None)]
    assert [(row.currency, row.total, row.invoices) for row in digest_of(DAY, [], owed).ageing] == [("EUR", 101, 2), ("JPY", 5000, 1)]
