"""Two policies for the same invoices."""

import json
from datetime import timedelta
from pathlib import Path

from dunning.content.policy_book import PolicyBook
from infra.forecast.as_json import difference_row
from infra.forecast.difference import Change, Difference, difference
from infra.forecast.shapes import Ending
from infra.policies.reading import read_policy
from tests.unit.forecast.books import TEAMS, forecast_of, plan

ACME = "acme,Acme GmbH,ap@acme.example,,DE,R-1,EUR,100.00,,2026-03-10,"
SMALL = "small,Small Ltd,ap@small.example,,GB,R-2,GBP,0.50,,2026-03-10,"
STEP = '  - {{id: {id}, at: {{after_due: {days}d, time: "{time}"}}, email: friendly}}\n'


def compared(folder: Path, *rows: str, first: str, second: str) -> Difference:
    def book(name: str, text: str) -> PolicyBook:
        return PolicyBook.of({name: read_policy(plan(folder, name, text), TEAMS)})

    one, two = (forecast_of(folder, *rows, book=book(name, text)) for name, text in (("one", first), ("two", second)))
    return difference(one, two)


def steps(*days: int, time: str = "09:00") -> str:
    return "steps:\n" + "".join(STEP.format(id=f"s{day}", days=day, time=time) for day in days)


def test_the_same_plan_under_another_name_changes_nothing(tmp_path: Path) -> None:
    assert compared(tmp_path, ACME, first=steps(7, 14), second=steps(7, 14)).changed == ()


def test_who_hears_more_or_less_is_told(tmp_path: Path) -> None:
    (more,) = compared(tmp_path, ACME, first=steps(7), second=steps(7, 14)).changed
    assert (more.change, len(more.before), len(more.after), more.shift) == (Change.MORE, 2, 3, timedelta())
    (less,) = compared(tmp_path, ACME, first=steps(7, 14), second=steps(7)).changed
    assert less.change is Change.LESS


def test_earlier_and_later_is_told_by_how_much(tmp_path: Path) -> None:
    (later,) = compared(tmp_path, ACME, first=steps(7), second=steps(10)).changed
    assert (later.change, later.shift) == (Change.LATER, timedelta(days=3))
    (earlier,) = compared(tmp_path, ACME, first=steps(7), second=steps(7, time="08:30")).changed
    assert (earlier.change, earlier.shift) == (Change.EARLIER, timedelta(minutes=-30))
    (second_later,) = compared(tmp_path, ACME, first=steps(7, 14), second=steps(7, 21)).changed
    assert (second_later.change, second_later.shift) == (Change.LATER, timedelta())


def test_mail_and_sms_of_one_step_are_one_message_to_the_customer(tmp_path: Path) -> None:
    row = ACME.replace("ap@acme.example,", "ap@acme.example,+4930123456")
    with_sms = steps(7).replace("email: friendly", "email: friendly, sms: second_notice")
    (changed,) = compared(tmp_path, row, first=steps(7), second=with_sms).changed
    assert changed.change is Change.OTHERWISE


def test_the_totals_are_per_step_and_the_endings_are_counted(tmp_path: Path) -> None:
    found = compared(tmp_path, ACME, SMALL, first=steps(7), second=f"minimum_balance: {{default: '1.00'}}\n{steps(7, 14)}")
    assert [(total.step, total.channel, total.before, total.after) for total in found.totals] == [
        ("s7", "email", 2, 1),
        ("notice", "team", 2, 1),
        ("s14", "email", 0, 1),
    ]
    assert found.endings == ((Ending.PLAN_ENDED, 2, 1), (Ending.WATCHED, 0, 1))
    assert (found.count(Change.MORE), found.count(Change.LESS)) == (1, 1)


def test_what_waits_for_approval_under_one_of_them_ends_otherwise_and_says_so(tmp_path: Path) -> None:
    found = compared(tmp_path, ACME, first=steps(7), second=f"approve_above: {{EUR: '50.00'}}\n{steps(7)}")
    assert found.endings == ((Ending.PLAN_ENDED, 1, 0), (Ending.HELD, 0, 1))
    assert '"reason": {"first": null, "second": "waits for approval"}' in json.dumps(difference_row(found))
