"""The forecast as a page: complete, escaped, and the same every time."""

import re
from pathlib import Path

import pytest

from infra.cli import main
from infra.forecast.page import MOST_CUSTOMERS, forecast_page
from tests.unit.forecast.books import STANDARD, csv_of, forecast_of, plan

EVIL = "<script>alert(1)</script>"
SAMPLE = Path("infra/samples/invoices.csv")


def test_the_page_tells_messages_endings_and_reasons(tmp_path: Path) -> None:
    page = forecast_page(
        forecast_of(
            tmp_path, "a,Café Zoë,zoe@cafe.example,,NL,R-1,EUR,1250.00,,2026-03-10,", "b,Tiny,t@tiny.example,,GB,R-2,GBP,0.10,,2026-03-10,"
        ),
        "March",
    )
    words = re.sub(r"<[^>]+>|\s+", " ", page)
    words = " ".join(words.split())
    assert "60 days, 2 invoices" in words
    assert "2 customers would get 2 mails and 0 text messages, and the team 1 notices" in words
    assert "Café Zoë" in words
    assert "Tue 17 Mar 2026 09:00 Mail first R-1: EUR 1,250.00. 7 days after the due date" in words
    assert "Not sent R-2: below the smallest sum worth a reminder" in words


def test_names_are_escaped_and_nothing_is_fetched(tmp_path: Path) -> None:
    page = forecast_page(forecast_of(tmp_path, f"a,{EVIL},a@a.example,,NL,R-1,EUR,10.00,,2026-03-10,"), EVIL)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)


def test_a_large_book_is_cut_and_says_so(tmp_path: Path) -> None:
    rows = [f"c{number},Name {number},a@a.example,,NL,R-{number},EUR,10.00,,2026-03-10," for number in range(MOST_CUSTOMERS + 5)]
    page = forecast_page(forecast_of(tmp_path, *rows, days=1), "all")
    assert page.count('<details class="row">') == MOST_CUSTOMERS
    assert "5 more customers are counted above" in page


def test_the_command_writes_it_and_the_difference_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = ["simulate", "--invoices", str(SAMPLE), "--policy", str(STANDARD), "--days", "40", "--start", "2026-03-02"]
    first, second = tmp_path / "new" / "page.html", tmp_path / "difference.html"
    assert main([*usual, "--html", str(first)]) == 0
    assert str(first) in capsys.readouterr().out
    other = plan(tmp_path, "gentle", 'steps:\n  - {id: only, at: {after_due: 20d, time: "09:00"}, email: friendly}\n')
    assert main([*usual, "--against", str(other), "--html", str(second)]) == 0
    assert "With the team" in first.read_text(encoding="utf-8")
    assert "What gentle would change" in second.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_of(tmp_path, "a,A,a@a.example,,NL,R-1,EUR,10.00,,2026-03-10,")
    arguments = ["simulate", "--invoices", str(path), "--policy", str(STANDARD), "--days", "1", "--html", str(path / "page.html")]
    assert main(arguments) == 2
    assert "cannot be written" in capsys.readouterr().err
