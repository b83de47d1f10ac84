"""`dunning redrive` ends what parked a case, and never what a person has set."""

from datetime import timedelta

import pytest

from dunning.domain.errors import Permanent, Unreadable
from dunning.domain.holds import Hold, HoldKind
from dunning.workflow.hold_case import HoldCase
from dunning.workflow.ports import Wakeup
from dunning.workflow.redrive_case import RedriveCase
from dunning.workflow.release_case import ReleaseCase
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND, said
from tests.unit.workflow.test_sending_once import reports_sent, until_second_notice

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GONE = "stripe:cus_gone"
LEGAL = "in legal talks: do not write"


def parks(world: FakeDeployment) -> None:
    """At the first reminder's instant."""
    world.email.fails(Permanent("the mail cannot be written"))
    world.run_until(FIRST)
    assert len(world.dead_letters.letters) == 1


def told(world: FakeDeployment, customer: str = ACME) -> list[str]:
    """What the log says of holds."""
    return [f"{activity.type.value} {activity.reason}" for activity in world.log(customer) if activity.type.value in ("held", "released")]


def test_a_parked_case_goes_on_when_it_is_redriven(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    parks(world)
    redrive = RedriveCase(world.record)
    assert [redrive(ACME), redrive(ACME)] == ["recorded", "nothing new"]
    world.run_until(FIRST + DAY)
    assert said(world.log(ACME)) == ["enrolled", "held", "released", "sent first"]


@pytest.mark.parametrize("person_is_first", [True, False])
def test_of_a_park_and_a_person_s_hold_redriving_ends_the_park_alone(world: FakeDeployment, *, person_is_first: bool) -> None:
    world.invoiced(snapshot())

    def hold() -> None:
        HoldCase(world.record)(ACME, LEGAL)

    if person_is_first:
        world.email.meanwhile = hold  # while the worker sends
    parks(world)
    hold()
    assert set(world.profile(ACME).holds) == {HoldKind.OPERATOR, HoldKind.PARKED}
    assert RedriveCase(world.record)(ACME) == "recorded; held still: operator"
    world.run_until(FIRST + 30 * DAY)
    assert world.email.sent == []
    assert world.profile(ACME).holds == {HoldKind.OPERATOR: Hold(FIRST, reason=LEGAL)}
    assert set(told(world)) == {
        "held parked: email:first:in_1: the mail cannot be written",
        f"held operator: {LEGAL}",
        "released parked: redriven",
    }
    ReleaseCase(world.record)(ACME, "the talks are over")
    world.run_until(FIRST + 31 * DAY)
    assert [mail.envelope.step for mail in world.email.sent] == ["first"]


def test_a_letter_of_a_case_that_was_never_parked_ends_no_hold(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    HoldCase(world.record)(ACME, LEGAL)
    assert RedriveCase(world.record)(ACME) == "nothing new; held still: operator"
    world.run_until(FIRST + 30 * DAY)
    assert (world.email.sent, told(world)) == ([], [f"held operator: {LEGAL}"])


def test_who_was_forgotten_by_the_source_while_parked_stays_held_when_redriven(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    parks(world)
    world.record.customer_deleted(ACME)
    assert RedriveCase(world.record)(ACME) == "recorded; held still: operator"
    world.run_until(FIRST + 5 * DAY)
    assert world.email.sent == []


def test_a_person_who_releases_a_case_ends_what_parked_it_too(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    parks(world)
    assert ReleaseCase(world.record)(ACME, "mended") == "recorded"
    world.run_until(FIRST + DAY)
    assert len(world.email.sent) == 1


def test_a_case_that_cannot_be_read_is_put_aside_once_its_neighbours_go_on_and_it_heals(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2", customer=GONE))
    world.store.unreadable.add(GONE)
    world.run_until(FIRST + 2 * DAY)
    assert {mail.envelope.customer for mail in world.email.sent} == {ACME}
    why = f"row CUST#{GONE}, PROFILE of the table cannot be read"
    assert world.dead_letters.letters == [(Wakeup(GONE), why)]
    looks = world.store.writes
    assert world.look_at(GONE) == "nothing due, or held by another"
    assert world.store.writes == looks
    with pytest.raises(Unreadable):
        RedriveCase(world.record)(GONE)

    world.store.unreadable.clear()
    assert RedriveCase(world.record)(GONE) == "recorded"
    world.run_until(FIRST + 3 * DAY)
    assert [mail.envelope.step for mail in world.email.sent if mail.envelope.customer == GONE] == ["first"]
    assert told(world, GONE) == [f"held parked: {why}", "released parked: redriven"]


def test_what_went_out_before_its_row_could_not_be_read_goes_out_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.meanwhile = lambda: world.store.unreadable.add(ACME)
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST + HOUR)
    assert len(world.dead_letters.letters) == 1
    world.store.unreadable.clear()
    reports_sent(world, world.email.sent[0])
    RedriveCase(world.record)(ACME)
    world.run_until(FIRST + DAY)
    assert [mail.envelope.step for mail in world.email.sent] == ["first"]
    assert said(world.log(ACME)) == ["enrolled", "held", "released", "sent first"]


@pytest.mark.parametrize("reported", ["before", "after", "never"])
def test_what_went_out_before_the_table_refused_to_put_it_down_goes_out_once(world: FakeDeployment, reported: str) -> None:
    until_second_notice(world)

    def on_the_way() -> None:
        if reported == "before":
            reports_sent(world, world.email.sent[0])
        world.store.refusals.append(Permanent("writing case: KMSInvalidStateException"))

    world.sms.meanwhile = on_the_way
    world.look_at(ACME)
    if reported == "after":
        reports_sent(world, world.email.sent[0])
    assert [reason for _, reason in world.dead_letters.letters] == ["writing case: KMSInvalidStateException"]
    assert set(world.profile(ACME).holds) == {HoldKind.PARKED}
    world.run_until(SECOND + HOUR)
    RedriveCase(world.record)(ACME)
    world.run_until(SECOND + DAY)
    assert (len(world.email.sent), len(world.sms.sent)) == (1, 1)
    assert said(world.log(ACME))[-3:] == ["held", "released", "sent second"]
    invoice = world.invoice(ACME, "in_1")
    assert (invoice.anchor_at, invoice.next_step) == (SECOND, "escalate")


def test_a_mail_goes_out_once_though_the_table_refuses_to_note_that_the_text_was_refused(world: FakeDeployment) -> None:
    until_second_notice(world)
    world.sms.refuses()
    world.sms.meanwhile = lambda: world.store.refusals.append(Permanent("marking an effect: AccessDeniedException"))
    world.look_at(ACME)
    assert set(world.profile(ACME).holds) == {HoldKind.PARKED}
    RedriveCase(world.record)(ACME)
    world.run_until(SECOND + DAY)
    assert (len(world.email.sent), world.sms.attempts) == (1, 1)
    assert "sms may have gone out before; it is not repeated" in str(world.log(ACME)[-1].reason)


def test_a_report_on_a_claim_that_was_taken_over_and_parked_is_still_believed(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    world.stripe.failure = Permanent("an amount of 1e300")
    world.run_until(FIRST + HOUR)
    assert set(world.profile(ACME).holds) == {HoldKind.PARKED}
    reports_sent(world, world.email.sent[0], FIRST)
    world.stripe.failure = None
    RedriveCase(world.record)(ACME)
    world.run_until(FIRST + DAY)
    assert len(world.email.sent) == 1
    assert said(world.log(ACME)) == ["enrolled", "held", "released", "sent first"]


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(seconds=90), timedelta(minutes=15)])
def test_who_redrives_at_once_on_a_machine_whose_clock_is_behind_arms_the_timer_all_the_same(
    world: FakeDeployment, behind: timedelta
) -> None:
    until_second_notice(world)
    world.sms.fails(Permanent("SNS refuses this number"))
    world.look_at(ACME)
    assert HoldKind.PARKED in world.profile(ACME).holds
    here = world.clock.now
    world.clock.now = here - behind
    assert RedriveCase(world.record)(ACME) == "recorded"
    world.clock.now = here
    world.run_until(here + HOUR)
    assert [mail.envelope.step for mail in world.email.sent] == ["second"]
    assert [text.envelope.step for text in world.sms.sent] == ["second"]
