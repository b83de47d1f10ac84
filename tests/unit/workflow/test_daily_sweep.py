"""What the webhooks missed is healed once a day, page by page, for any number of invoices."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.case import Case, Profile
from dunning.domain.errors import Disconnected, Rejected, Retryable, Unreadable
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.workflow.daily_sweep import CHANGED, GIVEN_UP_AFTER, LISTING, MOST_TRIES, VANISHED
from dunning.workflow.ports import SyncRequest
from dunning.workflow.sweep_ports import ChangedPage, SweepStage
from tests.fakes.case_store import MemoryCaseStore
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, said

RUN = "stripe:2026-03-02T08:00"


def stage(name: str, cursor: str | None = None, page: int = 0) -> SweepStage:
    return SweepStage("stripe", RUN, name, MONDAY_MORNING, page, cursor)


def test_invoices_no_webhook_told_of_are_enrolled(world: FakeDeployment) -> None:
    world.stripe.has(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(7)))
    world.stripe.page_size = 3
    world.run_sweep()
    assert len(world.store.customers()) == 7
    assert {world.profile(customer).due_at for customer in world.store.customers()} == {FIRST}


def test_a_sweep_over_a_book_that_is_right_writes_nothing(world: FakeDeployment) -> None:
    world.invoiced(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(7)))
    writes = world.store.writes
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert world.store.writes == writes
    assert world.sync_queue.requests == []


def test_each_invocation_works_off_one_page_and_queues_the_next(world: FakeDeployment) -> None:
    world.stripe.has(*(snapshot(f"in_{number}") for number in range(5)))
    world.stripe.page_size = 2
    world.sweep_queue.send(stage(LISTING))
    stages = []
    while world.sweep_queue.stages:
        (following,) = world.sweep_queue.receive()
        stages.append(following)
        world.stripe.requests = 0
        world.sweep.page(following)
        assert world.stripe.requests <= 1
    assert stages == [stage(LISTING), stage(LISTING, "in_1", 1), stage(LISTING, "in_3", 2), replace(stage(VANISHED), page=0)]


def test_a_payment_that_was_missed_is_found_by_what_the_source_no_longer_lists(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.is_paid("in_1")
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert world.invoice(ACME, "in_1").status is Status.PAID
    assert world.invoice(ACME, "in_2").status is Status.OPEN


def test_an_invoice_that_is_gone_altogether_is_closed(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.stripe.invoices.clear()
    world.run_sweep()
    assert world.invoice(ACME, "in_1").status is Status.DELETED


def test_an_invoice_that_came_after_the_listing_is_asked_for_and_kept(world: FakeDeployment) -> None:
    world.sweep.page(stage(LISTING))
    world.invoiced(snapshot("in_new"))
    world.settle_queues()
    assert world.invoice(ACME, "in_new").status is Status.OPEN
    assert said(world.log(ACME)) == ["enrolled"]


def test_only_the_swept_source_s_invoices_can_vanish(world: FakeDeployment) -> None:
    theirs = replace(snapshot("7", "quickbooks:1:42"), source="quickbooks")
    world.record.invoice(theirs)
    world.run_sweep()
    assert world.invoice("quickbooks:1:42", "7").status is Status.OPEN


def test_what_vanished_is_looked_for_page_by_page_too() -> None:
    world = FakeDeployment(open_page_size=2)
    world.invoiced(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(5)))
    for number in range(5):
        world.stripe.is_paid(f"in_{number}")
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert {world.profile(customer).due_at for customer in world.store.customers()} == {None}


def test_the_lost_timer_of_an_invoice_from_a_file_is_armed_again_and_nothing_else_is_written(world: FakeDeployment) -> None:
    for number in (1, 2):
        read = replace(snapshot(f"M-{number}", f"manual:{number}"), source="manual")
        world.record.invoice(read)
    before = world.case("manual:1")
    armed = before.profile.due_at
    world.store.save(before, before.with_profile(replace(before.profile, due_at=None, due_since=None)))
    writes, log = world.store.writes, world.log("manual:1")
    world.clock.advance(timedelta(hours=1))
    world.run_sweep()
    assert armed is not None
    assert world.profile("manual:1").due_at == armed
    assert (world.store.writes - writes, world.log("manual:1")) == (1, log)


def test_a_case_that_cannot_be_read_keeps_no_other_out_of_the_sweep(world: FakeDeployment) -> None:
    for number in (1, 2):
        world.record.invoice(replace(snapshot(f"M-{number}", f"manual:{number}"), source="manual"))
        world.invoiced(snapshot(f"in_{number}", f"stripe:cus_{number}"))
    lost = ("manual:2", "stripe:cus_2")
    for customer in lost:
        before = world.case(customer)
        world.store.save(before, before.with_profile(replace(before.profile, due_at=None, due_since=None)))
    world.store.unreadable |= {"manual:1", "stripe:cus_1"}
    world.run_sweep()
    assert None not in [world.profile(customer).due_at for customer in lost]


def test_a_lost_timer_is_armed_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    before = world.case(ACME)
    world.store.save(before, before.with_profile(replace(before.profile, due_at=None, due_since=None)))
    world.run_sweep()
    assert world.profile(ACME).due_at == FIRST


def test_a_changed_due_date_is_found(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.has(snapshot(due=date(2026, 4, 30)))
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert world.profile(ACME).due_at == FIRST + timedelta(days=30)


def test_an_invoice_that_cannot_be_read_stops_nobody_and_does_not_count_as_gone(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.unreadable = ("in_1",)
    world.stripe.has(snapshot("in_3"))
    world.run_sweep()
    assert {invoice.id: invoice.status for invoice in world.case(ACME).invoices.values()} == dict.fromkeys(
        ("in_1", "in_2", "in_3"), Status.OPEN
    )


class CrackedStore(MemoryCaseStore):
    """Fails over one customer, in a way that nobody foresaw."""

    def load(self, customer: str) -> Case:
        if customer.endswith("_odd"):
            raise OverflowError("date value out of range")
        return super().load(customer)


@pytest.mark.parametrize("at", [LISTING, CHANGED])
def test_what_nobody_foresaw_of_one_customer_is_asked_for_alone_and_the_sweep_goes_on(world: FakeDeployment, at: str) -> None:
    store = CrackedStore()
    sweep = replace(world.sweep, record=replace(world.record, store=store))
    odd, good = snapshot("in_1", "xero:acme:c_odd"), snapshot("in_2", "xero:acme:c_good")
    world.xero.has(odd, good)
    world.xero.pages = [ChangedPage(world.clock(), contacts={odd.customer: Contact(), good.customer: Contact(name="Good")})]
    store.save(Case(Profile(good.customer)), Case(Profile(good.customer, contact=Contact(name="Before"))))
    swept = sweep.page(SweepStage("xero", "run", at, MONDAY_MORNING, account="acme", since=MONDAY_MORNING))
    assert swept.asked == 1
    kind, bare = ("invoice", "in_1") if at == LISTING else ("customer", "c_odd")
    assert world.sync_queue.requests == [SyncRequest("xero", kind, bare, odd.customer)]
    known = store.load(good.customer)
    assert (known.profile.contact.name, list(known.invoices)) == (("Good", []) if at == CHANGED else ("Acme GmbH", ["in_2"]))
    assert len(world.sweep_queue.stages) == 1


def test_a_source_that_is_down_leaves_the_page_to_be_done_later(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.is_down = True
    assert world.sweep.page(stage(LISTING)).waits == "stripe cannot be reached"
    assert (world.sweep_queue.stages, world.sweep_queue.delays) == ([replace(stage(LISTING), tries=1)], [300])
    assert world.invoice(ACME, "in_1").status is Status.OPEN


def test_the_same_page_twice_changes_nothing(world: FakeDeployment) -> None:
    world.stripe.has(snapshot())
    world.sweep.page(stage(LISTING))
    writes = world.store.writes
    assert world.sweep.page(stage(LISTING)).changed == 0
    assert world.store.writes == writes


def test_the_same_schedule_s_event_twice_is_the_same_run(world: FakeDeployment) -> None:
    world.sweep.start(MONDAY_MORNING)
    world.sweep.start(MONDAY_MORNING)
    assert [each for each in world.sweep_queue.stages if each.source == "stripe"] == [stage(LISTING), stage(LISTING)]


def test_what_a_page_brought_is_told(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.stripe.has(snapshot("in_2"), snapshot("in_3"))
    world.stripe.unreadable = ("in_3",)
    swept = world.sweep.page(stage(LISTING))
    assert (swept.read, swept.changed, swept.unreadable) == (2, 1, 1)


@pytest.mark.parametrize("unknown", [replace(stage(LISTING), source="paper"), stage("tidying")])
def test_a_stage_nobody_knows_is_rejected(world: FakeDeployment, unknown: SweepStage) -> None:
    with pytest.raises(Rejected):
        world.sweep.page(unknown)


class TestAccounts:
    """A source of which several companies are connected."""

    ACME, BETA = "xero:acme:c1", "xero:beta:c1"

    @pytest.fixture
    def books(self, world: FakeDeployment) -> FakeDeployment:
        world.xero.connected = ("acme", "beta")
        return world

    def stages(self, world: FakeDeployment, name: str) -> list[SweepStage]:
        world.sweep.page(SweepStage("xero", "xero:run", "accounts", world.clock()))
        return [each for each in world.sweep_queue.receive() if each.stage == name]

    def owed(self, invoice: str, customer: str) -> Snapshot:
        return replace(snapshot(invoice, customer), source="xero")

    def test_each_account_is_a_chain_of_its_own(self, books: FakeDeployment) -> None:
        chains = self.stages(books, LISTING)
        assert [(each.account, each.run) for each in chains] == [
            ("acme", "xero:acme:2026-03-02T08:00"),
            ("beta", "xero:beta:2026-03-02T08:00"),
        ]

    def test_one_account_that_fails_keeps_no_other_back(self, books: FakeDeployment) -> None:
        books.xero.has(self.owed("x1", self.ACME), self.owed("x2", self.BETA))
        books.xero.failures["acme"] = Retryable("429", books.clock() + timedelta(seconds=41.5))
        for each in self.stages(books, LISTING):
            books.sweep.page(each)
        assert books.invoice(self.BETA, "x2").status is Status.OPEN
        acme, beta = books.sweep_queue.stages
        assert (acme.account, acme.stage, beta.account, beta.stage) == ("acme", LISTING, "beta", VANISHED)
        assert books.sweep_queue.delays[-2:] == [42, 0]

    def test_a_limit_that_lasts_for_hours_is_waited_for_in_steps_that_a_queue_knows(self, books: FakeDeployment) -> None:
        (acme, _) = self.stages(books, LISTING)
        books.xero.failures["acme"] = Retryable("daily limit", books.clock() + timedelta(hours=5))
        books.sweep.page(acme)
        assert books.sweep_queue.delays[-1] == 900

    def test_what_cannot_be_had_all_day_is_left_to_the_next_day(self, books: FakeDeployment) -> None:
        (acme, _) = self.stages(books, LISTING)
        books.xero.failures["acme"] = Retryable("down")
        books.clock.advance(GIVEN_UP_AFTER + timedelta(seconds=1))
        assert "given up" in str(books.sweep.page(acme).waits)
        assert books.sweep_queue.stages == []

    def test_a_source_that_refuses_every_time_is_asked_a_few_times_a_day_more_and_more_seldom(self, books: FakeDeployment) -> None:
        books.xero.connected = ("acme",)
        (acme,) = self.stages(books, LISTING)
        books.xero.failures["acme"] = Retryable("xero: GET /Invoices answered 404")
        books.sweep_queue.send(acme)
        ends = self.worked_off(books)
        assert len(ends) == MOST_TRIES + 1
        assert "given up until the next sweep: xero: GET /Invoices answered 404" in str(ends[-1])
        assert books.sweep_queue.delays[-4:] == [900] * 4
        assert books.clock() - acme.started_at < timedelta(hours=7)

    def test_a_source_that_says_again_in_a_moment_all_day_is_not_asked_every_moment(self, books: FakeDeployment) -> None:
        books.xero.connected = ("acme",)
        (acme,) = self.stages(books, LISTING)
        books.sweep_queue.send(acme)

        def fails() -> None:
            books.xero.failures["acme"] = Retryable("429", books.clock() + timedelta(seconds=1))

        assert len(self.worked_off(books, fails)) < 120

    def test_a_page_that_came_after_all_lets_the_next_begin_anew(self, books: FakeDeployment) -> None:
        (acme, _) = self.stages(books, LISTING)
        books.sweep.page(replace(acme, tries=MOST_TRIES))
        assert [(each.stage, each.tries) for each in books.sweep_queue.stages] == [(VANISHED, 0)]

    def worked_off(self, world: FakeDeployment, before: Callable[[], None] = lambda: None) -> list[str | None]:
        """Why each page waited, until none does any more; time passes as the queue was told."""
        waits: list[str | None] = []
        while world.sweep_queue.stages:
            (following,) = world.sweep_queue.receive()
            world.clock.advance(timedelta(seconds=world.sweep_queue.delays[-1]))
            before()
            waits.append(world.sweep.page(following).waits)
        return waits

    def test_an_account_that_was_disconnected_is_tried_again_until_it_is_connected(self, books: FakeDeployment) -> None:
        (acme, _) = self.stages(books, LISTING)
        books.xero.failures["acme"] = Disconnected("xero", "acme", "run `dunning connect xero` again")
        assert "connect" in str(books.sweep.page(acme).waits)
        assert (books.sweep_queue.stages, books.sweep_queue.delays[-1]) == ([replace(acme, tries=1)], 900)

    def test_the_second_sweep_asks_first_what_changed_since_the_first_began(self, books: FakeDeployment) -> None:
        books.xero.pages = [ChangedPage(books.clock())]
        books.run_sweep()
        assert books.xero.asked_since == []
        began = books.clock()
        books.clock.advance(timedelta(days=1))
        books.run_sweep()
        assert books.xero.asked_since == [began - timedelta(minutes=10)] * 2

    def test_after_a_month_without_a_sweep_what_is_open_tells_alone(self, books: FakeDeployment) -> None:
        books.run_sweep()
        books.clock.advance(timedelta(days=29))
        books.run_sweep()
        assert books.xero.asked_since == []

    def test_a_payment_and_a_new_address_are_taken_from_the_changes(self, books: FakeDeployment) -> None:
        books.xero.connected = ("acme",)
        books.xero.has(self.owed("x1", self.ACME))
        books.run_sweep()
        books.clock.advance(timedelta(days=1))
        now, paid = books.clock(), books.xero.is_paid("x1")
        stranger = replace(paid, invoice_id="x9", customer="xero:acme:c9")
        books.xero.pages = [
            ChangedPage(now, closed=(paid, stranger), cursor="1"),
            ChangedPage(now, contacts={self.ACME: Contact(email="new@example.com"), "xero:acme:c9": Contact(email="c9@example.com")}),
        ]
        books.run_sweep()
        assert books.invoice(self.ACME, "x1").status is Status.PAID
        assert books.profile(self.ACME).contact.email == "new@example.com"
        assert books.store.customers() == (self.ACME,)
        assert books.sync_batches.sent == []

    def test_a_case_that_cannot_be_read_keeps_no_neighbour_s_payment_or_address_from_being_seen(self, books: FakeDeployment) -> None:
        books.xero.connected = ("acme",)
        poisoned, good, new = self.ACME, "xero:acme:c2", "xero:acme:c3"
        books.xero.has(self.owed("x1", poisoned), self.owed("x2", good))
        books.run_sweep()
        books.clock.advance(timedelta(days=1))
        closed = (books.xero.is_paid("x1"), books.xero.is_paid("x2"))
        moved = Contact(email="new@example.com")
        books.xero.pages = [ChangedPage(books.clock(), closed, {poisoned: moved, good: moved})]
        books.xero.has(self.owed("x3", new))
        books.store.unreadable.add(poisoned)
        books.sweep.start(books.clock())
        while books.sweep_queue.stages:
            for each in books.sweep_queue.receive():
                books.sweep.page(each)
        assert books.invoice(good, "x2").status is Status.PAID
        assert books.profile(good).contact.email == "new@example.com"
        assert books.invoice(new, "x3").status is Status.OPEN
        alone = [SyncRequest("xero", "invoice", "x1", poisoned), SyncRequest("xero", "customer", "c1", poisoned)]
        assert [each for each in books.sync_queue.receive() if each.customer == poisoned] == alone
        for request in alone:
            with pytest.raises(Unreadable, match="row CUST#xero:acme:c1"):  # its letter's reason
                books.sync(request)
        books.store.unreadable.clear()
        for request in alone:  # redriven
            books.sync(request)
        assert books.invoice(poisoned, "x1").status is Status.PAID

    def test_what_is_no_longer_listed_is_asked_for_in_one_message(self, books: FakeDeployment) -> None:
        books.xero.connected = ("acme",)
        books.xero.has(*(self.owed(f"x{number}", self.ACME) for number in range(3)))
        books.run_sweep()
        for number in (0, 1):
            books.xero.is_paid(f"x{number}")
        books.clock.advance(timedelta(days=30))
        books.run_sweep()
        ((batch, _),) = books.sync_batches.sent
        assert [(each.id, each.account) for each in batch.requests] == [("x0", "acme"), ("x1", "acme")]

    def test_an_invoice_that_is_another_customer_s_now_is_asked_for_where_it_was(self, books: FakeDeployment) -> None:
        books.xero.connected = ("acme",)
        books.xero.has(self.owed("x1", self.ACME))
        books.run_sweep()
        books.xero.has(self.owed("x1", "xero:acme:c2"))
        books.clock.advance(timedelta(days=30))
        books.sweep.start(books.clock())
        while books.sweep_queue.stages:
            for each in books.sweep_queue.receive():
                books.sweep.page(each)
        assert {(each.id, each.customer) for each in books.sync_queue.requests} == {("x1", self.ACME)}
        books.settle_queues()
        assert books.invoice(self.ACME, "x1").status is Status.DELETED
        assert books.invoice("xero:acme:c2", "x1").status is Status.OPEN

    def test_only_the_swept_account_s_invoices_can_vanish(self, books: FakeDeployment) -> None:
        books.record.invoice(self.owed("x2", "xero:gamma:c1"))
        books.run_sweep()
        assert books.sync_batches.sent == []
        assert books.sync_queue.requests == []
