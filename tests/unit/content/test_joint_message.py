"""A message about several invoices: rows that fit a phone, and totals that add up to them."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dunning.workflow.fee_port import MessageFee
from tests.unit.content.test_rendering import EMAILS, INVOICE, REMINDERS, RENDERER, YEN, Page, about

FEE = MessageFee(number="FEE-12", currency="USD", amount_due=4000, payment_url="https://pay.example/fee")
FINED = replace(INVOICE, fees=(FEE,))
OTHER = replace(INVOICE, id="in_9", number="INV-1043", amount_due=4950, credit=1000)


class Columns(HTMLParser):
    """How many columns each row of each table spans."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[list[int]] = []
        self._open: list[list[int]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._open.append([])
            self.tables.append(self._open[-1])
        elif tag == "tr":
            self._open[-1].append(0)
        elif tag in ("td", "th"):
            self._open[-1][-1] += int(dict(attrs).get("colspan") or 1)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._open.pop()


@pytest.mark.parametrize("template", EMAILS)
def test_every_row_has_the_columns_of_its_table(template: str) -> None:
    for content in (about(FINED, OTHER, YEN), about(FINED)):
        for rows in Columns(RENDERER.email(template, content).html).tables:
            assert len(set(rows)) == 1, rows


@pytest.mark.parametrize("template", EMAILS)
def test_invoices_stand_in_two_columns_for_a_phone_has_room_for_no_more(template: str) -> None:
    assert max(max(rows) for rows in Columns(RENDERER.email(template, about(FINED, OTHER, YEN)).html).tables) == 2


@pytest.mark.parametrize("template", REMINDERS)
def test_the_total_of_a_currency_is_the_sum_of_the_rows_that_are_shown_with_late_fees(template: str) -> None:
    mail = RENDERER.email(template, about(FINED, OTHER, YEN))
    page = Page(mail.html).text
    assert "Late fee FEE-12 Pay now $40.00" in page
    assert "Total JPY ¥12,000 Total USD $1,289.50" in page
    assert "Total USD:     $1,289.50" in mail.text


def test_a_team_reads_all_that_is_owed_with_late_fees() -> None:
    _, text = RENDERER.team("escalation", about(FINED, OTHER))
    assert "In all:        USD 1,289.50" in text


def test_each_row_says_when_it_was_due_how_late_it_is_and_where_to_pay() -> None:
    page = Page(RENDERER.email("friendly", about(FINED, OTHER, YEN)).html)
    assert "INV-1042 Due date: 2 March 2026 Days overdue: 7 Pay now $1,200.00" in page.text
    assert "INV-1043 Due date: 2 March 2026 Days overdue: 7 Pay now $49.50 Your credit: -$10.00" in page.text
    assert "INV-7 Due date: not set Days overdue: 7 ¥12,000" in page.text
    assert page.links.count("https://pay.example/fee") == 1
