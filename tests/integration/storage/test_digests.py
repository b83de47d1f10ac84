"""What a digest reads of the table: a day's activities and the open money; and the note that it goes out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Profile
from dunning.domain.digest import Happened, OpenAmount
from dunning.domain.errors import Retryable
from dunning.domain.invoice import Approval, ApprovalState, Status
from dunning.storage.cases import TableCaseStore
from dunning.storage.digests import TableDigests
from dunning.storage.translation import client_config
from tests.contract.storage.cases import ACME, invoice
from tests.integration.handlers.cloud import SHARDS, Aws

FOUR = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
A_DAY, A_MOMENT = timedelta(days=1), timedelta(microseconds=1)
DAY, US, THEM = "2026-03-03", "ours", "theirs"


@pytest.fixture
def digests(aws: Aws) -> TableDigests:
    return TableDigests(aws.session.client("dynamodb", config=client_config()), aws.table, SHARDS)


@pytest.fixture
def store(aws: Aws) -> TableCaseStore:
    return TableCaseStore(aws.session.client("dynamodb"), aws.table, SHARDS)


def happened(at: datetime, kind: ActivityType = ActivityType.SENT) -> Activity:
    return Activity(at, kind, "Größe 中", ("in_1",), "first", "run_step")


def test_it_tells_what_happened_from_one_four_o_clock_to_the_next_over_midnight(digests: TableDigests, store: TableCaseStore) -> None:
    until = [FOUR - A_DAY - A_MOMENT, FOUR - A_DAY, FOUR - timedelta(hours=4), FOUR - A_MOMENT, FOUR]
    log = [happened(at) for at in until] + [happened(FOUR - 2 * A_MOMENT, ActivityType.ENROLLED)]
    store.save(Case(Profile(ACME)), Case(Profile(ACME, retries=1)), log)
    told = [Happened(ACME, ActivityType.SENT, at, ("in_1",), "Größe 中") for at in until[1:4]]
    assert sorted(digests.happened(FOUR - A_DAY, FOUR), key=lambda one: one.at) == told


def test_it_counts_what_is_open_in_every_shard_and_nothing_that_is_paid(digests: TableDigests, store: TableCaseStore) -> None:
    customers = [f"stripe:cus_{number}" for number in range(2 * SHARDS)]
    for number, customer in enumerate(customers):
        case = Case(Profile(customer)).with_invoice(invoice(f"in_{number}", customer, due=date(2026, 3, 1) if number else None))
        store.save(Case(Profile(customer)), case.with_invoice(invoice(f"paid_{number}", customer, status=Status.PAID)))
    open_ones = sorted(digests.owed(), key=lambda one: one.due_date is not None)
    assert open_ones == [OpenAmount("EUR", 100_00, None)] + [OpenAmount("EUR", 100_00, date(2026, 3, 1))] * (2 * SHARDS - 1)


def test_what_only_another_release_can_read_is_left_out_and_the_rest_is_told(
    aws: Aws, digests: TableDigests, store: TableCaseStore, caplog: pytest.LogCaptureFixture
) -> None:
    """As after going back to an older one: a new type of activity, a new notation of amounts."""
    case = Case(Profile(ACME)).with_invoice(invoice("in_1")).with_invoice(invoice("in_2"))
    store.save(Case(Profile(ACME)), case, [happened(FOUR - 2 * A_MOMENT), happened(FOUR - A_MOMENT)])
    table = aws.session.client("dynamodb")
    rows = table.scan(TableName=aws.table)["Items"]
    newer = next(row for row in rows if row["sk"]["S"].startswith("ACT#"))
    table.put_item(TableName=aws.table, Item={**newer, "type": {"S": "arbitrated"}})
    odd = next(row for row in rows if row["sk"]["S"] == "INV#in_1")
    table.put_item(TableName=aws.table, Item={**odd, "amount_due": {"S": "much"}})
    assert [one.type for one in digests.happened(FOUR - A_DAY, FOUR)] == [ActivityType.SENT]
    assert [one.amount_due for one in digests.owed()] == [100_00]
    assert caplog.text.count("of the table cannot be read (ValueError)") == 2


def test_it_names_each_customer_of_whom_something_waits_for_an_answer_until_there_is_one(
    digests: TableDigests, store: TableCaseStore
) -> None:
    asked = Approval("first", ApprovalState.ASKED, 100_00)
    waits = Case(Profile(ACME)).with_invoice(replace(invoice("in_1"), next_step="first", approval=asked))
    waits = waits.with_invoice(replace(waits.invoices["in_1"], id="in_2")).with_invoice(invoice("in_3"))
    store.save(Case(Profile(ACME)), waits, [happened(FOUR)])
    assert list(digests.asked()) == [ACME]
    known = store.load(ACME)
    answered = {name: replace(one, approval=replace(asked, state=ApprovalState.APPROVED)) for name, one in known.invoices.items()}
    store.save(known, replace(known, invoices=answered))
    assert list(digests.asked()) == []


def test_a_note_whose_answer_was_lost_is_found_to_be_ours(aws: Aws, digests: TableDigests) -> None:
    aws.loses_the_answer("PutItem")
    assert digests.begin(DAY, US, FOUR)
    assert not digests.begin(DAY, THEM, FOUR)


def test_a_note_whose_answers_were_all_lost_can_be_taken_back(aws: Aws, digests: TableDigests) -> None:
    aws.loses_the_answer("PutItem", times=4)
    with pytest.raises(Retryable):
        digests.begin(DAY, US, FOUR)
    digests.take_back(DAY, US)
    assert digests.begin(DAY, THEM, FOUR)
