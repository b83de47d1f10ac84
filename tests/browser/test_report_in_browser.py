from pathlib import Path

import pytest

from infra.demo.report import render
from tests.browser.chromium import Browser
from tests.unit.demo.invented import ledger

WIDTHS = (375, 768, 1280)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("report") / "index.html"
    file.write_text(render(ledger(), "Larkfield Supply"), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_fits_the_window_even_with_everything_open(chromium: Browser, report: str, width: int) -> None:
    chromium.open(report, width)
    chromium.click("#toggle-all")
    chromium.wait_for("document.querySelectorAll('details.row[open]').length === 5")
    assert chromium.value("document.documentElement.scrollWidth") == width


def test_the_report_asks_the_network_for_nothing_and_complains_of_nothing(chromium: Browser, report: str) -> None:
    chromium.open(report)
    chromium.click("#toggle-all")
    chromium.wait_for("[...document.querySelectorAll('iframe')].every((frame) => frame.contentDocument?.body?.textContent)")
    assert [url for url in chromium.requested if not url.startswith(("file:", "about:"))] == []
    assert chromium.complaints == []


def test_an_opened_mail_is_as_tall_as_its_content(chromium: Browser, report: str) -> None:
    chromium.open(f"{report}#inv-0149")
    frame = "document.querySelector('#inv-0149 iframe')"
    chromium.wait_for(f"{frame}.contentDocument?.body?.textContent && {frame}.style.height")
    assert chromium.value(f"{frame}.clientHeight >= {frame}.contentDocument.documentElement.scrollHeight")


def test_a_filter_leaves_only_invoices_that_ended_so(chromium: Browser, report: str) -> None:
    chromium.open(report)
    chromium.click("[name=show][value=escalated]")
    visible = "[...document.querySelectorAll('details.row')].filter((row) => row.checkVisibility()).map((row) => row.id)"
    assert chromium.value(visible) == ["inv-0147"]
    chromium.click("[name=show][value='']")
    assert len(str(chromium.value(f"{visible}.join(' ')")).split()) == 5


def test_a_row_opens_from_the_keyboard(chromium: Browser, report: str) -> None:
    chromium.open(report)
    chromium.value("document.querySelector('#inv-0147 summary').focus()")
    chromium.press("Enter", 13)
    chromium.wait_for("document.querySelector('#inv-0147').open")


def test_text_keeps_its_contrast_in_light_and_dark(chromium: Browser, report: str) -> None:
    for scheme in ("light", "dark"):
        chromium.media(prefers_color_scheme=scheme)
        chromium.open(report)
        assert chromium.value(TOO_WEAK) == [], scheme
    chromium.media()


TOO_WEAK = """(() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
  const rgb = (...layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => colour.map((c) => c / 255).map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.unshift(getComputedStyle(each).backgroundColor);
    return layers;
  };
  const texts = [...document.querySelectorAll("h1,h2,h3,p,dt,dd,.name,.what,.end,.filter span,.legend li,.mark b")]
    .filter((each) => each.textContent.trim() && each.checkVisibility());
  const contrast = (each) => {
    const ground = behind(each);
    const pair = [light(rgb(...ground)), light(rgb(...ground, getComputedStyle(each).color))].sort((a, b) => b - a);
    return (pair[0] + .05) / (pair[1] + .05);
  };
  return texts.filter((each) => contrast(each) < 4.5).map((each) => `${contrast(each).toFixed(2)} ${each.className} ${each.textContent}`);
})()"""
"""Text below the contrast that WCAG 2.2 AA asks of small text (4.5 to 1)."""
