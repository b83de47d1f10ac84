"""A connection ends: no reminder goes out on old data, the team is told once, and all goes on by itself afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.case import Case
from dunning.domain.errors import Disconnected, NotConnected, NotPermitted, Permanent, Retryable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.workflow.daily_sweep import RELEASING, RELEASING_ONE
from dunning.workflow.disconnections import RELEASED_AT_ONCE
from dunning.workflow.hold_case import HoldCase
from dunning.workflow.ports import SyncRequest
from dunning.workflow.promise_to_pay import PromiseToPay
from dunning.workflow.sweep_ports import SweepStage
from tests.fakes.case_store import MemoryCaseStore
from tests.fakes.connections import MemoryConnections
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import snapshot
from tests.unit.content.plans import load
from tests.unit.workflow.plan import FIRST, said

CUSTOMERS = tuple(f"xero:acme:c{number}" for number in range(3))


@pytest.fixture
def books(world: FakeDeployment) -> FakeDeployment:
    """Three customers of Xero who each owe an invoice that is due to be reminded about at FIRST."""
    world.xero.connected = ("acme",)
    owed = [replace(snapshot(f"x{number}", customer), source="xero") for number, customer in enumerate(CUSTOMERS)]
    world.xero.has(*owed)
    for each in owed:
        world.record.invoice(each)
    return world


def disconnect(world: FakeDeployment) -> None:
    world.xero.failures["acme"] = Disconnected("xero", "acme", "its consent ran out")


def sweep_once(world: FakeDeployment) -> None:
    """All messages of the sweep's queue that wait now, each once."""
    for stage in world.sweep_queue.receive():
        world.sweep.page(stage)


def sweep_to_the_end(world: FakeDeployment) -> None:
    while world.sweep_queue.stages:
        sweep_once(world)


def due(world: FakeDeployment) -> None:
    """The hour comes at which all three are due."""
    world.clock.now = FIRST
    for customer in CUSTOMERS:
        world.look_at(customer)


def test_a_case_that_comes_due_is_held_and_nothing_is_sent(books: FakeDeployment) -> None:
    disconnect(books)
    due(books)
    assert [set(books.profile(customer).holds) for customer in CUSTOMERS] == [{HoldKind.STALE_DATA}] * 3
    assert books.email.sent == []
    assert said(books.log(CUSTOMERS[0])) == ["enrolled", "held"]
    assert {books.profile(customer).due_at for customer in CUSTOMERS} == {None}


def test_the_team_is_told_once_however_many_customers_there_are(books: FakeDeployment) -> None:
    disconnect(books)
    due(books)
    for _ in range(5):
        sweep_once(books)
        books.clock.advance(timedelta(minutes=15))
    books.sweep.start(books.clock())
    for _ in range(5):
        for stage in books.sweep_queue.receive():
            if stage.source == "xero":
                books.sweep.page(stage)
    assert [(sent.to, "dunning connect xero" in sent.text) for sent in books.team.sent] == [(("collections",), True)]


def test_connected_again_all_go_on_by_themselves(books: FakeDeployment) -> None:
    disconnect(books)
    due(books)
    sweep_once(books)
    books.clock.advance(timedelta(hours=1))
    books.xero.failures.clear()
    sweep_to_the_end(books)
    assert [books.profile(customer).holds for customer in CUSTOMERS] == [{}] * 3
    assert said(books.log(CUSTOMERS[0])) == ["enrolled", "held", "released"]
    books.advance(timedelta(days=1))
    assert sorted(sent.envelope.customer for sent in books.email.sent) == list(CUSTOMERS)


class CrackedStore(MemoryCaseStore):
    """Fails over one customer: as nobody foresaw, or as told."""

    failure: Exception | None = None

    def load(self, customer: str) -> Case:
        if self.failure and customer == CUSTOMERS[0]:
            raise self.failure
        return super().load(customer)


@pytest.fixture
def cracked(world: FakeDeployment) -> FakeDeployment:
    """More customers than are released at once wait for their connection, which is good again."""
    store = CrackedStore()
    world.record = replace(world.record, store=store)
    world.sweep = replace(world.sweep, record=world.record, reconnections=replace(world.sweep.reconnections, record=world.record))
    for number in range(RELEASED_AT_ONCE + 5):
        customer = f"xero:acme:c{number}"
        owed = replace(snapshot(f"x{number}", customer), source="xero")
        world.record.invoice(owed)
        HoldCase(world.record, HoldKind.STALE_DATA)(customer, "xero is not connected")
        world.connections.hold("xero", "acme", customer)
    world.store = store
    return world


