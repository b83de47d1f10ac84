from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from infra.local.http.wire import Server
from infra.local.running import running_cloud
from infra.samples import sample_webhooks
from tests.browser.chromium import Browser

TAGS = "[...document.querySelectorAll('#outbox > details .tag')]"
RESTING = "!document.querySelector('#controls').disabled"
START = datetime(2026, 3, 2, 8, tzinfo=UTC)

HOLD_BACK_AN_EMPTY_OUTBOX = """(() => {
  const real = window.fetch;
  window.fetch = async (path, options) => {
    if (path !== "/_local/outbox" || window.release) return real(path, options);
    await new Promise((go) => { window.release = go; });
    const answer = new Response("[]");
    const text = answer.text.bind(answer);
    answer.text = async () => { setTimeout(() => { window.drawn = true; }, 200); return text(); };
    return answer;
  };
})()"""
"""Keep back the next answer about the outbox until `release()`; it then tells of an empty one, and some time later is `drawn`."""


@pytest.fixture(scope="module")
def local_cloud() -> Iterator[str]:
    """The address of a local cloud with the sample invoices."""
    server = Server(0)
    with running_cloud(START, outer_env={}) as running:
        for webhook in sample_webhooks(START):
            running.deliver(webhook.body, webhook.headers)
        server.start(running.api.answer)
        yield server.url
        server.stop()
    server.server_close()


@pytest.fixture
def page(chromium: Browser, local_cloud: str) -> Browser:
    chromium.open(f"{local_cloud}/")
    chromium.wait_for("document.querySelectorAll('#cases > details').length > 3")
    return chromium


def text(page: Browser, selector: str) -> str:
    return str(page.value(f"document.querySelector({selector!r}).innerText"))


def test_the_page_shows_the_clock_and_moves_it(page: Browser) -> None:
    before = text(page, "#now")
    page.click("[data-advance='1d']")
    page.wait_for(f"document.querySelector('#now').innerText !== {before!r} && !document.querySelector('#controls').disabled")
    assert "ran" in text(page, "#status")
    assert text(page, "#now").endswith("UTC")


def test_controls_rest_while_time_moves(page: Browser) -> None:
    seen = "[document.querySelector('#controls').disabled, document.querySelector('#status').innerText]"
    assert page.value(f"(document.querySelector('[data-advance=\"1h\"]').click(), {seen})") == [True, "Time is moving …"]
    page.wait_for("!document.querySelector('#controls').disabled")


def test_a_reminder_appears_and_opens_as_the_customer_sees_it(page: Browser) -> None:
    page.click("[data-advance='7d']")
    page.wait_for("document.querySelectorAll('#outbox > details').length > 0 && !document.querySelector('#controls').disabled")
    page.click("[name=channel][value=email]")
    page.wait_for(f"{TAGS}.length && {TAGS}.every((tag) => tag.innerText.startsWith('Mail')) && {RESTING}")
    page.click("#outbox > details > summary")
    page.wait_for("document.querySelector('#outbox iframe')?.contentDocument?.body?.innerText.includes('INV-')")
    assert page.value("document.querySelector('#outbox iframe').getAttribute('sandbox')") == "allow-same-origin"


def test_an_opened_mail_stays_as_it_is_when_others_are_shown_beside_it(page: Browser) -> None:
    page.wait_for(f"{TAGS}.length")
    page.click("[name=channel][value=email]")
    page.wait_for(f"{TAGS}.every((tag) => tag.innerText.startsWith('Mail')) && {RESTING}")
    page.click("#outbox > details > summary")
    page.wait_for("document.querySelector('#outbox iframe')?.contentDocument?.body?.innerText.includes('INV-')")
    page.value("document.querySelector('#outbox iframe').contentDocument.body.dataset.seen = 'yes'")
    page.click("[name=channel][value='']")
    page.wait_for(f"{TAGS}.some((tag) => !tag.innerText.startsWith('Mail')) && {RESTING}")
    assert page.value("document.querySelector('#outbox details[open] iframe')?.contentDocument.body.dataset.seen") == "yes"


def test_an_older_answer_is_not_drawn_over_a_newer_one(page: Browser) -> None:
    """The page asks every few seconds; an answer that was long on its way tells what was, not what is."""
    page.wait_for(f"{TAGS}.length")
    page.value(HOLD_BACK_AN_EMPTY_OUTBOX)
    page.click("[name=channel][value=email]")
    page.wait_for("window.release")
    page.click("[name=channel][value='']")
    page.wait_for("!document.querySelector('#controls').disabled")
    page.value("window.release()")
    page.wait_for("window.drawn")
    assert page.value(f"{TAGS}.length")


def test_a_case_opens_with_its_invoices_and_decisions(page: Browser) -> None:
    page.click("#cases > details > summary")
    page.wait_for("document.querySelector('#cases details[open] .log li')")
    opened = text(page, "#cases details[open]")
    assert "INV-0142" in opened
    assert "Enrolled" in opened


def test_moving_into_the_past_is_refused_in_words(page: Browser) -> None:
    page.value("document.querySelector('#to').focus()")
    page.value("document.querySelector('#to').value = '2020-01-01T00:00'")
    page.value("document.querySelector('#move').requestSubmit()")
    page.wait_for("!document.querySelector('#trouble').hidden")
    assert "time only moves forward" in text(page, "#trouble")


@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_fits_the_window(page: Browser, width: int) -> None:
    page.resize(width, 900)
    assert page.value("document.documentElement.scrollWidth") == width


def test_the_page_complains_of_nothing_and_asks_only_this_machine(page: Browser, local_cloud: str) -> None:
    page.wait_for("document.querySelector('#now').innerText.length > 3")
    assert [url for url in page.requested if not url.startswith((local_cloud, "data:", "about:"))] == []
    assert page.complaints == []
