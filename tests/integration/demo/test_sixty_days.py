"""The demonstration is a promise of what the product does: each of its twenty invoices is held to it."""

from datetime import datetime, time, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dunning.domain.calendar import at_local
from dunning.domain.country_zones import zone_of_contact
from dunning.domain.invoice import Contact
from infra.demo import DAYS, START, publish
from infra.demo.drive import drive
from infra.demo.ledger import Entry, Ledger
from infra.demo.words import ending
from infra.samples.book import What

TOLERANCE = timedelta(seconds=60)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return drive(START, DAYS, lambda _at, _outbox: None)


def entry(ledger: Ledger, number: int) -> Entry:
    return next(each for each in ledger.entries if each.sample.number == f"INV-0{number}")


def sent(of: Entry) -> list[tuple[str, str | None, str]]:
    return [(message.channel, message.step, message.kind) for message in of.messages]


def test_every_invoice_ends_as_its_customer_made_it(ledger: Ledger) -> None:
    assert {each.sample.number: ending(each) for each in ledger.entries} == {
        "INV-0141": "Paid without a reminder",
        "INV-0142": "Paid after reminder 1",
        "INV-0143": "Paid after reminder 2",
        "INV-0144": "With collections",
        "INV-0145": "Paid after escalation",
        "INV-0146": "Paid after reminder 2",
        "INV-0147": "With collections",
        "INV-0148": "Voided",
        "INV-0149": "Paid after reminder 2",
        "INV-0150": "Written off",
        "INV-0151": "Paid without a reminder",
        "INV-0152": "Paid without a reminder",
        "INV-0153": "Open, not reminded",
        "INV-0154": "Open, not reminded",
        "INV-0155": "Paid after reminder 1",
        "INV-0156": "With collections",
        "INV-0157": "Paid after reminder 1",
        "INV-0158": "Paid after reminder 2",
        "INV-0159": "Paid after reminder 1",
        "INV-0160": "Open",
    }


@pytest.mark.parametrize("number", [144, 145, 147, 156])
def test_who_never_pays_in_time_hears_twice_and_then_the_team_takes_over(ledger: Ledger, number: int) -> None:
    each = entry(ledger, number)
    assert each.due_noon is not None
    assert each.escalated_at is not None
    zone = zone_of_contact(Contact(country=each.sample.customer.country), "UTC")
    first = at_local(each.due_noon.date() + timedelta(days=7), time(9), zone)
    due = [first, first + timedelta(hours=48), first + timedelta(hours=120)]
    really = [messages[0].sent_at for messages in each.reminders] + [each.escalated_at]
    assert [at - plan <= TOLERANCE and at >= plan for at, plan in zip(really, due, strict=True)] == [True] * 3


def test_nobody_hears_of_an_invoice_after_it_was_closed_but_a_thank_you(ledger: Ledger) -> None:
    closed: list[tuple[Entry, datetime]] = [(each, each.closed_at) for each in ledger.entries if each.closed_at]
    late = [message.kind for each, at in closed for message in each.messages if message.sent_at >= at]
    assert set(late) == {"thank_you"}


def test_who_pays_after_a_reminder_is_thanked_once_and_who_was_never_reminded_is_not(ledger: Ledger) -> None:
    for each in ledger.entries:
        thanks = sum(message.kind == "thank_you" for message in each.messages)
        assert thanks == (each.invoice.status == "paid" and bool(each.reminders)), each.sample.number


def test_a_payment_whose_webhook_never_came_stops_the_reminder_at_the_last_check(ledger: Ledger) -> None:
    each = entry(ledger, 151)
    assert sent(each) == []
    assert any(activity.is_last_check or activity.type == "suppressed" for activity in each.activities)


@pytest.mark.parametrize("number", [152, 153, 154])
def test_what_is_only_watched_is_never_reminded_about_and_says_why(ledger: Ledger, number: int) -> None:
    each = entry(ledger, number)
    assert sent(each) == []
    assert [activity.reason for activity in each.activities if activity.type == "suppressed"]


def test_a_dispute_holds_the_plan_until_it_is_closed(ledger: Ledger) -> None:
    each = entry(ledger, 149)
    opened, closed = (next(fact.at for fact in each.facts if fact.what is what) for what in (What.DISPUTED, What.DISPUTE_WON))
    assert not [message for message in each.messages if opened <= message.sent_at < closed]
    assert sent(each)[1:3] == [("email", "second", "reminder"), ("sms", "second", "reminder")]


def test_a_later_due_date_moves_the_reminder(ledger: Ledger) -> None:
    each = entry(ledger, 155)
    assert each.due_noon is not None
    assert each.first_reminder_at is not None
    assert timedelta(0) <= each.first_reminder_at - (each.due_noon.replace(hour=9) + timedelta(days=7)) <= TOLERANCE


def test_mail_goes_to_the_address_that_the_customer_has_by_then(ledger: Ledger) -> None:
    mails = [message for message in entry(ledger, 143).messages if message.channel == "email"]
    assert [mail.to for mail in mails] == [("zoe@cafezoe.example",), ("admin@cafezoe.example",), ("admin@cafezoe.example",)]


def test_events_that_come_again_or_late_change_nothing(ledger: Ledger) -> None:
    for number in (141, 142, 146, 157):
        each = entry(ledger, number)
        assert sum(activity.type == "paid" for activity in each.activities) == 1
        assert not [activity.type for activity in each.activities if activity.type == "reopened"]


def test_the_report_is_written_and_the_last_line_says_where(ledger: Ledger, tmp_path: Path) -> None:
    screen = Console(file=StringIO(), width=100)
    publish(ledger, tmp_path / "new" / "demo", screen)
    html = (tmp_path / "new" / "demo" / "index.html").read_text(encoding="utf-8")
    assert html.count('<article class="letter ') == sum(len(each.messages) for each in ledger.entries) == len(ledger.messages)
    assert isinstance(screen.file, StringIO)
    assert screen.file.getvalue().splitlines()[-1].endswith("index.html")
