"""An invoice that cannot be read at its last check waits for a person by itself: its siblings go on, and nothing goes out twice."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.errors import Permanent
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.workflow.ports import Wakeup
from dunning.workflow.promise_to_pay import PromiseToPay
from dunning.workflow.redrive_case import RedriveCase
from dunning.workflow.release_case import ReleaseCase
from dunning.workflow.run_step import MOST_SET_ASIDE
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND, said
from tests.unit.workflow.test_sending_once import reports_sent

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ODD = "invoice in_1 cannot be read"


@pytest.fixture
def odd(world: FakeDeployment) -> FakeDeployment:
    """in_1 is due at FIRST and cannot be read; in_2 is due two days later."""
    world.invoiced(snapshot("in_1"), snapshot("in_2", due=date(2026, 4, 2)))
    world.stripe.unreadable = ("in_1",)
    return world


def steps_of(world: FakeDeployment, invoice: str) -> list[str | None]:
    return [mail.envelope.step for mail in world.email.sent if invoice in mail.envelope.invoices]


def parked(world: FakeDeployment) -> set[str]:
    """The invoices that are, and the customer, if the whole case is."""
    case = world.case(ACME)
    found = {name for name, invoice in case.invoices.items() if HoldKind.PARKED in invoice.holds}
    return found | ({ACME} if HoldKind.PARKED in case.profile.holds else set())


def test_its_sibling_follows_its_own_plan_and_a_person_hears_of_it_once(odd: FakeDeployment) -> None:
    odd.run_until(FIRST + HOUR)
    assert (odd.dead_letters.letters, parked(odd)) == ([(Wakeup(ACME), ODD)], {"in_1"})
    assert odd.look_at(ACME) == "nothing due, or held by another"
    odd.run_until(FIRST + 20 * DAY)
    assert (steps_of(odd, "in_1"), steps_of(odd, "in_2")) == ([], ["first", "second"])
    assert (len(odd.dead_letters.letters), parked(odd)) == (1, {"in_1"})
    (held,) = [one for one in odd.log(ACME) if one.type.value == "held"]
    assert (held.reason, held.invoices) == (f"parked: {ODD}", ("in_1",))


@pytest.mark.parametrize("is_redriven", [True, False])
def test_mended_it_goes_on_once(odd: FakeDeployment, is_redriven: bool) -> None:
    odd.run_until(FIRST + HOUR)
    odd.stripe.unreadable = ()
    end = RedriveCase(odd.record) if is_redriven else lambda customer: ReleaseCase(odd.record)(customer, "mended")
    assert [end(ACME), end(ACME)] == ["recorded", "nothing new"]
    odd.run_until(FIRST + DAY)
    assert (steps_of(odd, "in_1"), parked(odd)) == (["first"], set())
    odd.run_until(FIRST + 30 * DAY)
    assert (steps_of(odd, "in_1"), steps_of(odd, "in_2")) == (["first", "second"], ["first", "second"])


def test_redriven_too_early_it_is_told_again_and_repeats_nothing(odd: FakeDeployment) -> None:
    odd.run_until(FIRST + 3 * DAY)
    RedriveCase(odd.record)(ACME)
    odd.run_until(FIRST + 4 * DAY)
    assert ([reason for _, reason in odd.dead_letters.letters], parked(odd)) == ([ODD, ODD], {"in_1"})
    assert steps_of(odd, "in_2") == ["first", "second"]


def test_read_again_and_found_paid_it_waits_no_more(odd: FakeDeployment) -> None:
    odd.run_until(FIRST + HOUR)
    odd.stripe.unreadable = ()
    odd.stripe.is_paid("in_1")
    odd.run_sweep()
    assert (odd.invoice(ACME, "in_1").status, parked(odd)) == (Status.PAID, set())


def test_paid_while_its_sibling_s_mail_is_on_its_way_it_is_not_parked(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.unreadable = ("in_1",)
    paid = replace(snapshot("in_1", stamp=FIRST), status=Status.PAID, amount_due=0)

    def pays() -> None:
        world.record.invoice(paid)

    world.email.meanwhile = pays
    world.run_until(FIRST + HOUR)
    assert (world.invoice(ACME, "in_1").status, parked(world), steps_of(world, "in_2")) == (Status.PAID, set(), ["first"])


def test_what_surely_went_out_about_it_is_put_down_and_not_repeated(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2", due=date(2026, 4, 2)))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.stripe.unreadable = ("in_1",)
    world.run_until(FIRST + 3 * HOUR)
    assert [one for one in said(world.log(ACME)) if one.startswith("sent")] == ["sent first"]
    world.stripe.unreadable = ()
    RedriveCase(world.record)(ACME)
    world.run_until(FIRST + DAY)
    assert steps_of(world, "in_1") == ["first"]


def test_half_a_step_that_went_out_is_remembered_with_the_whole_case(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.run_until(SECOND - HOUR)
    world.sms.refuses()
    world.run_until(SECOND)
    assert (steps_of(world, "in_1"), len(world.sms.sent)) == (["first", "second"], 0)
    world.stripe.unreadable = ("in_1",)
    world.run_until(SECOND + HOUR)
    assert (parked(world), [reason for _, reason in world.dead_letters.letters]) == ({ACME}, [ODD])
    world.stripe.unreadable = ()
    RedriveCase(world.record)(ACME)
    world.run_until(SECOND + DAY)
    assert (steps_of(world, "in_1"), len(world.sms.sent)) == (["first", "second"], 1)


def test_a_late_fee_that_rides_with_its_parent_is_told_of_once_and_keeps_it_back_from_nothing(world: FakeDeployment) -> None:
    fee = replace(snapshot("in_fee"), fee_id="LF-DD50JASGV79G", fee_for="in_1")
    world.invoiced(snapshot("in_1"), fee)
    world.stripe.unreadable = ("in_fee",)
    world.run_until(SECOND + HOUR)
    assert (steps_of(world, "in_1"), parked(world)) == (["first", "second"], {"in_fee"})
    assert len(world.dead_letters.letters) == 1


def test_very_many_are_parked_with_their_case(world: FakeDeployment) -> None:
    world.invoiced(*(snapshot(f"in_{n}") for n in range(MOST_SET_ASIDE + 2)))
    world.stripe.unreadable = tuple(f"in_{n}" for n in range(MOST_SET_ASIDE + 1))
    world.run_until(FIRST + HOUR)
    assert (parked(world), len(world.dead_letters.letters), len(world.email.sent)) == ({ACME}, 1, 1)


def test_whether_a_promise_was_kept_is_judged_when_its_invoice_can_be_read_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2", due=date(2026, 4, 2)))
    PromiseToPay(world.record)(ACME, "in_1", date(2026, 3, 10))
    world.stripe.unreadable = ("in_1",)
    world.run_until(SECOND)
    assert (parked(world), len(world.dead_letters.letters)) == ({"in_1"}, 1)
    assert HoldKind.PROMISE in world.invoice(ACME, "in_1").holds
    assert steps_of(world, "in_2") == ["first"]
    world.stripe.unreadable = ()
    world.stripe.is_paid("in_1")
    RedriveCase(world.record)(ACME)
    world.advance(DAY)
    assert world.invoice(ACME, "in_1").status is Status.PAID
    assert "broken" not in " ".join(one.reason or "" for one in world.log(ACME))


def test_one_that_moves_to_another_customer_was_read_and_goes_on_there(odd: FakeDeployment) -> None:
    odd.run_until(FIRST + HOUR)
    odd.stripe.unreadable = ()
    odd.stripe.has(snapshot("in_1", "stripe:cus_beta", stamp=FIRST + HOUR))
    odd.run_sweep()
    odd.advance(DAY)
    assert odd.invoice("stripe:cus_beta", "in_1").holds == {}
    assert steps_of(odd, "in_1") == ["first"]


def test_a_mail_that_cannot_be_written_parks_the_whole_case_as_ever(odd: FakeDeployment) -> None:
    odd.stripe.unreadable = ()
    odd.email.fails(Permanent("the mail cannot be written"))
    odd.run_until(FIRST + HOUR)
    assert parked(odd) == {ACME}
