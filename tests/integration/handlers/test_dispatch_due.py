"""dispatch_due on its schedule's real events."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dunning.bootstrap import Handler
from dunning.domain.case import Case, Profile
from dunning.domain.errors import Retryable
from dunning.domain.invoice import Invoice, Status
from dunning.storage import items, keys
from dunning.storage.expressions import to_wire
from functions.dispatch_due.app import build
from tests.fakes.table import aws_session
from tests.integration.handlers.cloud import SHARDS, Aws, invoke, minutes, sample

TURN = datetime(2026, 3, 23, 8, 50, tzinfo=UTC)


@pytest.fixture
def handler(aws: Aws) -> Handler:
    aws.clock.now = TURN
    return build(aws.platform)


def due(aws: Aws, customer: str, at: datetime) -> None:
    empty = Case(Profile(customer))
    aws.store.save(empty, empty.with_profile(replace(empty.profile, due_at=at, due_since=at)))


def fill(aws: Aws, customers: range) -> None:
    """Put that many customers with one open invoice each, due in a month, straight into the table."""
    later = TURN + timedelta(days=30)
    rows: list[dict[str, Any]] = []
    for number in customers:
        customer = f"stripe:cus_{number}"
        invoice = Invoice(f"in_{number}", "stripe", customer, "N", Status.OPEN, "EUR", 1, 1, date(2026, 4, 1), None, TURN, next_at=later)
        profile = items.profile_attributes(Profile(customer, due_at=later, due_since=later), SHARDS)
        for sk, attributes in ((keys.PROFILE, profile), (keys.invoice_key(invoice.id), items.invoice_attributes(invoice, SHARDS))):
            rows.append({"pk": keys.customer_key(customer), "sk": sk, "version": 1, **attributes})
    client = aws_session().client("dynamodb")
    for start in range(0, len(rows), 25):
        puts: Any = [{"PutRequest": {"Item": to_wire(row)}} for row in rows[start : start + 25]]
        client.batch_write_item(RequestItems={aws.table: puts})


def test_timers_become_messages_with_their_delays(aws: Aws, handler: Handler) -> None:
    due(aws, "stripe:cus_a", TURN + minutes(3))
    due(aws, "stripe:cus_b", TURN + minutes(12))
    assert invoke(handler, sample("dispatch_due/every_ten_minutes")) == {"sent": 1, "deferred": 0, "looked_at": 0}
    assert aws.messages("run") == [{"customer": "stripe:cus_a", "hops": 0, "let_go": keys.instant(TURN + minutes(3)), "delay": 180}]


def test_the_event_s_own_time_counts_and_not_when_it_runs(aws: Aws, handler: Handler) -> None:
    due(aws, "stripe:cus_a", TURN)
    aws.clock.now = TURN + minutes(4)
    assert invoke(handler, sample("dispatch_due/every_ten_minutes")) == {"sent": 1, "deferred": 0, "looked_at": 0}


def test_the_run_on_the_hour_finds_all_that_was_missed(aws: Aws, handler: Handler) -> None:
    due(aws, "stripe:cus_a", TURN - timedelta(days=100))
    assert invoke(handler, sample("dispatch_due/every_ten_minutes")) == {"sent": 0, "deferred": 0, "looked_at": 0}
    assert invoke(handler, sample("dispatch_due/on_the_hour")) == {"sent": 1, "deferred": 0, "looked_at": 0}


def test_messages_go_out_ten_to_a_call(aws: Aws, handler: Handler) -> None:
    for number in range(23):
        due(aws, f"stripe:cus_{number}", TURN + minutes(1))
    aws.forget_calls()
    invoke(handler, sample("dispatch_due/every_ten_minutes"))
    assert aws.calls == {"Query": SHARDS, "GetItem": 1, "GetAccount": 1, "SendMessageBatch": 3}
    assert len({str(message["customer"]) for message in aws.messages("run")}) == 23


def test_more_than_the_mail_quota_waits(aws: Aws, handler: Handler) -> None:
    for number in range(3):
        due(aws, f"stripe:cus_{number}", TURN + minutes(number))
    aws.answers("GetAccount", {"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 199.0}})
    assert invoke(handler, sample("dispatch_due/every_ten_minutes")) == {"sent": 1, "deferred": 2, "looked_at": 2}
    let_go = {message["customer"]: "let_go" in message for message in aws.messages("run")}
    assert let_go == {"stripe:cus_0": True, "stripe:cus_1": False, "stripe:cus_2": False}


def test_what_fails_is_raised_so_that_lambda_repeats_it(aws: Aws, handler: Handler) -> None:
    aws.fails("Query")
    with pytest.raises(Retryable):
        invoke(handler, sample("dispatch_due/every_ten_minutes"))


@pytest.mark.parametrize("event", ["every_ten_minutes", "on_the_hour"])
def test_its_calls_do_not_grow_with_how_many_invoices_exist(aws: Aws, handler: Handler, event: str) -> None:
    fill(aws, range(10))
    invoke(handler, sample(f"dispatch_due/{event}"))
    few = dict(aws.calls)
    fill(aws, range(10, 1000))
    aws.forget_calls()
    invoke(handler, sample(f"dispatch_due/{event}"))
    assert aws.calls == few == {"Query": SHARDS}