def held(world: FakeDeployment) -> set[str]:
    return {each for each in world.store.customers() if MemoryCaseStore.load(world.store, each).profile.holds}


@pytest.mark.parametrize("failure", [OverflowError("date value out of range"), Permanent("no such policy")])
def test_one_case_that_cannot_be_released_keeps_none_of_the_others_and_is_tried_by_itself(
    cracked: FakeDeployment, failure: Exception
) -> None:
    assert isinstance(cracked.store, CrackedStore)
    cracked.store.failure = failure
    releasing = SweepStage("xero", "run", RELEASING, FIRST, account="acme")
    assert cracked.sweep.page(releasing).asked == 1
    alone, following = cracked.sweep_queue.receive()
    assert (alone.stage, alone.cursor) == (RELEASING_ONE, CUSTOMERS[0])
    cracked.sweep.page(following)
    assert held(cracked) == {CUSTOMERS[0]}
    assert cracked.sweep_queue.receive() == []
    with pytest.raises(type(failure)):  # the handler tells it, and puts it aside
        cracked.sweep.page(alone)

    cracked.store.failure = None
    cracked.sweep.page(alone)
    cracked.sweep.page(alone)
    assert held(cracked) == set()
    assert cracked.connections.held("xero", "acme", 100) == ()


def test_one_that_could_not_be_released_is_tried_again_by_the_next_sweep(cracked: FakeDeployment) -> None:
    assert isinstance(cracked.store, CrackedStore)
    cracked.store.failure = OverflowError("date value out of range")
    cracked.sweep.page(SweepStage("xero", "run", RELEASING, FIRST, account="acme"))
    cracked.sweep_queue.receive()
    cracked.store.failure = None
    cracked.sweep.page(SweepStage("xero", "tomorrow", RELEASING, FIRST + timedelta(days=1), account="acme"))
    assert CUSTOMERS[0] not in held(cracked)


def test_a_case_that_changes_too_fast_to_be_released_is_released_with_the_page_s_next_attempt(cracked: FakeDeployment) -> None:
    assert isinstance(cracked.store, CrackedStore)
    cracked.store.failure = Retryable("it changes faster than it can be written")
    page = cracked.sweep.page(SweepStage("xero", "run", RELEASING, FIRST, account="acme"))
    assert page.waits == "it changes faster than it can be written"
    assert len(held(cracked)) == 6
    cracked.store.failure = None
    while stages := cracked.sweep_queue.receive():
        for stage in stages:
            cracked.sweep.page(stage)
    assert held(cracked) == set()


def test_a_promise_that_runs_out_meanwhile_is_judged_when_its_source_can_be_asked_again(books: FakeDeployment) -> None:
    books.clock.now = FIRST - timedelta(days=1)
    PromiseToPay(books.record)(CUSTOMERS[0], "x0", (FIRST + timedelta(days=2)).date())
    disconnect(books)
    books.clock.now = FIRST + timedelta(days=4)
    for _ in range(3):
        books.look_at(CUSTOMERS[0])
    assert (said(books.log(CUSTOMERS[0])), books.profile(CUSTOMERS[0]).due_at) == (["enrolled", "held", "held"], None)
    books.xero.is_paid("x0")
    books.xero.failures.clear()
    sweep_to_the_end(books)
    books.advance(timedelta(days=1))
    assert books.invoice(CUSTOMERS[0], "x0").status is Status.PAID
    assert "broken" not in " ".join(entry.reason or "" for entry in books.log(CUSTOMERS[0]))
    assert [sent.envelope.customer for sent in books.email.sent if sent.envelope.customer == CUSTOMERS[0]] == []


def test_what_was_paid_while_nobody_could_see_it_is_not_reminded_about(books: FakeDeployment) -> None:
    disconnect(books)
    due(books)
    books.xero.is_paid("x0")
    books.xero.failures.clear()
    sweep_to_the_end(books)
    books.settle_queues()
    books.advance(timedelta(days=1))
    assert sorted(sent.envelope.customer for sent in books.email.sent) == list(CUSTOMERS[1:])
    assert books.invoice(CUSTOMERS[0], "x0").status is Status.PAID


