"""However much happens to one customer, what is kept of it fits into one item of DynamoDB, and nothing that counts is forgotten."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from dunning.domain.bounds import (
    LONGEST_NAME,
    MORE_NOTICES,
    MOST_CLOSED_DISPUTES,
    MOST_OPEN_DISPUTES,
    fitting,
    fitting_contact,
    may_be_forgotten,
    with_dispute,
    with_notice,
)
from dunning.domain.case import Case, Claim, Dispute, EffectState, Mark, Notice, Profile
from dunning.domain.charging import with_left_over_task
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE
from dunning.domain.effects import Channel, joint_key
from dunning.domain.fees import Basis, FeeMode, LateFee
from dunning.domain.invoice import Contact, Status
from dunning.domain.promise import Promise
from dunning.domain.promising import broken
from dunning.domain.replying import Inbound, with_reply
from dunning.domain.settlement import MOST_REMEMBERED
from dunning.storage.expressions import to_wire
from dunning.storage.items import invoice_attributes, profile_attributes
from tests.contract.storage.cases import NOW, invoice
from tests.fakes.invoices import ACME, snapshot
from tests.unit.domain.builders import BRIEF, FIRST, FIRST_AT, INVOICE, ISSUED, PROFILE, policy, record, utc, with_plan, work_off

LARGEST_ITEM = 400 * 1024
BLANK = Profile(ACME)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("day", [date.max, date.min])
def test_a_date_that_means_never_or_none_is_planned_without_an_overflow(day: date, zone: str) -> None:
    far = datetime.combine(day, time(12), UTC)
    follows = replace(BRIEF, timezone=zone, no_due_date_after=30)
    told = [replace(snapshot(), due=day), replace(snapshot(), due=far), replace(snapshot(), due=None, issued_at=far)]
    found = [record(Case(BLANK), one, NOW, follows).case.invoices[one.invoice_id] for one in told]
    if day == date.max:
        assert [one.next_at is not None and one.next_at.year >= 8999 for one in found] == [True] * 3
    else:
        assert [(one.due_date, one.issued_at) for one in found] == [(None, snapshot().issued_at)] * 2 + [(None, None)]


def dispute(number: int, *, is_open: bool) -> Dispute:
    return Dispute(f"dp_{number:024}", is_open, NOW + number * HOUR, f"in_{number:024}")


def with_disputes(profile: Profile, *disputes: Dispute) -> Profile:
    for one in disputes:
        changed = with_dispute(profile, one)
        assert changed is not None
        profile = changed
    return profile


def closed(count: int) -> list[Dispute]:
    return [dispute(number, is_open=False) for number in range(count)]


def test_of_closed_disputes_the_newest_are_kept_whatever_the_order_in_which_they_came() -> None:
    profile = with_disputes(BLANK, *reversed(closed(MOST_CLOSED_DISPUTES + 30)))
    assert set(profile.disputes) == {one.id for one in closed(MOST_CLOSED_DISPUTES + 30)[30:]}


def test_an_open_dispute_is_never_let_go() -> None:
    first = replace(dispute(0, is_open=True), id="dp_open")
    profile = with_disputes(BLANK, first, *closed(MOST_CLOSED_DISPUTES * 3))
    assert profile.is_disputed
    assert profile.disputes["dp_open"] == first


def test_one_open_dispute_too_many_is_not_taken_and_that_one_of_them_closes_is() -> None:
    profile = with_disputes(BLANK, *(dispute(number, is_open=True) for number in range(MOST_OPEN_DISPUTES)))
    assert with_dispute(profile, dispute(MOST_OPEN_DISPUTES, is_open=True)) is None
    after = with_disputes(profile, dispute(0, is_open=False))
    assert sum(one.is_open for one in after.disputes.values()) == MOST_OPEN_DISPUTES - 1


def test_only_of_a_dispute_older_than_all_that_are_kept_late_word_is_not_believed() -> None:
    few = with_disputes(BLANK, *closed(MOST_CLOSED_DISPUTES - 1))
    full = with_disputes(BLANK, *closed(MOST_CLOSED_DISPUTES + 5))
    assert not may_be_forgotten(few, replace(dispute(0, is_open=True), id="dp_other"))
    assert may_be_forgotten(full, dispute(0, is_open=True))
    assert not may_be_forgotten(full, dispute(6, is_open=True)), "it is known"
    assert not may_be_forgotten(full, dispute(MOST_CLOSED_DISPUTES + 9, is_open=True)), "it is new"


def test_where_the_team_must_be_told_too_much_one_notice_stands_for_the_rest() -> None:
    profile = BLANK
    for number in range(2000):
        profile = with_notice(
            profile, f"plan_ended:in_{number:030}", Notice("the plan ended " * 10, NOW - number * HOUR, (f"in_{number:030}",))
        )
    assert profile.notices[MORE_NOTICES].at == NOW - 1999 * HOUR, "the rest waits for no later instant than any of it"
    assert 100 < len(profile.notices) < 2000
    assert "plan_ended:" + f"in_{0:030}" in profile.notices


FULL = {f"undelivered:{number:02}": Notice("x" * 886, utc("2027-01-01 09:00")) for number in range(100)}
"""Notices, of later, that leave no room for another."""


def of_an_answer(case: Case) -> Case:
    return with_reply(case, Inbound("mail:1", "email", "ap@acme.example", "We never got it."), lambda _: BRIEF, NOW, "test")[0]


def of_a_broken_promise(case: Case) -> Case:
    promised = replace(INVOICE, promise=Promise(NOW.date(), 120_00, 120_00))
    return broken(case.with_invoice(promised), promised, NOW, "test")[0]


def of_a_fee_that_was_left_open(case: Case) -> Case:
    paid, fee = replace(INVOICE, status=Status.PAID, amount_due=0), replace(INVOICE, id="in_fee", fee_for="in_1")
    return with_left_over_task(case.with_invoice(paid).with_invoice(fee), "in_1", NOW)


def of_a_proposed_fee(case: Case) -> Case:
    terms = LateFee(Basis.CONTRACT, FeeMode.PROPOSE, percent=Decimal("1.5"))
    follows = policy(replace(FIRST, late_fee=terms))
    return work_off(case.with_invoice(with_plan(INVOICE, ISSUED, follows)), FIRST_AT, follows).case


@pytest.mark.parametrize("told", [of_an_answer, of_a_broken_promise, of_a_fee_that_was_left_open, of_a_proposed_fee])
def test_whatever_the_team_is_told_of_beside_all_that_fits_is_told_by_the_one_notice(told: Callable[[Case], Case]) -> None:
    assert MORE_NOTICES not in told(Case(PROFILE)).profile.notices
    assert told(Case(replace(PROFILE, notices=FULL))).profile.notices.keys() - FULL.keys() == {MORE_NOTICES}


def test_all_that_can_come_together_on_one_profile_fits_into_an_item() -> None:
    ids = [f"in_{number:036}" for number in range(MOST_IN_ONE_MESSAGE)]
    rows = [("a_step_with_a_long_name", one) for one in ids]
    marks = {f"{channel}:{step}:{one}": Mark(EffectState.STARTED) for channel in Channel for step, one in rows}
    marks |= {joint_key(channel, rows[attempt:]): Mark(EffectState.DONE) for channel in Channel for attempt in range(5)}
    profile = with_disputes(BLANK, *(dispute(number, is_open=True) for number in range(MOST_OPEN_DISPUTES)))
    profile = with_disputes(profile, *(dispute(10_000 + number, is_open=False) for number in range(MOST_CLOSED_DISPUTES)))
    for number in range(1000):
        profile = with_notice(profile, f"undelivered:{number:060}", Notice("the mail bounced", NOW, tuple(ids)))
    contact = fitting_contact(Contact(name="é" * 9000, email="a" * 999, phone="1" * 999, locale="x" * 999, tags=("t" * 255,) * 999))
    profile = replace(profile, claim=Claim("c" * 26, NOW, "c" * 26, 5, marks), reminded_at=(NOW,) * MOST_REMEMBERED, contact=contact)
    assert len(json.dumps(to_wire(profile_attributes(profile, 8))).encode()) < LARGEST_ITEM


def test_an_invoice_whose_texts_are_absurdly_long_fits_too_and_no_link_is_cut() -> None:
    absurd = replace(snapshot(), number="n" * 500_000, payment_url="https://pay.example/" + "x" * 500_000)
    told = fitting(absurd)
    assert (len(told.number), told.payment_url) == (LONGEST_NAME, None)
    kept = replace(invoice("in_1"), number=told.number, payment_url=told.payment_url)
    assert len(json.dumps(to_wire(invoice_attributes(kept, 8))).encode()) < LARGEST_ITEM


def test_what_is_ordinary_stays_as_it_is() -> None:
    assert fitting(snapshot()) == snapshot()
