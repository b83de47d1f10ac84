"""Every row of the control interface's table (DESIGN §8), over HTTP."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim, Dispute, EffectState, Mark, Profile
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice, Status
from tests.integration.control.conftest import Local
from tests.integration.control.fake_cloud import START

INVOICE = Invoice(
    id="in_1",
    source="stripe",
    customer="stripe:cus_1",
    number="N-1",
    status=Status.OPEN,
    currency="USD",
    total=12000,
    amount_due=9000,
    due_date=date(2026, 3, 3),
    issued_at=START,
    stamp=START,
    level=1,
    next_step="second",
    next_at=datetime(2026, 3, 12, 9, tzinfo=UTC),
)


def error(answer: tuple[int, object]) -> tuple[int, str]:
    status, body = answer
    assert isinstance(body, dict)
    assert list(body) == ["error"]
    return status, body["error"]


def test_the_clock_stands_still_until_it_is_moved(local: Local) -> None:
    assert local.ask("GET", "/_local/clock") == (200, {"now": "2026-03-02T08:00:00Z"})
    assert local.ask("GET", "/_local/clock") == (200, {"now": "2026-03-02T08:00:00Z"})


@pytest.mark.parametrize(
    ("move", "now"),
    [
        ({"advance": "48h"}, "2026-03-04T08:00:00Z"),
        ({"advance": "90s"}, "2026-03-02T08:01:30Z"),
        ({"advance": "10m"}, "2026-03-02T08:10:00Z"),
        ({"advance": "2d"}, "2026-03-04T08:00:00Z"),
        ({"advance": "0s"}, "2026-03-02T08:00:00Z"),
        ({"to": "2026-03-05T00:00:00Z"}, "2026-03-05T00:00:00Z"),
        ({"to": "2026-03-05T00:00:00.25Z"}, "2026-03-05T00:00:00.250000Z"),
    ],
)
def test_moving_the_clock_answers_the_new_time_and_what_ran(local: Local, move: object, now: str) -> None:
    assert local.ask("POST", "/_local/clock", move) == (200, {"now": now, "invocations": 3})


@pytest.mark.parametrize(
    ("move", "names"),
    [
        ({"to": "2026-03-02T07:59:59Z"}, "past"),
        ({"to": "2026-03-05"}, "to is"),
        ({"to": "2026-03-05T00:00:00+01:00"}, "to is"),
        ({"to": "2026-02-30T00:00:00Z"}, "to is"),
        ({"to": 5}, "to is"),
        ({"advance": "soon"}, "advance is"),
        ({"advance": "-1h"}, "advance is"),
        ({"advance": "1.5h"}, "advance is"),
        ({"advance": "1w"}, "advance is"),
        ({"advance": "٣h"}, "advance is"),
        ({"advance": 48}, "advance is"),
        ({"advance": "999999999d"}, "ahead"),
        ({"advance": "1h", "to": "2026-03-05T00:00:00Z"}, "either"),
        ({}, "either"),
        ({"forward": "1h"}, "forward"),
        ([], "JSON object"),
        ("nonsense", "JSON object"),
        ("", "JSON object"),
    ],
)
def test_a_clock_that_cannot_be_moved_so_is_422_and_stands(local: Local, move: object, names: str) -> None:
    status, text = error(local.ask("POST", "/_local/clock", move))
    assert status == 422
    assert names in text
    assert local.cloud.now == START


def test_lists_are_bare_arrays_with_instants_in_z(local: Local) -> None:
    assert local.ask("GET", "/_local/outbox") == (
        200,
        [{"channel": "email", "to": ["Pat@example.com"], "cc": [], "sent_at": "2026-03-02T08:00:00Z"}],
    )
    assert local.ask("GET", "/_local/dead_letters") == (200, [])
    assert local.ask("GET", "/_local/calls") == (200, [{"function": "run_step", "service": "sesv2", "operation": "SendEmail", "count": 1}])


def test_a_case_shows_profile_invoices_and_activities(local: Local) -> None:
    claim = Claim("01A", START + timedelta(minutes=20), "01A", effects={"in_1/email": Mark(EffectState.DONE)})
    profile = Profile(
        "stripe:cus_1", Contact(name="Pat Doe", email="pat@example.com"), due_at=START, due_since=START, claim=claim, version=3
    )
    local.cases.cases["stripe:cus_1"] = Case(profile, {"in_1": INVOICE})
    local.cases.log = [Activity(START, ActivityType.SENT, "7 days overdue", ("in_1",), "first", "policy standard", "email", "01A")]
    for address in ("stripe:cus_1", "stripe%3Acus_1"):
        status, case = local.ask("GET", f"/_local/cases/{address}")
        assert status == 200
        assert isinstance(case, dict)
        assert (
            case["invoices"][0].items()
            >= {
                "id": "in_1",
                "source": "stripe",
                "number": "N-1",
                "status": "open",
                "currency": "USD",
                "total": 12000,
                "amount_due": 9000,
                "due_date": "2026-03-03",
                "level": 1,
                "next_step": "second",
                "next_at": "2026-03-12T09:00:00Z",
                "holds": [],
            }.items()
        )
        sent = {"at": "2026-03-02T08:00:00Z", "type": "sent", "reason": "7 days overdue", "invoices": ["in_1"], "step": "first"}
        assert case["activities"][0].items() >= sent.items()
        assert case["activities"][0]["actor"] == "policy standard"
        assert (case["profile"]["customer"], case["profile"]["name"], case["profile"]["holds"]) == ("stripe:cus_1", "Pat Doe", [])
        assert case["profile"]["claim"]["effects"] == {"in_1/email": "done"}


def test_what_is_absent_is_null(local: Local) -> None:
    bare = replace(INVOICE, due_date=None, next_step=None, next_at=None)
    local.cases.cases["stripe:cus_1"] = Case(Profile("stripe:cus_1", version=1), {"in_1": bare})
    _, case = local.ask("GET", "/_local/cases/stripe:cus_1")
    assert isinstance(case, dict)
    assert [case["invoices"][0][name] for name in ("due_date", "next_step", "next_at")] == [None, None, None]
    assert (case["profile"]["claim"], case["profile"]["due_at"], case["profile"]["email"]) == (None, None, None)


def test_every_hold_of_a_case_is_on_its_invoices(local: Local) -> None:
    opened = Dispute("dp_1", is_open=True, stamp=START, invoice="in_1")
    disputes = {"dp_1": opened, "dp_2": Dispute("dp_2", is_open=False, stamp=START, invoice="in_2")}
    profile = Profile("stripe:cus_1", holds={HoldKind.REPLY: Hold(START)}, disputes=disputes, version=1)
    local.cases.cases["stripe:cus_1"] = Case(profile, {"in_1": INVOICE, "in_2": replace(INVOICE, id="in_2")})
    _, case = local.ask("GET", "/_local/cases/stripe:cus_1")
    assert isinstance(case, dict)
    assert [row["holds"] for row in case["invoices"]] == [["reply", "dispute"], ["reply", "dispute"]]
    assert case["profile"]["held_since"] == {"reply": "2026-03-02T08:00:00Z", "dispute": "2026-03-02T08:00:00Z"}


def test_a_dispute_that_ended_holds_nothing(local: Local) -> None:
    ended = {"dp_1": Dispute("dp_1", is_open=False, stamp=START, invoice="in_1")}
    local.cases.cases["stripe:cus_1"] = Case(Profile("stripe:cus_1", disputes=ended, version=1), {"in_1": INVOICE})
    _, case = local.ask("GET", "/_local/cases/stripe:cus_1")
    assert isinstance(case, dict)
    assert case["invoices"][0]["holds"] == []
    assert case["profile"]["holds"] == []


def test_the_cases_of_all_customers_the_provider_knows_are_listed_in_short(local: Local) -> None:
    for number in ("1", "2"):
        body = {"id": f"in_{number}", "status": "open", "customer": f"cus_{number}"}
        local.ask("PUT", f"/_local/provider/stripe/invoices/in_{number}", body)
    local.cases.cases["stripe:cus_1"] = Case(Profile("stripe:cus_1", Contact(name="Pat Doe"), version=1), {"in_1": INVOICE})
    in_short = {"customer": "stripe:cus_1", "name": "Pat Doe", "holds": [], "invoices": 1, "open": 1, "next_at": "2026-03-12T09:00:00Z"}
    assert local.ask("GET", "/_local/cases") == (200, [in_short])


def test_a_case_that_cannot_be_read_hides_no_other_and_says_why_when_it_is_asked_for(local: Local) -> None:
    for number in ("1", "2"):
        body = {"id": f"in_{number}", "status": "open", "customer": f"cus_{number}"}
        local.ask("PUT", f"/_local/provider/stripe/invoices/in_{number}", body)
    local.cases.unreadable = {"stripe:cus_1"}
    local.cases.cases["stripe:cus_2"] = Case(Profile("stripe:cus_2", version=1), {"in_2": replace(INVOICE, id="in_2")})
    _, listed = local.ask("GET", "/_local/cases")
    assert isinstance(listed, list)
    assert [(row["customer"], row["holds"]) for row in listed] == [("stripe:cus_1", ["unreadable"]), ("stripe:cus_2", [])]
    assert error(local.ask("GET", "/_local/cases/stripe:cus_1")) == (422, "row INV#in_1 of stripe:cus_1 cannot be read")


def test_an_unknown_customer_is_404(local: Local) -> None:
    assert error(local.ask("GET", "/_local/cases/stripe:cus_none"))[0] == 404


def test_what_comes_next_is_explained_with_instants_in_z(local: Local) -> None:
    local.cases.cases["stripe:cus_1"] = Case(Profile("stripe:cus_1", version=1), {"in_1": INVOICE})
    status, explanation = local.ask("GET", "/_local/explain/stripe%3Acus_1")
    assert status == 200
    assert isinstance(explanation, dict)
    assert (explanation["customer"], explanation["now"]) == ("stripe:cus_1", "2026-03-02T08:00:00Z")
    assert set(explanation["next"][0]) >= {"number", "what", "step", "at", "local", "timezone", "why", "not_sooner", "if_released"}
    assert error(local.ask("GET", "/_local/explain/stripe:cus_none"))[0] == 404


def test_a_policy_is_replaced_or_refused_with_the_reason(local: Local) -> None:
    assert local.ask("PUT", "/_local/policies/standard", "name: standard # é")[0] == 200
    assert ("policy", "standard", "name: standard # é") in local.cloud.told
    assert error(local.ask("PUT", "/_local/policies/standard", "no_such")) == (
        422,
        "standard.yaml, step first, email: no template 'no_such'",
    )
    assert error(local.ask("PUT", "/_local/policies/standard", b"\xff"))[0] == 422
    assert error(local.ask("PUT", "/_local/policies/..%2Fstandard", "name: x"))[0] == 422


def test_a_fault_strikes_once_unless_told(local: Local) -> None:
    fault = {"service": "sesv2", "operation": "SendEmail", "mode": "lost"}
    assert local.ask("POST", "/_local/faults", fault) == (200, {**fault, "times": 1})
    assert local.ask("POST", "/_local/faults", {**fault, "times": 3}) == (200, {**fault, "times": 3})
    assert [told for told in local.cloud.told if told[0] == "fault"] == [
        ("fault", "sesv2", "SendEmail", "lost", 1),
        ("fault", "sesv2", "SendEmail", "lost", 3),
    ]


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"mode": "nonsense"}, "mode"),
        ({"mode": None}, "mode"),
        ({"times": 0}, "times"),
        ({"times": True}, "times"),
        ({"times": "2"}, "times"),
        ({"service": ""}, "service"),
        ({"service": 7}, "service"),
        ({"operation": None}, "operation"),
        ({"after": 1}, "after"),
    ],
)
def test_a_fault_that_means_nothing_is_422(local: Local, wrong: dict[str, object], names: str) -> None:
    status, text = error(local.ask("POST", "/_local/faults", {"service": "sesv2", "operation": "SendEmail", "mode": "error", **wrong}))
    assert status == 422
    assert names in text
    assert local.cloud.told == []


def test_a_customer_answers_by_mail_and_by_sms(local: Local) -> None:
    assert local.ask("POST", "/_local/inbound/email", b"From: pat@example.com\r\n\r\nPaid!")[0] == 200
    assert local.ask("POST", "/_local/inbound/sms", {"from": "+15555550100", "body": "STOP"})[0] == 200
    assert ("mail", b"From: pat@example.com\r\n\r\nPaid!") in local.cloud.told
    assert ("sms", "+15555550100", "STOP") in local.cloud.told
    assert error(local.ask("POST", "/_local/inbound/email", b""))[0] == 422
    assert error(local.ask("POST", "/_local/inbound/sms", {"from": "+15555550100"}))[0] == 422


def test_ses_reports_on_a_mail(local: Local) -> None:
    assert local.ask("POST", "/_local/delivery", {"to": "pat@example.com", "event": "bounce", "bounce": "transient"})[0] == 200
    assert local.ask("POST", "/_local/delivery", {"to": "pat@example.com", "event": "open"})[0] == 200
    assert ("delivery", "pat@example.com", "bounce", "transient") in local.cloud.told
    assert error(local.ask("POST", "/_local/delivery", {"to": "kim@example.com", "event": "bounce"}))[0] == 404
    assert error(local.ask("POST", "/_local/delivery", {"to": "pat@example.com", "event": "read"}))[0] == 422
    assert error(local.ask("POST", "/_local/delivery", {"to": "pat@example.com", "event": "bounce", "bounce": "soft"}))[0] == 422


def test_what_is_put_at_the_provider_is_read_back(local: Local) -> None:
    body = {"id": "in_1", "object": "invoice", "status": "paid", "amount_remaining": 0}
    assert local.ask("PUT", "/_local/provider/stripe/invoices/in_1", body) == (200, body)
    assert local.ask("GET", "/_local/provider/stripe/invoices/in_1") == (200, body)
    assert error(local.ask("GET", "/_local/provider/stripe/invoices/in_2"))[0] == 404
    assert error(local.ask("GET", "/_local/provider/sage/invoices/in_1"))[0] == 404
    assert error(local.ask("PUT", "/_local/provider/sage/invoices/in_1", body))[0] == 404
    assert error(local.ask("PUT", "/_local/provider/stripe/invoices/in_2", body))[0] == 422
    assert error(local.ask("PUT", "/_local/provider/stripe/invoices/in_1", "{"))[0] == 422


@pytest.mark.parametrize(
    "path", ["/_local", "/_local/", "/_local/clocks", "/_local/clock/", "/_local/cases/", "/_local/provider/stripe/invoices"]
)
def test_an_unknown_call_is_404(local: Local, path: str) -> None:
    assert error(local.ask("GET", path))[0] == 404


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/_local/clock"), ("POST", "/_local/outbox"), ("GET", "/_local/faults"), ("GET", "/_local/policies/x")]
)
def test_a_method_a_call_does_not_have_is_405(local: Local, method: str, path: str) -> None:
    status, text = error(local.ask(method, path))
    assert status == 405
    assert method in text