def test_a_connection_that_ends_twice_is_told_of_twice(books: FakeDeployment) -> None:
    for _ in range(2):
        disconnect(books)
        books.sync(SyncRequest("xero", "invoice", "x0", account="acme"))
        sweep_once(books)
        sweep_once(books)
        books.xero.failures.clear()
        sweep_to_the_end(books)
        books.clock.advance(timedelta(days=1))
    assert len(books.team.sent) == 2


def test_news_that_cannot_be_looked_at_begin_the_sweep_that_will_see_it(books: FakeDeployment) -> None:
    disconnect(books)
    request = SyncRequest("xero", "invoice", "x0", account="acme")
    assert "left to the sweep" in books.sync(request)
    books.sync(request)
    assert [(stage.stage, stage.account) for stage in books.sweep_queue.stages] == [("accounts", "acme")]


def test_news_of_a_company_that_was_never_connected_alarm_nobody(books: FakeDeployment) -> None:
    books.xero.failures["stranger"] = NotConnected("xero", "stranger", "xero account stranger is not connected")
    outcome = books.sync(SyncRequest("xero", "invoice", "x0", account="stranger"))
    assert outcome == "not ours: xero account stranger is not connected"
    sweep_to_the_end(books)
    assert (books.connections.ended, books.team.sent) == ({}, [])


def test_a_company_of_ours_whose_consent_is_gone_is_told_of(books: FakeDeployment) -> None:
    books.xero.failures["acme"] = NotConnected("xero", "acme", "xero account acme is not connected")
    books.sync(SyncRequest("xero", "invoice", "x0", account="acme"))
    sweep_once(books)
    sweep_once(books)
    assert len(books.team.sent) == 1


def test_a_teller_that_died_is_followed_by_another(books: FakeDeployment) -> None:
    disconnect(books)
    books.sync(SyncRequest("xero", "invoice", "x0", account="acme"))
    now = books.clock()
    assert books.connections.take_telling("xero", "acme", now, now + timedelta(minutes=10))
    sweep_once(books)
    sweep_once(books)
    assert books.team.sent == []
    books.clock.advance(timedelta(minutes=10))
    sweep_once(books)
    assert len(books.team.sent) == 1


def test_another_account_of_the_same_source_is_not_held(books: FakeDeployment) -> None:
    other = replace(snapshot("y1", "xero:beta:c1"), source="xero")
    books.xero.has(other)
    books.record.invoice(other)
    disconnect(books)
    books.clock.now = FIRST
    books.look_at("xero:beta:c1")
    assert [sent.envelope.customer for sent in books.email.sent] == ["xero:beta:c1"]


def test_a_call_that_only_the_last_check_makes_is_refused_and_ends_no_connection(books: FakeDeployment) -> None:
    """The sweep does not make it, succeeds, and would release for ever what is held again at once."""
    books.xero.credit_failure = NotPermitted("xero", "acme", "GET /Overpayments was answered with 401")
    swept = 0
    due(books)
    for _ in range(24 * 12):
        for stage in books.sweep_queue.receive():
            swept += stage.stage == "accounts"
            books.sweep.page(stage)
        for customer in CUSTOMERS:
            due_at = books.profile(customer).due_at
            if due_at is not None and due_at <= books.clock():
                books.look_at(customer)
        books.clock.advance(timedelta(minutes=5))
    assert swept == 1
    assert [said(books.log(customer)) for customer in CUSTOMERS] == [["enrolled", "held", "released"]] * 3
    assert [("/Overpayments" in sent.text, "dunning connect xero" in sent.text) for sent in books.team.sent] == [(True, True)]
    books.xero.credit_failure = None
    books.advance(timedelta(days=1))
    assert sorted(sent.envelope.customer for sent in books.email.sent) == list(CUSTOMERS)


def test_a_tenant_that_was_taken_from_us_ends_its_connection_though_its_tokens_renew(books: FakeDeployment) -> None:
    books.xero.failures["acme"] = NotPermitted("xero", "acme", "GET /Invoices was answered with 403")
    due(books)
    for _ in range(5):
        sweep_once(books)
        books.clock.advance(timedelta(minutes=15))
    assert [set(books.profile(customer).holds) for customer in CUSTOMERS] == [{HoldKind.STALE_DATA}] * 3
    assert [sent.subject for sent in books.team.sent] == ["Xero is no longer connected: reminders wait"]


