"""Five hundred due invoices of one customer, and a customer of whom much is to be told, on the strict DynamoDB Local."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Dispute, Notice
from dunning.domain.decision import MOST_AT_ONCE
from dunning.domain.invoice import Snapshot, Status
from dunning.domain.recording import Recorded
from dunning.workflow.ports import Wakeup
from dunning.workflow.sources import recorder_for
from tests.dynamodb_local.server import missing
from tests.fakes.invoices import ACME, snapshot
from tests.integration.concurrency.tables import on_dynamodb_local, on_moto
from tests.integration.concurrency.workers import Workers

MOST_ACTIONS, LARGEST_ITEM = 100, 400 * 1024
INVOICES = 500
IN_ONE_WRITE = 25
NOTICES = DISPUTES = 500


class Measured(Workers):
    """Workers whose transactions are counted."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.actions: list[int] = []
        self.client.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", self._note)

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self.actions.append(len(params["TransactItems"]))

    def told_at_once(self, snapshots: Sequence[Snapshot]) -> None:
        """What their webhooks would do one by one, in one write."""

        def change(case: Case, now: datetime) -> Recorded:
            recorder = recorder_for(ACME, self.policies, now, "test")
            activities: list[Activity] = []
            for told in snapshots:
                recorded = recorder.record(case, told, fetched=False)
                case, activities = recorded.case, [*activities, *recorded.activities]
            return Recorded(case, tuple(activities))

        self.record().change(ACME, change)

    def work_off(self, customer: str, *, most: int) -> int:
        """Look at this customer as long as something is done; how often that was."""
        for turns in range(most):
            if not self.run_step()(Wakeup(customer)).startswith("complete"):
                return turns
            self.email.all_reported()
        raise AssertionError(f"{customer} is still due after {most} turns")

    def largest_item(self) -> int:
        """The size of the largest item in the table, in bytes, somewhat more than DynamoDB counts."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.table)
        return max(len(json.dumps(item).encode()) for page in pages for item in page["Items"])


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """On DynamoDB Local, which enforces the limits; on moto, with the same counts, where it is missing."""
    opened = on_moto() if missing() else on_dynamodb_local(request.getfixturevalue("dynamodb_url"))
    with opened as (client, table):
        yield Measured(client, table, 1)


def test_five_hundred_due_invoices_of_one_customer_are_each_reminded_of_once(measured: Measured) -> None:
    owed = [snapshot(f"in_{number:03}") for number in range(INVOICES)]
    measured.stripe.has(*owed)
    for first in range(0, INVOICES, IN_ONE_WRITE):
        measured.told_at_once(owed[first : first + IN_ONE_WRITE])
    measured.until_due(ACME)
    turns = measured.work_off(ACME, most=2 * INVOICES // MOST_AT_ONCE)
    assert turns == INVOICES // MOST_AT_ONCE
    assert Counter(message.envelope.effect for message in measured.email.sent) == {f"email:first:{one.invoice_id}": 1 for one in owed}
    assert [invoice.level for invoice in measured.store.load(ACME).invoices.values()] == [1] * INVOICES
    assert max(measured.actions) < MOST_ACTIONS
    assert measured.largest_item() < LARGEST_ITEM
    assert measured.dead_letters.letters == []


def test_what_is_kept_of_one_customer_fits_into_an_item_and_the_team_is_told_all_of_it_once(measured: Measured) -> None:
    now = measured.clock()
    disputes = {f"dp_{n:024}": Dispute(f"dp_{n:024}", is_open=False, stamp=now, invoice=f"in_{n:024}") for n in range(DISPUTES)}
    reason = "the mail bounced: the address does not exist or refuses us"
    notices = {f"undelivered:{n:060}": Notice(reason, now, ("in_1",)) for n in range(NOTICES)}
    measured.told(snapshot(status=Status.VOID))
    before = measured.store.load(ACME)
    much = replace(before.profile, disputes=disputes, notices=notices, due_at=now, due_since=now)
    measured.store.save(before, before.with_profile(much))
    assert measured.largest_item() < LARGEST_ITEM
    measured.work_off(ACME, most=2 * NOTICES // MOST_AT_ONCE)
    assert Counter(message.envelope.effect for message in measured.team.sent) == {f"notice:{key}": 1 for key in notices}
    assert max(measured.actions) < MOST_ACTIONS
    profile = measured.store.load(ACME).profile
    assert (profile.notices, profile.disputes, profile.due_at, profile.claim) == ({}, disputes, None, None)
