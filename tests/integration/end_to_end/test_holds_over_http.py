"""Holds, promises and partial payments as an outsider sees them: policies put, webhooks delivered, a person's acts posted."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from infra.cli import main
from tests.integration.end_to_end.driver import ANY_HOUR, Json, LocalCloudOutside, dunning_up, invoice, paid


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudOutside]:
    """One `dunning up` for all of this file: each test has customers of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with dunning_up("2026-03-02T08:00:00Z", port, tmp_path_factory.mktemp("holds") / "up.log") as found:
        yield found


def act(outside: LocalCloudOutside, customer: str, action: str, **given: object) -> tuple[int, Json]:
    return outside.ask("POST", f"/_local/cases/{customer}/{action}", given)


def first_invoice(outside: LocalCloudOutside, customer: str) -> Json:
    found: Json = outside.case(customer)["invoices"][0]
    return found


def reasons(outside: LocalCloudOutside, customer: str) -> list[str]:
    return [f"{row['type']}: {row['reason']}" for row in outside.case(customer)["activities"]]


def days_from(outside: LocalCloudOutside, days: int) -> str:
    return (outside.now + timedelta(days=days)).date().isoformat()


def test_promises_kept_and_broken_and_a_dispute_of_one_of_two(outside: LocalCloudOutside) -> None:
    assert outside.put_policy(ANY_HOUR + "promise: {max_days: 10, max_count: 1, grace: 0d}\n")[0] == 200
    due = days_from(outside, 0)
    kept, broken = invoice("801", due), invoice("802", due)
    one, other = invoice("803", due, customer="cus_803"), invoice("804", due, customer="cus_803", customer_email="pat803@example.com")
    for thing in (kept, broken, one, other):
        outside.tell("invoice.finalized", thing)
    until = days_from(outside, 9)
    assert act(outside, "stripe:cus_801", "promise", invoice="in_801", until=until) == (200, {"outcome": "recorded"})
    assert act(outside, "stripe:cus_802", "promise", invoice="N-802", until=until, amount=5000)[0] == 200
    status, refused = act(outside, "stripe:cus_802", "promise", invoice="in_802", until=days_from(outside, 11))
    assert (status, "max_days" in refused["error"]) == (422, True)
    assert act(outside, "stripe:cus_803", "dispute", invoice="in_803", reason="wrong price") == (200, {"outcome": "recorded"})
    assert first_invoice(outside, "stripe:cus_801")["holds"] == ["promise"]
    assert [row["holds"] for row in outside.case("stripe:cus_803")["invoices"]] == [["dispute"], []]

    outside.advance("8d")
    mailed = {name for mail in outside.outbox(channel="email", kind="reminder") for name in mail["invoices"]}
    assert mailed & {"in_801", "in_802", "in_803", "in_804"} == {"in_804"}
    outside.tell("invoice.paid", paid(kept))
    outside.advance("2d")
    assert not outside.outbox(customer="stripe:cus_801", kind="reminder")
    assert reasons(outside, "stripe:cus_801")[-1] == f"released: promise: kept: 120.00 USD by {until}"
    told = outside.outbox(customer="stripe:cus_802", channel="team")
    assert [(notice["kind"], f"50.00 USD by {until} did not arrive" in notice["text"]) for notice in told] == [("notice", True)]
    assert [mail["step"] for mail in outside.outbox(customer="stripe:cus_802", channel="email")] == ["first"]
    assert first_invoice(outside, "stripe:cus_802")["holds"] == []

    assert act(outside, "stripe:cus_803", "undispute", invoice="in_803")[0] == 200
    outside.advance("1h")
    steps = {mail["invoices"][0]: mail["step"] for mail in outside.outbox(customer="stripe:cus_803", channel="email")}
    assert steps["in_803"] == "first"


@pytest.mark.parametrize(("number", "rule", "level", "step"), [("811", "continue", 1, "second"), ("812", "restart", 0, "first")])
def test_a_part_payment_continues_or_restarts_the_plan(outside: LocalCloudOutside, number: str, rule: str, level: int, step: str) -> None:
    assert outside.put_policy(ANY_HOUR + f"on_partial_payment: {rule}\n")[0] == 200
    owed, customer = invoice(number, days_from(outside, 0)), f"stripe:cus_{number}"
    outside.tell("invoice.finalized", owed)
    outside.advance("8d")
    outside.tell("invoice.updated", {**owed, "amount_paid": 7000, "amount_remaining": 5000})
    after = first_invoice(outside, customer)
    assert (after["level"], after["next_step"], after["amount_due"]) == (level, step, 5000)


