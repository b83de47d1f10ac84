"""An invoice is in one case only, and moves from one to another at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Profile
from dunning.domain.errors import BelongsElsewhere, Conflict, Permanent
from dunning.domain.invoice import Status
from dunning.workflow.moving_port import CaseChange, MovingStore
from tests.contract.storage.cases import ACME, LATER, NOW, due_case, invoice
from tests.contract.storage.stores import Storage

BETA, GAMMA = "stripe:cus_beta", "stripe:cus_gamma"
CLOSED = Activity(NOW, ActivityType.CLOSED, "it is another customer's now", ("in_1",))
ENROLLED = Activity(NOW, ActivityType.ENROLLED, "follows the policy standard", ("in_1",))


def owed_by(customer: str) -> Case:
    """A case with the invoice."""
    return Case(Profile(customer, due_at=NOW, due_since=NOW)).with_invoice(invoice("in_1", customer))


def leaving(store: MovingStore, customer: str) -> CaseChange:
    """The invoice is closed where it was."""
    before = store.load(customer)
    gone = replace(before.invoices["in_1"], status=Status.DELETED)
    return CaseChange(before, before.with_invoice(gone).with_profile(replace(before.profile, due_at=None)), (CLOSED,))


def joining(store: MovingStore, customer: str) -> CaseChange:
    """The invoice is opened where it is to be."""
    before = store.load(customer)
    known = before.invoices.get("in_1")
    come = replace(known, status=Status.OPEN) if known else invoice("in_1", customer)
    return CaseChange(before, before.with_invoice(come).with_profile(replace(before.profile, due_at=NOW, due_since=NOW)), (ENROLLED,))


def standing(storage: Storage, *customers: str) -> list[object]:
    """All that is known of these."""
    reads: list[Callable[[str], object]] = [storage.store.load, storage.store.activities]
    return [*(read(customer) for customer in customers for read in reads), storage.store.customer_of("invoice", "stripe:in_1")]


def open_at(storage: Storage) -> list[str]:
    """Whose open invoices the index shows."""
    page = storage.open_index.page(None)
    found = [*page.rows]
    while page.cursor:
        page = storage.open_index.page(page.cursor)
        found += page.rows
    return [row.customer for row in found]


def test_an_invoice_that_moves_is_closed_in_one_case_and_open_in_the_other(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    store.move("in_1", leaving(store, ACME), joining(store, BETA))
    old, new = store.load(ACME), store.load(BETA)
    assert (old.invoices["in_1"].status, new.invoices["in_1"].status) == (Status.DELETED, Status.OPEN)
    assert (old.profile.due_at, old.profile.version, new.profile.due_at, new.profile.version) == (None, 2, NOW, 1)
    assert (store.activities(ACME), store.activities(BETA)) == ([CLOSED], [ENROLLED])
    assert store.customer_of("invoice", "stripe:in_1") == BETA
    assert [timer.customer for timer in storage.timers.due(LATER)] == [BETA]
    assert open_at(storage) == [BETA]


def test_an_invoice_comes_back_to_where_it_was(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    store.move("in_1", leaving(store, ACME), joining(store, BETA))
    store.move("in_1", leaving(store, BETA), joining(store, ACME))
    assert (store.load(ACME).invoices["in_1"].status, store.load(BETA).invoices["in_1"].status) == (Status.OPEN, Status.DELETED)
    assert store.customer_of("invoice", "stripe:in_1") == ACME


def test_what_is_in_another_case_is_not_opened_in_a_second(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    before = standing(storage, ACME, BETA)
    with pytest.raises(BelongsElsewhere) as found:
        storage.store.save(Case(Profile(BETA)), owed_by(BETA), [ENROLLED])
    assert found.value.customer == ACME
    assert standing(storage, ACME, BETA) == before


def test_what_is_in_another_case_by_now_is_not_reopened_in_its_old_one(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    store.move("in_1", leaving(store, ACME), joining(store, BETA))
    before, reopened = standing(storage, ACME, BETA), joining(store, ACME)
    with pytest.raises(BelongsElsewhere) as found:
        store.save(reopened.before, reopened.after, reopened.activities)
    assert found.value.customer == BETA
    assert standing(storage, ACME, BETA) == before


def test_another_invoice_of_the_same_case_changes_freely(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    store.move("in_1", leaving(store, ACME), joining(store, BETA))
    before = store.load(ACME)
    store.save(before, before.with_invoice(invoice("in_2")))
    assert store.customer_of("invoice", "stripe:in_2") == ACME


@pytest.mark.parametrize("changed", [ACME, BETA])
def test_neither_case_is_written_when_one_has_changed_meanwhile(storage: Storage, changed: str) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    store.save(Case(Profile(BETA)), Case(Profile(BETA, due_at=LATER)))
    old, new = leaving(store, ACME), joining(store, BETA)
    read = store.load(changed)
    store.save(read, read.with_profile(replace(read.profile, retries=1)))
    before = standing(storage, ACME, BETA)
    with pytest.raises(Conflict):
        store.move("in_1", old, new)
    assert standing(storage, ACME, BETA) == before


def test_what_is_in_a_third_case_is_left_there(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(GAMMA)), owed_by(GAMMA))
    store.save(Case(Profile(ACME)), Case(Profile(ACME)).with_invoice(invoice("in_2")))
    unchanged = store.load(ACME)
    before = standing(storage, ACME, BETA, GAMMA)
    with pytest.raises(BelongsElsewhere) as found:
        store.move("in_1", CaseChange(unchanged, unchanged), joining(store, BETA))
    assert found.value.customer == GAMMA
    assert standing(storage, ACME, BETA, GAMMA) == before


def test_a_case_that_loses_nothing_is_read_again_by_whoever_read_it_before(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    gone = leaving(store, ACME)
    store.save(gone.before, gone.after, gone.activities)
    stale = store.load(ACME)
    store.move("in_1", CaseChange(stale, stale), joining(store, BETA))
    with pytest.raises(Conflict):
        store.save(stale, stale.with_profile(replace(stale.profile, retries=1)))
    assert store.load(BETA).invoices["in_1"].is_open


def test_a_case_that_nobody_knew_loses_nothing(storage: Storage) -> None:
    store = storage.store
    unknown = Case(Profile(ACME))
    store.move("in_1", CaseChange(unknown, unknown), joining(store, BETA))
    assert store.load(ACME) == unknown
    assert store.customer_of("invoice", "stripe:in_1") == BETA


def test_a_case_that_was_made_since_it_was_looked_for_keeps_its_invoice(storage: Storage) -> None:
    store = storage.store
    unknown, new = Case(Profile(ACME)), joining(store, BETA)
    store.save(Case(Profile(ACME)), due_case())
    with pytest.raises(Conflict):
        store.move("in_1", CaseChange(unknown, unknown), new)
    assert store.load(BETA) == Case(Profile(BETA))
    assert store.customer_of("invoice", "stripe:in_1") == ACME


def test_a_move_that_changes_nothing_writes_nothing(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    store.move("in_1", leaving(store, ACME), joining(store, BETA))
    before = standing(storage, ACME, BETA)
    old, new = store.load(ACME), store.load(BETA)
    store.move("in_1", CaseChange(old, old), CaseChange(new, new))
    assert standing(storage, ACME, BETA) == before


def test_a_move_of_a_hundred_items_is_taken_and_of_one_more_refused_whole(storage: Storage) -> None:
    store = storage.store
    store.save(Case(Profile(ACME)), due_case())
    old, new = leaving(store, ACME), joining(store, BETA)
    # Two cases, two invoices and one reference, what is said of the old one, and how to tell the new one's answers.
    fitting = replace(new, activities=(ENROLLED,) * (100 - 7))
    with pytest.raises(Permanent):
        store.move("in_1", old, replace(fitting, activities=(*fitting.activities, ENROLLED)))
    assert store.load(BETA) == Case(Profile(BETA))
    store.move("in_1", old, fitting)
    assert [*store.load(BETA).invoices] == ["in_1"]
