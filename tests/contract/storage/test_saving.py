"""What is written, and when nothing is."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim, EffectState, Mark, Profile
from dunning.domain.errors import AlreadyClaimed, Conflict, Permanent
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Status
from dunning.workflow.moving_port import CaseChange
from tests.contract.storage import cases
from tests.contract.storage.cases import ACME, LATER, NOW, due_case, invoice
from tests.contract.storage.stores import Storage

PAID = Activity(NOW, ActivityType.PAID, "paid", ("in_1",))


def test_a_customer_nobody_knows_has_an_empty_case(storage: Storage) -> None:
    assert storage.store.load(ACME) == Case(Profile(ACME))


def test_every_field_of_a_case_comes_back(storage: Storage) -> None:
    written = Case(cases.full_profile()).with_invoice(cases.full_invoice())
    storage.store.save(Case(Profile(ACME)), written)
    read = storage.store.load(ACME)
    assert read.profile == replace(written.profile, version=1)
    assert read.invoices == {"in_full": replace(cases.full_invoice(), version=1)}


def test_the_full_examples_leave_no_field_at_its_default() -> None:
    for full, empty in ((cases.full_profile(), Profile(ACME)), (cases.full_invoice(), invoice()), (cases.full_activity(), PAID)):
        same = [field.name for field in fields(full) if getattr(full, field.name) == getattr(empty, field.name)]
        assert set(same) <= {"customer", "version", "source", "status"}


def test_every_field_of_an_activity_comes_back(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case(), [cases.full_activity(), PAID])
    assert storage.store.activities(ACME) == [PAID, cases.full_activity()]


def test_the_last_of_a_log_is_read_oldest_first(storage: Storage) -> None:
    log = [replace(PAID, at=PAID.at + timedelta(minutes=minute)) for minute in range(5)]
    storage.store.save(Case(Profile(ACME)), due_case(), log)
    assert list(storage.store.latest_activities(ACME, 3)) == log[2:]
    assert list(storage.store.latest_activities(ACME, 100)) == log
    assert list(storage.store.latest_activities("stripe:cus_nobody", 3)) == []


def test_a_field_that_is_emptied_is_gone(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), Case(cases.full_profile()).with_invoice(cases.full_invoice()))
    before = storage.store.load(ACME)
    bare = Case(Profile(ACME, version=1)).with_invoice(replace(invoice("in_full", status=Status.PAID), version=1))
    storage.store.save(before, bare)
    read = storage.store.load(ACME)
    assert read.profile == Profile(ACME, version=2)
    assert read.invoices["in_full"] == replace(bare.invoices["in_full"], version=2)


def test_nothing_is_written_when_nothing_differs(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    before = storage.store.load(ACME)
    storage.store.save(before, before)
    assert storage.store.load(ACME).profile.version == 1


def test_a_change_of_an_invoice_makes_every_other_view_of_the_case_stale(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_invoice(replace(before.invoices["in_1"], amount_due=1)))
    with pytest.raises(Conflict):
        storage.store.save(before, before.with_profile(replace(before.profile, retries=1)))


def test_an_activity_alone_makes_every_other_view_of_the_case_stale(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    before = storage.store.load(ACME)
    storage.store.save(before, before, [PAID])
    with pytest.raises(Conflict):
        storage.store.save(before, before, [PAID])
    assert storage.store.activities(ACME) == [PAID]


def test_a_conflict_writes_neither_state_nor_activity_nor_reference(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    stale = storage.store.load(ACME)
    storage.store.save(stale, stale.with_profile(replace(stale.profile, retries=1)))
    stored = storage.store.load(ACME)
    paid = replace(stale.invoices["in_1"], status=Status.PAID)
    with pytest.raises(Conflict):
        storage.store.save(stale, stale.with_invoice(paid).with_invoice(invoice("in_2")), [PAID])
    assert storage.store.load(ACME) == stored
    assert storage.store.activities(ACME) == []
    assert storage.store.customer_of("invoice", "stripe:in_2") is None


def test_two_who_record_the_same_new_customer_cannot_both_win(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    with pytest.raises(Conflict):
        storage.store.save(Case(Profile(ACME)), due_case(), [PAID])
    assert storage.store.activities(ACME) == []


def test_a_write_leaves_alone_what_it_did_not_change(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, cases.claim(1), NOW)
    before = storage.store.load(ACME)
    storage.store.mark_effect(ACME, "claim-1", "sms:first:in_1", EffectState.STARTED)
    storage.store.save(before, before.with_profile(replace(before.profile, contact=Contact(email="new@acme.example"))))
    profile = storage.store.load(ACME).profile
    assert profile.contact == Contact(email="new@acme.example")
    assert profile.claim == Claim("claim-1", cases.claim(1).until, "claim-1", 1, {"sms:first:in_1": Mark(EffectState.STARTED)})


def test_a_settle_that_does_not_know_of_a_mail_that_went_out_is_a_conflict(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, cases.claim(1), NOW)
    before = storage.store.load(ACME)
    assert storage.store.mark_effect(ACME, "claim-1", "email:first:in_1", EffectState.DONE)
    with pytest.raises(Conflict):
        storage.store.save(before, before.with_profile(replace(before.profile, retries=1)), claim_id="claim-1")


def test_a_settle_under_its_own_claim_goes_through(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, cases.claim(1), NOW)
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_profile(replace(before.profile, claim=None, due_at=LATER)), claim_id="claim-1")
    assert storage.store.load(ACME).profile == Profile(ACME, due_at=LATER, due_since=NOW, version=3)


@pytest.mark.parametrize("when", ["taken over", "settled"])
def test_a_settle_under_a_lost_claim_writes_nothing(storage: Storage, when: str) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, cases.claim(1), NOW)
    before = storage.store.load(ACME)
    if when == "taken over":
        storage.store.claim(ACME, cases.claim(2, NOW + timedelta(hours=1)), NOW + timedelta(hours=1))
    else:
        storage.store.save(before, before.with_profile(replace(before.profile, claim=None, due_at=None)), claim_id="claim-1")
    stored = storage.store.load(ACME)
    with pytest.raises(AlreadyClaimed):
        storage.store.save(before, before.with_profile(replace(before.profile, claim=None)), [PAID], claim_id="claim-1")
    assert storage.store.load(ACME) == stored
    assert storage.store.activities(ACME) == []


def test_a_settle_after_others_wrote_is_a_conflict_and_not_a_lost_claim(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, cases.claim(1), NOW)
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_invoice(invoice("in_2")))
    with pytest.raises(Conflict):
        storage.store.save(before, before.with_profile(replace(before.profile, claim=None)), claim_id="claim-1")


def test_an_invoice_leads_to_its_customer(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    assert storage.store.customer_of("invoice", "stripe:in_1") == ACME
    assert storage.store.customer_of("invoice", "stripe:in_9") is None
    assert storage.store.customer_of("phone", "stripe:in_1") is None


def test_the_reference_of_a_company_s_invoice_names_the_company(storage: Storage) -> None:
    customer = "quickbooks:1111111111:42"
    storage.store.save(Case(Profile(customer)), Case(Profile(customer)).with_invoice(invoice("7", customer)))
    assert storage.store.customer_of("invoice", "quickbooks:1111111111:7") == customer


def test_holds_that_overlap_end_one_by_one(storage: Storage) -> None:
    both = Profile(ACME, holds={HoldKind.OPERATOR: Hold(NOW), HoldKind.REPLY: Hold(LATER)})
    storage.store.save(Case(Profile(ACME)), Case(both))
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_profile(replace(before.profile, holds={HoldKind.REPLY: Hold(LATER)})))
    assert storage.store.load(ACME).profile.holds == {HoldKind.REPLY: Hold(LATER)}


@pytest.mark.parametrize("is_known", [True, False])
def test_a_hundred_items_are_written_in_one_transaction_and_one_more_is_refused_whole(storage: Storage, is_known: bool) -> None:
    if is_known:
        storage.store.save(Case(Profile(ACME)), Case(Profile(ACME, contact=Contact(email="ann@acme.example"))))
    before = storage.store.load(ACME)
    after = before.with_profile(replace(before.profile, contact=Contact(email="bea@acme.example", phone="+15550100")))
    for number in range(20):
        after = after.with_invoice(invoice(f"in_{number:02}"))
    # The profile, two addresses, an invoice and its reference each, and of who is new the token of answers.
    log = [replace(PAID, reason=str(number)) for number in range(100 - 3 - 2 * 20 - (not is_known))]
    change = CaseChange(before, after, tuple(log))
    assert (change.fits, replace(change, activities=(*log, PAID)).fits) == (True, False)
    with pytest.raises(Permanent):
        storage.store.save(before, after, [*log, PAID])
    assert storage.store.load(ACME) == before
    storage.store.save(before, after, log)
    assert len(storage.store.load(ACME).invoices) == 20
