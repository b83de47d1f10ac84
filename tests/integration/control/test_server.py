"""What the server does with requests of all kinds, one at a time."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from infra.local.http.wire import LARGEST_BODY, Answer, Request
from tests.integration.control.conftest import Local
from tests.integration.control.fake_cloud import Answered
from tests.integration.sandbox.stripe_account import event, invoice, signature


def test_the_product_gets_every_other_request_as_it_came_and_answers_for_itself(local: Local) -> None:
    local.cloud.product = Answered(201, b'{"ok": true}', {"Content-Type": "application/json", "X-Own": "1"})
    response = local.open("PUT", "/portal/a%20b?x=1&x=2", b"\x00\xff", {"Stripe-Signature": "t=1"})
    assert (response.status, response.read(), response.getheader("X-Own")) == (201, b'{"ok": true}', "1")
    assert local.cloud.told == [("PUT", "/portal/a%20b", "x=1&x=2", "t=1", b"\x00\xff"), ("settle",)]


def test_the_provider_knows_of_a_webhook_whatever_the_product_answers(local: Local) -> None:
    local.cloud.product = Answered(500, b"", {})
    body = event("invoice.finalized", invoice())
    assert local.ask("POST", "/webhooks/stripe", body, {"Stripe-Signature": signature(body)})[0] == 500
    assert local.ask("GET", "/_local/provider/stripe/invoices/in_1")[0] == 200


def test_a_forged_webhook_reaches_the_product_and_not_the_provider(local: Local) -> None:
    body = event("invoice.finalized", invoice())
    local.ask("POST", "/webhooks/stripe", body, {"Stripe-Signature": "t=1,v1=00"})
    assert local.cloud.told[0][1] == "/webhooks/stripe"
    assert local.ask("GET", "/_local/provider/stripe/invoices/in_1")[0] == 404


def test_requests_are_served_one_by_one(local: Local) -> None:
    local.cloud.slow = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: local.ask("POST", f"/webhooks/{n}", b"{}")[0], range(16)))
    assert (answers, local.cloud.most_busy) == ([200] * 16, 1)


def test_one_connection_carries_many_requests(local: Local) -> None:
    connection = HTTPConnection("127.0.0.1", local.server.port, timeout=20)
    answers = []
    for _ in range(3):
        connection.request("POST", "/_local/clock", b'{"advance": "1h"}')
        answers.append(json.loads(connection.getresponse().read())["now"])
    connection.close()
    assert answers == ["2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"]


def test_a_body_in_chunks_is_put_together(local: Local) -> None:
    connection = HTTPConnection("127.0.0.1", local.server.port, timeout=20)
    connection.request("POST", "/webhooks/stripe", iter([b"one ", b"two"]), encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    assert local.cloud.told[0][-1] == b"one two"


def test_a_body_that_is_too_large_is_413(local: Local) -> None:
    status, answer = local.ask("POST", "/webhooks/stripe", b"x" * (LARGEST_BODY + 1))
    assert status == 413
    assert answer == {"error": "the body is larger than 10 MB"}
    assert local.cloud.told == []


def test_the_largest_body_is_taken(local: Local) -> None:
    assert local.ask("POST", "/webhooks/stripe", b"x" * LARGEST_BODY)[0] == 200


def test_a_nonsensical_length_is_400(local: Local) -> None:
    assert local.ask("POST", "/webhooks/stripe", None, {"Content-Length": "-5"})[0] == 400


def test_a_broken_application_answers_500_and_lives_on(local: Local) -> None:
    def broken(_request: Request) -> Answer:
        raise RuntimeError("out of order")

    working, local.server.application = local.server.application, broken
    assert local.ask("GET", "/_local/clock")[0] == 500
    local.server.application = working
    assert local.ask("GET", "/_local/clock")[0] == 200


def test_the_page_is_at_the_root_and_its_files_below_local(local: Local) -> None:
    assert local.ask("GET", "/")[0] == 200
    (local.page / "index.html").write_text("<!doctype html><title>é</title>")
    (local.page / "page.css").write_text("body {}")
    response = local.open("GET", "/")
    assert response.read().decode() == "<!doctype html><title>é</title>"
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert local.open("GET", "/_local/page/page.css").getheader("Content-Type") == "text/css; charset=utf-8"
    assert local.cloud.told == []


def test_no_file_outside_the_page_is_served(local: Local) -> None:
    (local.page.parent / "secret.txt").write_text("secret")
    assert local.ask("GET", "/_local/page/../secret.txt")[0] == 404
    assert local.ask("GET", "/_local/page/")[0] == 404


def test_head_answers_without_a_body(local: Local) -> None:
    response = local.open("HEAD", "/_local/clock")
    assert (response.status, response.read()) == (200, b"")
    assert int(response.getheader("Content-Length") or 0) > 0
