import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from infra.demo.report import render
from tests.unit.demo import invented
from tests.unit.demo.invented import EARLY, HTML, OUTBOX, PART, ledger

VOID = {"meta", "input", "link", "br", "hr", "img"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element of a page, in order, each with the text inside it."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_data(" ")
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str, css: str = "") -> list[Element]:
        return [each for each in self.elements if each.tag == tag and (not css or css in each.attributes.get("class", "").split())]


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    assert not page.open, "elements stay open"
    return page


@pytest.fixture(scope="module")
def html() -> str:
    return render(ledger(), "Larkfield Supply")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return read(html)


def test_every_message_is_in_the_report_with_its_head(page: Page) -> None:
    letters = page.all("article", "letter")
    assert len(letters) == len(OUTBOX)
    for row in OUTBOX:
        to = row["to"]
        assert isinstance(to, list)
        assert any(str(row["subject"]) in letter.text and str(to[0]) in letter.text for letter in letters)


def test_mail_is_shown_as_sent_in_a_frame_that_runs_nothing(page: Page) -> None:
    frames = page.all("iframe")
    assert [frame.attributes["srcdoc"] for frame in frames] == [HTML] * 5
    assert {frame.attributes["sandbox"] for frame in frames} == {"allow-same-origin"}
    assert all(frame.attributes["title"] for frame in frames)


def test_sms_and_team_notices_are_shown_in_full(page: Page) -> None:
    assert [each.text for each in page.all("p", "bubble")] == ["sms reminder second about INV-0147"]
    assert [each.text for each in page.all("p", "notice")] == ["team escalation escalate about INV-0147"]


def test_nothing_is_fetched_from_anywhere(page: Page, html: str) -> None:
    for element in page.elements:
        for name in ("src", "href", "action", "data", "poster"):
            assert element.attributes.get(name, "#").startswith("#"), element
    assert not re.search(r"@import|url\(", html)
    (policy,) = [each.attributes["content"] for each in page.all("meta") if "http-equiv" in each.attributes]
    assert policy.startswith("default-src 'none';")


def test_each_invoice_has_a_row_with_its_time_line_in_words(page: Page) -> None:
    rows = page.all("details", "row")
    assert {row.attributes["id"] for row in rows} == {each.number.lower() for each in (entry.sample for entry in ledger().entries)}
    (track,) = [each for each in page.all("span", "track") if "USD 9,000.00 paid" in each.attributes["aria-label"]]
    assert "handed to collections Wed 1 Apr" in track.attributes["aria-label"]


def test_marks_stand_where_their_day_is(page: Page) -> None:
    styles = {element.attributes["style"] for element in page.all("i", "escalated") if "style" in element.attributes}
    assert styles == {"left:50.08%"}


def test_decisions_stand_with_their_reasons(page: Page) -> None:
    (row,) = [each for each in page.all("details", "row") if each.attributes["id"] == "inv-0147"]
    for words in ("Reminder sent by mail and SMS", "9 days overdue", "Customer pays USD 9,000.00, a part", "72 h after the second"):
        assert words in row.text


def test_figures_are_told_for_each_currency_alone(page: Page) -> None:
    owed, collected, still_open, escalated = [each.text.split() for each in page.all("article", "tile")]
    assert owed[-6:] == ["EUR", "11,260.00", "GBP", "4,860.00", "USD", "19,840.00"]
    assert collected[-6:] == ["EUR", "2,440.00", "GBP", "–", "USD", "9,000.00"]
    assert still_open[-2:] == escalated[-2:] == ["USD", "9,900.00"]


def test_each_link_within_the_page_leads_somewhere(page: Page) -> None:
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"].removeprefix("#") for link in page.all("a")} <= set(ids)


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(each.tag[1]) for each in page.elements if re.fullmatch(r"h[1-6]", each.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_comes_from_outside_is_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    row = invented.message(PART, 25.05, "reminder", "first", "sms", text=evil, to=[evil])
    told = invented.case(PART, "open", 1, None, [invented.activity(PART, 1, "sent", evil)])
    page = read(render(ledger([row], {PART.number: (PART, told)}), evil))
    assert len(page.all("script")) == 1
    assert evil in page.all("p", "bubble")[0].text
    assert evil in page.all("title")[0].text


def test_a_message_that_no_decision_explains_is_shown_all_the_same() -> None:
    stray = invented.message(EARLY, 50, "reminder", "first", html="<p>stray</p>")
    page = read(render(ledger([*OUTBOX, stray]), "Larkfield Supply"))
    assert "<p>stray</p>" in [frame.attributes["srcdoc"] for frame in page.all("iframe")]


def test_the_same_ledger_gives_the_same_bytes(html: str) -> None:
    assert render(ledger(), "Larkfield Supply") == html
