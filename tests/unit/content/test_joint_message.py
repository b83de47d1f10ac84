"""A message about several invoices: rows that fit a phone, and totals that add up to them."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dunning.workflow.fee_port import MessageFee
from tests.unit.content.test_rendering import EMAILS, GSM_7, GSM_7_EXTENDED, INVOICE, REMINDERS, RENDERER, YEN, Page, about

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
    assert "Total USD:      $1,289.50" in mail.text


@pytest.mark.parametrize("template", REMINDERS)
@pytest.mark.parametrize(
    ("locale", "fined", "other", "noted"),
    [
        ("en", "$1,240.00", "$49.50", " with late fees"),
        ("de", "1.240,00 $", "49,50 $", " mit Verzugskosten"),
        ("fr", "1 240,00 $US", "49,50 $US", " avec frais de retard"),
        ("es", "1.240,00 US$", "49,50 US$", " con recargos"),
    ],
)
def test_a_text_asks_for_what_the_mail_asks_for_late_fees_too(template: str, locale: str, fined: str, other: str, noted: str) -> None:
    both = RENDERER.sms(template, about(FINED, OTHER, locale=locale))
    assert f"INV-1042 {fined}{noted}, INV-1043 {other}." in both
    assert set(both) <= GSM_7 | GSM_7_EXTENDED
    many = [replace(OTHER, id=f"in_{n}", number=f"INV-{n}") for n in range(4)]
    assert f"{noted}. " in RENDERER.sms(template, about(FINED, *many, locale=locale))
    assert noted not in RENDERER.sms(template, about(INVOICE, *many, locale=locale))


@pytest.mark.parametrize("template", REMINDERS)
@pytest.mark.parametrize("locale", ["en", "de", "fr", "es"])
def test_a_text_about_one_invoice_tells_its_late_fees_and_fits_two_messages(template: str, locale: str) -> None:
    text = RENDERER.sms(template, about(replace(FINED, payment_url="https://pay.example/i/4f9Q2x"), locale=locale))
    assert re.search(r"\b40[.,]00\b", text)
    assert set(text) <= GSM_7 | GSM_7_EXTENDED
    assert len(text) + sum(char in GSM_7_EXTENDED for char in text) <= 2 * 153


def test_a_team_reads_all_that_is_owed_with_late_fees() -> None:
    _, text = RENDERER.team("escalation", about(FINED, OTHER))
    assert "In all:        USD 1,289.50" in text


def test_each_row_says_when_it_was_due_how_late_it_is_and_where_to_pay() -> None:
    page = Page(RENDERER.email("friendly", about(FINED, OTHER, YEN)).html)
    assert "INV-1042 Due date: 2 March 2026 Days overdue: 7 Pay now $1,200.00" in page.text
    assert "INV-1043 Due date: 2 March 2026 Days overdue: 7 Pay now $49.50 Your credit: -$10.00" in page.text
    assert "INV-7 Due date: not set Days overdue: 7 ¥12,000" in page.text
    assert page.links.count("https://pay.example/fee") == 1