def test_a_part_payment_pauses_the_invoice(outside: LocalCloudOutside) -> None:
    assert outside.put_policy(ANY_HOUR + "on_partial_payment: {hold: 96h}\n")[0] == 200
    owed, customer = invoice("813", days_from(outside, 0)), "stripe:cus_813"
    outside.tell("invoice.finalized", owed)
    outside.advance("8d")
    outside.tell("invoice.updated", {**owed, "amount_paid": 7000, "amount_remaining": 5000})
    assert first_invoice(outside, customer)["holds"] == ["partial_payment"]
    outside.advance("95h")
    assert [mail["step"] for mail in outside.outbox(customer=customer, channel="email")] == ["first"]
    outside.advance("2h")
    assert [mail["step"] for mail in outside.outbox(customer=customer, channel="email")] == ["first", "second"]


def test_the_command_line_holds_and_releases(outside: LocalCloudOutside, capsys: pytest.CaptureFixture[str]) -> None:
    assert outside.put_policy(ANY_HOUR)[0] == 200
    outside.tell("invoice.finalized", invoice("821", days_from(outside, 0)))
    where = ["case", "stripe:cus_821", "--url", f"http://127.0.0.1:{outside.port}"]
    assert main([*where, "hold", "--reason", "their office moves", "--until", days_from(outside, 12)]) == 0
    assert capsys.readouterr().out == "stripe:cus_821: hold: recorded\n"
    outside.advance("9d")
    assert not outside.outbox(customer="stripe:cus_821")
    assert first_invoice(outside, "stripe:cus_821")["holds"] == ["operator"]
    assert main([*where, "release", "--hold", "everything"]) == 2
    assert "a person may end operator, reply" in capsys.readouterr().err
    assert main([*where, "promise", "in_821", "--until", "2020-01-01"]) == 2
    assert "lies in the past" in capsys.readouterr().err
    assert main([*where, "release"]) == 0
    outside.advance("1h")
    assert [mail["step"] for mail in outside.outbox(customer="stripe:cus_821")] == ["first"]
    assert outside.ask("POST", "/_local/cases/stripe:cus_none/hold", {"reason": "x"})[0] == 404
    assert outside.ask("POST", "/_local/cases/stripe:cus_821/burn", {})[0] == 404


def reply(outside: LocalCloudOutside, raw: str) -> None:
    assert outside.ask("POST", "/_local/inbound/email", raw, {"content-type": "message/rfc822"})[0] == 200


def test_an_answer_by_mail_or_sms_holds_until_it_is_handled(outside: LocalCloudOutside) -> None:
    assert outside.put_policy(ANY_HOUR + "on_reply: {hold: until_handled, notify: collections}\n")[0] == 200
    due = days_from(outside, 0)
    for number, phone in (("831", "+15550131"), ("832", "+15550132"), ("833", "+15550133")):
        outside.tell("invoice.finalized", invoice(number, due, customer_phone=phone))
    outside.advance("8d")
    address = outside.outbox(customer="stripe:cus_831", channel="email")[0]["headers"]["Reply-To"]
    reply(
        outside,
        f"From: Boss <boss@else.example>\r\nTo: {address}\r\nSubject: Re: yours\r\nMessage-ID: <m831@x>\r\n\r\nThe goods are broken.",
    )
    outside.ask("POST", "/_local/inbound/sms", {"from": "+1 555 0132", "body": "call me"})
    away = "From: pat833@example.com\r\nTo: x@example.com\r\nAuto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nI am on holiday."
    reply(outside, away)
    outside.advance("1m")
    assert [first_invoice(outside, f"stripe:cus_{number}")["holds"] for number in (831, 832, 833)] == [["reply"], ["reply"], []]
    told = [notice["text"] for notice in outside.outbox(customer="stripe:cus_831", channel="team")]
    assert (len(told), "The goods are broken." in told[0]) == (1, True)
    assert "broken" not in str(outside.case("stripe:cus_831")["activities"])
    reply(
        outside,
        f"From: Boss <boss@else.example>\r\nTo: {address}\r\nSubject: Re: yours\r\nMessage-ID: <m831@x>\r\n\r\nThe goods are broken.",
    )
    outside.advance("3d")
    assert len(outside.outbox(customer="stripe:cus_831", channel="team")) == 1
    steps = {
        number: [mail["step"] for mail in outside.outbox(customer=f"stripe:cus_{number}", channel="email")] for number in (831, 832, 833)
    }
    assert steps == {831: ["first"], 832: ["first"], 833: ["first", "second"]}
    for one in (831, 832):
        assert act(outside, f"stripe:cus_{one}", "handled", reason="called them") == (200, {"outcome": "recorded"})
    outside.advance("1h")
    assert [mail["step"] for mail in outside.outbox(customer="stripe:cus_831", channel="email")] == ["first", "second"]
    assert "replied: the customer answered by sms" in reasons(outside, "stripe:cus_832")

    reply(outside, "From: Nobody <nobody@nowhere.example>\r\nTo: hello@example.com\r\nSubject: Hi\r\n\r\nWho are you?")
    assert any("Who are you?" in notice["text"] for notice in outside.outbox(channel="team"))
