"""Real threads on one customer: one of them acts, and what all of them leave behind is right."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.case import Case, Claim, Profile
from dunning.domain.errors import AlreadyClaimed, Retryable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Snapshot, Status
from dunning.workflow.dispute_invoice import DisputeInvoice
from dunning.workflow.hold_case import HoldCase
from tests.fakes.invoices import DUE, snapshot
from tests.integration.concurrency.workers import Workers, at_once
from tests.unit.workflow.plan import said

WHOLE_PLAN = ["enrolled", "sent first", "sent second", "escalated escalate"]


def owed(number: int, invoice: int = 0) -> Snapshot:
    return snapshot(f"in_{number}_{invoice}", f"stripe:cus_{number}")


def sent(workers: Workers, customer: str) -> Counter[str | None]:
    messages = [*workers.email.sent, *workers.sms.sent, *workers.team.sent]
    return Counter(message.envelope.effect for message in messages if message.envelope.customer == customer)


@pytest.mark.parametrize("how_many", [2, 8])
def test_of_workers_on_one_customer_at_once_one_sends_each_step(workers: Workers, how_many: int) -> None:
    customers = [f"stripe:cus_{number}" for number in range(workers.rounds)]
    for number, customer in enumerate(customers):
        workers.stripe.has(owed(number))
        workers.told(owed(number))
        for _ in ("first", "second", "escalate"):
            workers.until_due(customer)
            workers.look_at(customer, how_many)
        workers.clock.now = owed(number).stamp
    for number, customer in enumerate(customers):
        effects = [f"{channel}:in_{number}_0" for channel in ("email:first", "email:second", "sms:second", "team:escalate")]
        assert sent(workers, customer) == dict.fromkeys(effects, 1)
        assert said(workers.store.activities(customer)) == WHOLE_PLAN
        case = workers.store.load(customer)
        assert (case.profile.claim, [invoice.level for invoice in case.invoices.values()]) == (None, [3])
    assert workers.dead_letters.letters == []


def test_two_webhooks_at_once_leave_the_timer_at_the_earlier_invoice(workers: Workers) -> None:
    for number in range(workers.rounds):
        early = owed(number)
        late = snapshot(f"in_{number}_1", early.customer, due=DUE + timedelta(days=5))
        order = [early, late] if number % 2 else [late, early]
        at_once([partial(workers.told, one) for one in order])
        case = workers.store.load(early.customer)
        assert set(case.invoices) == {early.invoice_id, late.invoice_id}
        assert case.profile.due_at == case.invoices[early.invoice_id].next_at
        assert said(workers.store.activities(early.customer)) == ["enrolled", "enrolled"]


def test_a_payment_told_while_a_worker_is_at_it_stops_all_that_follows(workers: Workers) -> None:
    for number in range(workers.rounds):
        one = owed(number)
        workers.clock.now = one.stamp
        workers.stripe.has(one)
        workers.told(one)
        workers.until_due(one.customer)
        paid = replace(one, status=Status.PAID, amount_due=0, stamp=workers.clock.now)
        acts: list[Callable[[], object]] = [partial(workers.look_at, one.customer, 2), partial(workers.told, paid)]
        at_once(acts)
        case = workers.store.load(one.customer)
        assert case.invoices[one.invoice_id].status is Status.PAID
        assert (case.profile.claim, case.profile.due_at) == (None, None)
        log = said(workers.store.activities(one.customer))
        assert sorted(log) in (["enrolled", "paid"], ["enrolled", "paid", "sent first"])
        assert sum(sent(workers, one.customer).values()) == ("sent first" in log)


@pytest.mark.parametrize("kind", [HoldKind.OPERATOR, HoldKind.DISPUTE])
def test_a_hold_set_while_workers_are_at_it_ends_all_that_follows_and_nothing_that_went_out_is_forgotten(
    workers: Workers, kind: HoldKind
) -> None:
    """A dispute holds one invoice, and its sibling goes on; a person's hold holds all."""
    record = workers.record()
    for number in range(workers.rounds // 2):
        workers.clock.now = owed(number).stamp
        held, sibling, customer = owed(number), owed(number, 1), owed(number).customer
        workers.stripe.has(held, sibling)
        for one in (held, sibling):
            workers.told(one)
        workers.until_due(customer)
        hold = partial(DisputeInvoice(record).begin, customer, held.invoice_id, "it never came")
        if kind is HoldKind.OPERATOR:
            hold = partial(HoldCase(record), customer, "asked to wait")
        at_once([partial(workers.look_at, customer, 2), partial(until_taken, hold)])
        assert_all_is_told(workers, customer)
        went_out = sent(workers, customer)
        for _ in range(2):
            workers.clock.now += timedelta(days=4)
            workers.look_at(customer, 2)
        assert_all_is_told(workers, customer)
        is_held = [held.invoice_id] if kind is HoldKind.DISPUTE else [held.invoice_id, sibling.invoice_id]
        later = sent(workers, customer) - went_out
        assert [effect for effect in later if effect and effect.endswith(tuple(is_held))] == []
        assert bool(later) is (kind is HoldKind.DISPUTE)
    assert workers.dead_letters.letters == []


def until_taken(act: Callable[[], str]) -> None:
    """A person asks again until it is done."""
    while True:
        try:
            act()
        except Retryable:
            continue
        return


def assert_all_is_told(workers: Workers, customer: str) -> None:
    """Each message was sent once, and the log tells of just these."""
    told = Counter(
        f"{channel}:{entry.step}:{name}"
        for entry in workers.store.activities(customer)
        for channel in (entry.channel or "").split(", ")
        for name in entry.invoices
        if entry.type is ActivityType.SENT
    )
    messages = {effect: times for effect, times in sent(workers, customer).items() if effect and not effect.startswith("team:")}
    assert messages == told == dict.fromkeys(messages, 1)


def test_of_fifty_who_claim_one_customer_one_wins(workers: Workers) -> None:
    for number in range(workers.rounds // 2):
        customer, now = f"stripe:cus_{number}", workers.clock()
        workers.store.save(Case(Profile(customer)), Case(Profile(customer, due_at=now, due_since=now)))
        won = [name for name in at_once([partial(claimed, workers, customer, f"claim-{n}") for n in range(50)]) if name]
        held = workers.store.load(customer).profile.claim
        assert held is not None
        assert won == [held.id]


def claimed(workers: Workers, customer: str, name: str) -> str | None:
    """The claim's name when it was given."""
    now = workers.clock()
    try:
        return workers.store.claim(customer, Claim(name, now + timedelta(minutes=20), name), now).id
    except AlreadyClaimed:
        return None
