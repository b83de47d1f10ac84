"""Credit before reminders, as a bookkeeper would allocate it: worked cases. Nobody who has the money with us is asked for it."""

from dataclasses import replace
from datetime import date

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.decision import decide
from dunning.domain.netting import covered, net_of
from dunning.domain.settlement import Done
from dunning.domain.works import Verdict
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, case_of, settlement, utc, with_plan

OLD = replace(INVOICE, id="old", due_date=date(2026, 2, 1))
NEW = replace(INVOICE, id="new", due_date=date(2026, 3, 1))
YEN = replace(INVOICE, id="yen", currency="JPY", amount_due=5000, total=5000)
DINAR = replace(INVOICE, id="dinar", currency="KWD", amount_due=1234, total=1234)

CASES = [
    ("the oldest first", {"EUR": 150_00}, {"old": 120_00, "new": 30_00}),
    ("not more than is owed", {"EUR": 999_00}, {"old": 120_00, "new": 120_00}),
    ("each currency by itself", {"JPY": 4999, "KWD": 1, "USD": 100}, {"yen": 4999, "dinar": 1}),
    ("a debt is no credit", {"EUR": -50_00}, {}),
    ("nothing", {}, {}),
]


@pytest.mark.parametrize(("credit", "parts"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_credit_covers(credit: dict[str, int], parts: dict[str, int]) -> None:
    case = case_of(NEW, OLD, YEN, DINAR)
    assert covered(case, credit) == parts
    assert covered(case, credit) == covered(net_of(case, {}), credit)


def test_what_is_not_due_yet_uses_credit_up_only_after_what_is_older() -> None:
    later = replace(INVOICE, id="later", due_date=date(2026, 12, 1))
    assert covered(case_of(later, OLD), {"EUR": 130_00}) == {"old": 120_00, "later": 10_00}


@pytest.mark.parametrize(
    ("credit", "verdict"),
    [
        (0, Verdict.RUN),
        (119_00, Verdict.RUN),
        (119_50, Verdict.SUPPRESS),  # what is left is below the minimum balance
        (120_00, Verdict.SUPPRESS),
    ],
)
def test_an_invoice_is_reminded_about_unless_credit_leaves_too_little_of_it(credit: int, verdict: Verdict) -> None:
    policy = replace(BRIEF, default_minimum="1.00")
    case = case_of(with_plan(INVOICE, ISSUED, policy))
    (work,) = decide(net_of(case, covered(case, {"EUR": credit})), lambda _: policy, FIRST_AT)
    assert work.verdict is verdict


def test_what_is_covered_waits_a_day_at_a_time_and_says_so_once() -> None:
    case = case_of(with_plan(INVOICE, ISSUED))
    for day in ("2026-03-17 09:00", "2026-03-18 09:00"):
        now = utc(day)
        works = decide(net_of(case, covered(case, {"EUR": 120_00})), lambda _: BRIEF, now)
        settled = settlement(now).apply(case, [Done(work, {}) for work in works])
        case = settled.case
        logged = [(activity.type, activity.reason) for activity in settled.activities]
        assert logged == ([(ActivityType.SUPPRESSED, "covered_by_credit")] if now == FIRST_AT else [])
    invoice = case.invoices["in_1"]
    assert (invoice.next_step, invoice.next_at, invoice.level, invoice.is_open) == ("first", utc("2026-03-19 09:00"), 0, True)
    assert (invoice.amount_due, invoice.suppressed_for) == (120_00, "covered_by_credit")
    (work,) = decide(case, lambda _: BRIEF, utc("2026-03-19 09:00"))
    assert work.verdict is Verdict.RUN


def test_what_is_covered_stays_so_when_something_else_of_the_case_changes() -> None:
    net = net_of(case_of(with_plan(INVOICE, ISSUED)), {"in_1": 100})
    assert net.with_profile(replace(net.profile, retries=1)).covered == {"in_1": 100}
    assert net.with_invoice(replace(INVOICE, id="in_2")).covered == {"in_1": 100}
