from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from infra.forecast.benchmark import book, invoices
from infra.forecast.difference import difference
from infra.forecast.invoice_book import read_book
from infra.forecast.page import difference_page, forecast_page
from infra.forecast.spreading import run
from tests.browser.chromium import Browser
from tests.browser.test_report_in_browser import TOO_WEAK, WIDTHS

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
OTHER = 'name: other\nsteps:\n  - {id: only, at: {after_due: 20d, time: "09:00"}, email: friendly}\n'


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    other = load_policy(OTHER, "other.yaml", frozenset())
    first, second = (run(invoices(60), one, START, START + timedelta(days=60)) for one in (book(), PolicyBook.of({"other": other})))
    folder: Path = tmp_path_factory.mktemp("forecast")
    texts = {"forecast.html": forecast_page(first, "March"), "difference.html": difference_page(difference(first, second))}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    one, two = ((folder / name).as_uri() for name in texts)
    return one, two


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", [0, 1])
def test_the_forecast_fits_the_window_and_asks_the_network_for_nothing(
    chromium: Browser, pages: tuple[str, str], which: int, width: int
) -> None:
    chromium.open(pages[which], width)
    chromium.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert chromium.value("document.documentElement.scrollWidth") == width
    assert [url for url in chromium.requested if not url.startswith(("file:", "about:"))] == []
    assert chromium.complaints == []


def test_the_forecasts_text_keeps_its_contrast_in_light_and_dark(chromium: Browser, pages: tuple[str, str]) -> None:
    for scheme in ("light", "dark"):
        chromium.media(prefers_color_scheme=scheme)
        for page in pages:
            chromium.open(page)
            assert chromium.value(TOO_WEAK) == [], scheme
    chromium.media()


OVERLAPPING = """(() => {
  const seen = [...document.querySelectorAll('.week .label')].filter((each) => getComputedStyle(each).visibility === 'visible');
  const boxes = seen.map((each) => each.getBoundingClientRect());
  return seen.length === 0 || new Set(boxes.map((box) => box.top)).size > 1 || boxes.some((box, n) => n && box.left < boxes[n - 1].right);
})()"""
BESIDE_ITS_TRACK = """[...document.querySelectorAll('.row')].every((row) => {
  const owed = row.querySelector('.what b').getBoundingClientRect(), track = row.querySelector('.track').getBoundingClientRect();
  return owed.right <= track.left || owed.bottom <= track.top + 1;
})"""


@pytest.mark.parametrize("days", [14, 90, 150, 400])
def test_labels_and_sums_do_not_run_into_one_another(chromium: Browser, tmp_path: Path, days: int) -> None:
    book_of_one = tmp_path / "book.csv"
    rows = [f"c1,R-{currency},{currency},123456789,2026-03-10" for currency in ("EUR", "JPY", "KWD", "USD")]
    book_of_one.write_text("customer_id,invoice_number,currency,amount,due_on\n" + "\n".join(rows), encoding="utf-8")
    forecast = run(read_book(book_of_one, START), book(), START, START + timedelta(days=days))
    page = tmp_path / "page.html"
    page.write_text(forecast_page(forecast, "March"), encoding="utf-8")
    for width in WIDTHS:
        chromium.open(page.as_uri(), width)
        assert not chromium.value(OVERLAPPING), width
        assert chromium.value(BESIDE_ITS_TRACK), width