def test_news_that_may_not_be_looked_at_come_again_while_the_connection_is_good(books: FakeDeployment) -> None:
    request = SyncRequest("xero", "invoice", "x0", account="acme")
    books.xero.failures["acme"] = NotPermitted("xero", "acme", "GET /Invoices/x0 was answered with 403")
    assert "left to the sweep" in books.sync(request)
    books.xero.failures.clear()
    sweep_to_the_end(books)
    books.xero.failures["acme"] = NotPermitted("xero", "acme", "GET /Invoices/x0 was answered with 403")
    with pytest.raises(Retryable):
        books.sync(request)
    assert [stage.stage for stage in books.sweep_queue.stages] == ["refused"]


REMIND = """
name: plan
timezone: UTC
steps:
  - {id: first, at: {after_due: 10d, time: "10:00"}, email: second_notice}
"""
CHARGE = """
name: plan
applies_to: {priority: 1, if: "currency == 'USD'"}
timezone: UTC
steps:
  - id: fee
    at: {after_due: 10d, time: "09:00"}
    late_fee: {fixed: {USD: "2.50"}, basis: contract, mode: apply, booked_to: {xero: "260"}}
"""
BOTH_DUE = datetime(2026, 4, 10, 10, tzinfo=UTC)


@pytest.fixture
def charging() -> FakeDeployment:
    """A customer of Xero's with two invoices: one is to be charged a late fee, and an hour later the other reminded about."""
    plans = {"standard": replace(load(REMIND), name="standard"), "charged": replace(load(CHARGE), name="charged")}
    world = FakeDeployment(PolicyBook.of(plans))
    world.xero.connected = ("acme",)
    for name, currency in (("x0", "EUR"), ("x1", "USD")):
        owed = replace(snapshot(name, CUSTOMERS[0], currency=currency), source="xero")
        world.xero.has(owed)
        world.record.invoice(owed)
    return world


def fees_at_xero(world: FakeDeployment) -> list[int]:
    return [found.total for found in world.xero.invoices.values() if found.fee_id]


def test_a_fee_that_may_not_be_written_parks_nobody_and_is_written_once_it_is_permitted(charging: FakeDeployment) -> None:
    charging.xero.refuses_fees = NotPermitted("xero", "acme", "POST /Invoices was answered with 403")
    charging.run_until(BOTH_DUE + timedelta(days=4))
    assert (charging.dead_letters.letters, HoldKind.PARKED in charging.profile(CUSTOMERS[0]).holds) == ([], False)
    assert sum("POST /Invoices was answered with 403" in sent.text for sent in charging.team.sent) == 1
    assert fees_at_xero(charging) == []
    charging.xero.refuses_fees = None
    charging.advance(timedelta(hours=2))
    assert (fees_at_xero(charging), len(charging.email.sent)) == ([2_50], 1)


def look_at_a_mail_and_a_fee(world: FakeDeployment) -> None:
    """The mail goes out, and the connection has ended when the fee is to be written."""
    world.clock.now = BOTH_DUE - timedelta(hours=1)
    world.look_at(CUSTOMERS[0])  # the fee is worked out here, and written with the next look
    world.clock.now = BOTH_DUE
    world.xero.refuses_fees = Disconnected("xero", "acme", "its consent ran out")
    world.look_at(CUSTOMERS[0])
    world.xero.refuses_fees = None


def test_what_went_out_beside_a_fee_whose_connection_ended_is_not_repeated(charging: FakeDeployment) -> None:
    look_at_a_mail_and_a_fee(charging)
    assert set(charging.profile(CUSTOMERS[0]).holds) == {HoldKind.STALE_DATA}
    assert [(stage.stage, stage.account) for stage in charging.sweep_queue.stages] == [("accounts", "acme")]
    assert {"sent first", "held"} <= set(said(charging.log(CUSTOMERS[0])))
    charging.advance(timedelta(days=1))
    assert (fees_at_xero(charging), len(charging.email.sent)) == ([2_50], 1)


class Unreachable(MemoryConnections):
    """The table of connections does not answer."""

    def hold(self, source: str, account: str, customer: str) -> None:
        """Raises Retryable."""
        raise Retryable("no answer")


def test_what_went_out_is_put_down_though_the_ended_connection_cannot_be_noted(charging: FakeDeployment) -> None:
    able = charging.run_step
    charging.run_step = replace(able, disconnections=replace(able.disconnections, connections=Unreachable()))
    look_at_a_mail_and_a_fee(charging)
    assert "sent first" in said(charging.log(CUSTOMERS[0]))
    charging.run_step = able
    charging.advance(timedelta(minutes=10))
    assert (fees_at_xero(charging), len(charging.email.sent)) == ([2_50], 1)
