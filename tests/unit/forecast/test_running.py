"""A forecast says what the product would do: the same rules, from timer to timer, without sending."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dunning.content.policy_book import PolicyBook
from dunning.domain.case import Case, Profile
from dunning.domain.holds import Hold, HoldKind
from infra.forecast.running import ending_of
from infra.forecast.shapes import Ending, Forecast
from infra.forecast.words import what
from infra.policies.reading import read_directory, read_policy
from tests.contract.storage.cases import invoice
from tests.unit.forecast.books import TEAMS, forecast_of, plan, told

ACME = "acme,Acme GmbH,ap@acme.example,,DE"
BOSTON = "boston,Boston Ltd,ap@boston.example,+442079460117,GB"
MONTHLY = """
scope: customer
steps:
  - {id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}
"""


def own(folder: Path, text: str, name: str = "mine") -> PolicyBook:
    policy = read_policy(plan(folder, name, text), TEAMS)
    return PolicyBook.of({policy.name: policy})


def endings(forecast: Forecast) -> dict[str, Ending]:
    return {owed.number: owed.ending for owed in forecast.invoices}


def test_an_invoice_that_nobody_pays_goes_through_the_whole_plan_in_the_customers_time(tmp_path: Path) -> None:
    forecast = forecast_of(tmp_path, f"{BOSTON},R-1,GBP,100.00,,2026-03-10,")
    assert told(forecast) == [
        ("03-17 09:00", "email", "first", "ap@boston.example"),
        ("03-19 09:00", "email", "second", "ap@boston.example"),
        ("03-19 09:00", "sms", "second", "+442079460117"),
        ("03-22 09:00", "team", "escalate", "collections"),
    ]
    assert endings(forecast) == {"R-1": Ending.ESCALATED}
    assert forecast.messages[0].timezone == "Europe/London"


def test_a_payment_ends_the_plan(tmp_path: Path) -> None:
    forecast = forecast_of(tmp_path, f"{ACME},R-1,EUR,100.00,,2026-03-10,2026-03-18")
    assert told(forecast) == [("03-17 08:00", "email", "first", "ap@acme.example")]
    assert endings(forecast) == {"R-1": Ending.PAID}


def test_a_payment_at_an_instant_counts_from_that_instant(tmp_path: Path) -> None:
    before, after = "2026-03-17T07:59:00Z", "2026-03-17T08:01:00Z"
    assert told(forecast_of(tmp_path, f"{ACME},R-1,EUR,100.00,,2026-03-10,{before}")) == []
    assert len(told(forecast_of(tmp_path, f"{ACME},R-1,EUR,100.00,,2026-03-10,{after}"))) == 1


def test_what_was_paid_before_the_start_stays_silent(tmp_path: Path) -> None:
    forecast = forecast_of(tmp_path, f"{ACME},R-1,EUR,100.00,2025-12-01,2026-01-10,2026-02-01")
    assert (told(forecast), endings(forecast)) == ([], {"R-1": Ending.PAID})


def test_an_invoice_is_known_from_its_issue_on(tmp_path: Path) -> None:
    forecast = forecast_of(
        tmp_path, f"{ACME},R-1,EUR,100.00,2026-03-20,2026-03-21,", f"{ACME},R-2,EUR,100.00,2026-09-01,2026-09-30,", days=60
    )
    assert told(forecast)[0] == ("03-28 08:00", "email", "first", "ap@acme.example")
    assert endings(forecast)["R-2"] is Ending.NOT_YET_ISSUED


def test_one_message_holds_all_that_falls_due_with_each_currency_for_itself(tmp_path: Path) -> None:
    rows = (f"{ACME},R-1,EUR,100.00,,2026-03-10,", f"{ACME},R-2,EUR,50.00,,2026-03-10,", f"{ACME},R-3,JPY,900,,2026-03-10,")
    forecast = forecast_of(tmp_path, *rows, book=own(tmp_path, MONTHLY))
    (message,) = [one for one in forecast.messages if one.channel == "email"]
    assert sorted(item.number for item in message.items) == ["R-1", "R-2", "R-3"]
    assert [(total.currency, total.minor) for total in message.totals] == [("EUR", 150_00), ("JPY", 900)]


def test_a_plan_that_ends_unpaid_tells_the_team_and_says_so(tmp_path: Path) -> None:
    forecast = forecast_of(tmp_path, f"{ACME},R-1,EUR,100.00,,2026-03-10,", book=own(tmp_path, MONTHLY))
    assert [(message.channel, message.kind) for message in forecast.messages] == [("email", "reminder"), ("team", "notice")]
    assert endings(forecast) == {"R-1": Ending.PLAN_ENDED}
    assert "plan_ended" in [decision.type for decision in forecast.decisions]


def test_what_is_put_off_and_what_is_left_alone_is_told_with_the_reason(tmp_path: Path) -> None:
    spaced = own(tmp_path, MONTHLY.replace("scope: customer", "scope: invoice\nmin_gap: 2d"))
    rows = (f"{ACME},R-1,EUR,100.00,,2026-03-10,", f"{ACME},R-2,EUR,100.00,,2026-03-11,")
    (moved,) = [one for one in forecast_of(tmp_path, *rows, book=spaced).decisions if one.type == "moved"]
    assert (moved.numbers, moved.reason) == (("R-2",), "too soon after the message before")
    assert moved.later is not None
    assert f"{moved.later:%m-%d %H:%M}" == "03-19 08:00"

    small = forecast_of(tmp_path, f"{ACME},R-1,EUR,0.99,,2026-03-10,")
    assert [(one.ending, one.reason) for one in small.invoices] == [(Ending.WATCHED, "below_minimum_balance")]


def test_a_book_without_any_address_is_run_as_if_everyone_had_one(tmp_path: Path) -> None:
    forecast = forecast_of(tmp_path, "acme,R-1,EUR,100.00,2026-03-10", names="customer_id,invoice_number,currency,amount,due_on")
    assert [step for _, _, step, _ in told(forecast)] == ["first", "second", "escalate"]


def test_a_condition_that_fails_holds_the_case_instead_of_stopping_the_forecast(tmp_path: Path) -> None:
    book = own(tmp_path, MONTHLY.replace("email: friendly", 'email: friendly, if: "1 / (amount_due - 300) > 0"'))
    forecast = forecast_of(tmp_path, f"{ACME},R-1,EUR,300.00,,2026-03-10,", f"{BOSTON},R-2,GBP,200.00,,2026-03-10,", book=book)
    assert endings(forecast) == {"R-1": Ending.HELD, "R-2": Ending.PLAN_ENDED}


def test_an_invoice_that_is_held_by_itself_holds_no_other_of_its_customer() -> None:
    at = datetime(2026, 3, 10, 9, tzinfo=UTC)
    held = replace(invoice("in_1"), next_at=at, holds={HoldKind.PARTIAL_PAYMENT: Hold(at, None, "300.00 EUR came")})
    case = Case(Profile(held.customer)).with_invoice(held).with_invoice(replace(invoice("in_2"), next_at=at))
    assert ending_of(case, case.invoices["in_1"]) == (Ending.HELD, "on hold since 10 March 2026, after a partial payment: 300.00 EUR came")
    assert ending_of(case, case.invoices["in_2"]) == (Ending.ON_PLAN, None)


def test_of_several_policies_each_invoice_follows_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, condition, priority, day in (("standard", "true", 10, 7), ("gentle", "'vip' in tags", 1, 20)):
        rule = f'applies_to: {{if: "{condition}", priority: {priority}}}\n'
        plan(folder, name, rule + MONTHLY.replace("7d", f"{day}d"))
    names = "customer_id,invoice_number,currency,amount,due_on,tags"
    rows = ("a,R-1,EUR,10.00,2026-03-10,", "b,R-2,EUR,10.00,2026-03-10,vip")
    forecast = forecast_of(tmp_path, *rows, names=names, book=read_directory(folder, TEAMS))
    assert [(owed.number, owed.policy) for owed in forecast.invoices] == [("R-1", "standard"), ("R-2", "gentle")]
    mails = [(f"{one.at:%m-%d}", one.items[0].number) for one in forecast.messages if one.channel == "email"]
    assert mails == [("03-17", "R-1"), ("03-30", "R-2")]


def test_only_so_many_customers_hear_from_us_for_the_first_time_on_one_day_the_largest_first(tmp_path: Path) -> None:
    limited = own(tmp_path, MONTHLY.replace("scope: customer", 'first_contacts_per_day: 2\nsend_window: {email: "08:00-18:00"}'))
    rows = [f"c{n},Name {n},c{n}@x.example,,,R-{n},EUR,{amount}.00,,2026-01-10," for n, amount in enumerate((10, 500, 20, 300, 40))]
    forecast = forecast_of(tmp_path, *rows, book=limited, days=5)
    first = [(f"{one.at:%m-%d}", one.name) for one in forecast.messages if one.kind == "reminder"]
    assert first == [("03-02", "Name 1"), ("03-02", "Name 3"), ("03-03", "Name 2"), ("03-03", "Name 4"), ("03-04", "Name 0")]
    assert "first_contacts_per_day" in {one.reason for one in forecast.decisions}
    assert {owed.ending for owed in forecast.invoices} == {Ending.PLAN_ENDED}


def test_a_late_fee_is_foretold_with_its_amount_and_the_plan_goes_on(tmp_path: Path) -> None:
    fee = 'late_fee: {percent: "1.5", basis: contract, mode: apply}'
    charging = own(
        tmp_path,
        f'steps:\n  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, email: friendly, {fee}}}\n'
        '  - {id: second, at: {after_due: 14d, time: "09:00"}, email: second_notice}\n',
    )
    names = "source,customer_id,email,invoice_number,currency,amount,due_on"
    forecast = forecast_of(tmp_path, "stripe,cus_1,a@a.example,R-1,EUR,120.00,2026-03-10", names=names, book=charging)
    (charged,) = [one for one in forecast.decisions if one.type == "fee_applied"]
    assert "EUR 1.80" in (charged.reason or "")
    assert [message.step for message in forecast.messages if message.channel == "email"] == ["first", "second"]


def test_the_same_book_gives_the_same_forecast(tmp_path: Path) -> None:
    rows = [
        f"c{number % 7},Name,c{number % 7}@x.example,,DE,R-{number},EUR,{number + 1}.00,,2026-03-{number % 28 + 1:02d},"
        for number in range(60)
    ]
    assert forecast_of(tmp_path, *rows) == forecast_of(tmp_path, *rows)


def test_a_question_for_approval_names_no_command_for_an_invoice_that_is_not_there(tmp_path: Path) -> None:
    careful = own(tmp_path, 'approve_above: {EUR: "50.00"}' + MONTHLY)
    (asked,) = forecast_of(tmp_path, f"{ACME},R-1,EUR,100.00,,2026-03-10,", book=careful).messages
    assert asked.channel == "team"
    assert asked.reason == (
        'step "first" about invoice R-1 waits for your approval: 100.00 EUR is owed, and steps over 50.00 EUR wait for a person'
    )
    assert what(asked) == "team notice"


def test_what_waits_for_approval_is_not_on_plan_when_the_forecast_ends_and_what_need_not_any_more_is(tmp_path: Path) -> None:
    row, monthly = f"{ACME},R-1,EUR,100.00,,2026-03-10,", MONTHLY
    (asked,) = forecast_of(tmp_path, row, book=own(tmp_path, 'approve_above: {EUR: "50.00"}' + monthly)).invoices
    assert (asked.ending, asked.reason, asked.next_step) == (Ending.HELD, "waits for approval", "first")
    steps = 'steps:\n  - {id: upcoming, at: {before_due: 3d, time: "09:00"}, email: upcoming, approve_above: {EUR: "50.00"}}\n'
    late = forecast_of(tmp_path, row, book=own(tmp_path, monthly.replace("steps:\n", steps)), days=13)
    assert [one.ending for one in late.invoices] == [Ending.ON_PLAN]
