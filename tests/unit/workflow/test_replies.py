"""Answers are matched to their case, by the address they went to or by who sent them."""

from datetime import timedelta

import pytest

from dunning.domain.errors import Permanent, Unforeseen, Unreadable
from dunning.domain.replying import Inbound, reply_token
from dunning.workflow.handle_reply import HandleReply
from dunning.workflow.record_reply import RecordReply
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, said

HOUR = timedelta(hours=1)
OTHER = "stripe:cus_other"


def recorder(world: FakeDeployment) -> RecordReply:
    return RecordReply(world.store, world.store, world.record, world.team)


def mail(sender: str = "ap@acme.example", *addressed: str, automatic: str | None = None) -> Inbound:
    return Inbound("mail:1", "email", sender, "Where is it?", "Re: yours", addressed, automatic)


def test_an_answer_holds_until_it_is_handled_and_then_the_held_step_runs_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    assert recorder(world)(mail()) == "recorded"
    assert recorder(world)(mail()) == "nothing new"
    world.run_until(FIRST + 3 * HOUR)
    assert world.email.sent == []
    assert [notice.envelope.kind for notice in world.team.sent] == ["notice"]
    assert HandleReply(world.record)(ACME, "answered") == "recorded"
    assert HandleReply(world.record)(ACME, "answered") == "nothing new"
    world.advance(HOUR)
    assert [sent.envelope.step for sent in world.email.sent] == ["first"]
    assert said(world.log(ACME)) == ["enrolled", "replied", "held", "notified", "released", "sent first"]


def test_the_token_in_the_address_counts_more_than_the_sender(world: FakeDeployment) -> None:
    world.invoiced(snapshot(), snapshot("in_2", OTHER))
    recorder(world)(mail("someone.else@acme.example", f"replies+{reply_token(OTHER)}@reply.example.com"))
    assert (world.profile(ACME).is_held, world.profile(OTHER).is_held) == (False, True)


def test_of_customers_who_share_an_address_the_one_reminded_last_is_meant(world: FakeDeployment) -> None:
    world.invoiced(snapshot(), snapshot("in_2", OTHER))
    world.run_until(FIRST + HOUR)
    world.record.invoice(snapshot("in_3", "stripe:cus_new", stamp=world.clock.now))
    recorder(world)(mail("AP@acme.example"))
    assert sum(world.profile(customer).is_held for customer in (ACME, OTHER)) == 1
    assert not world.profile("stripe:cus_new").is_held


def test_of_customers_who_share_an_address_one_who_cannot_be_read_keeps_no_answer_from_the_other(world: FakeDeployment) -> None:
    world.invoiced(snapshot(), snapshot("in_2", OTHER))
    world.store.unreadable.add(OTHER)
    assert recorder(world)(mail()) == "recorded"
    assert world.profile(ACME).is_held


def test_stop_reaches_whoever_can_be_read_and_comes_again_for_the_others(world: FakeDeployment) -> None:
    world.invoiced(snapshot(), snapshot("in_2", OTHER))
    world.store.unreadable.add(ACME)
    stop = Inbound("sms:1", "sms", "+431234567", "STOP")
    with pytest.raises(Unreadable):
        recorder(world)(stop)
    assert "sms" in world.profile(OTHER).opted_out
    world.store.unreadable.clear()
    assert recorder(world)(stop) == "recorded; nothing new"


@pytest.mark.parametrize(("failure", "raised"), [(OverflowError("odd"), Unforeseen), (Permanent("too large"), Permanent)])
def test_stop_reaches_all_others_when_it_cannot_be_put_down_for_one(
    world: FakeDeployment, failure: Exception, raised: type[Exception]
) -> None:
    world.invoiced(snapshot(), snapshot("in_2", OTHER))
    world.store.refusals.append(failure)
    with pytest.raises(raised):
        recorder(world)(Inbound("sms:1", "sms", "+431234567", "STOP"))
    assert sorted("sms" in world.profile(customer).opted_out for customer in (ACME, OTHER)) == [False, True]


def test_an_answer_whose_case_cannot_be_read_is_not_lost_but_raised_with_the_reason(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.store.unreadable.add(ACME)
    with pytest.raises(Unreadable, match="cannot be read"):
        recorder(world)(mail())


def test_a_text_message_is_matched_by_its_number_however_it_is_written(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    assert recorder(world)(Inbound("sms:1", "sms", "+43 123 4567", "ok")) == "recorded"
    assert world.profile(ACME).is_held


def test_an_answer_of_nobody_we_know_reaches_the_team(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    assert recorder(world)(mail("who@else.example")) == "of no known customer: the team was told"
    assert [(sent.to, sent.text) for sent in world.team.sent] == [
        (("collections",), "From: who@else.example\nSubject: Re: yours\n\nWhere is it?")
    ]
    assert not world.profile(ACME).is_held


def test_what_a_robot_wrote_changes_nothing(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    writes = world.store.writes
    assert recorder(world)(mail(automatic="Auto-Submitted")) == "no person's: Auto-Submitted"
    assert (world.store.writes, world.team.sent) == (writes, [])


def test_stop_is_meant_for_every_customer_of_that_number(world: FakeDeployment) -> None:
    world.invoiced(snapshot(), snapshot("in_2", OTHER))
    assert recorder(world)(Inbound("sms:1", "sms", "+43 123 4567", "STOP")) == "recorded; recorded"
    assert recorder(world)(Inbound("sms:1", "sms", "+43 123 4567", "STOP")) == "nothing new; nothing new"
    assert [world.profile(customer).is_held for customer in (ACME, OTHER)] == [False, False]
    assert ["sms" in world.profile(customer).opted_out for customer in (ACME, OTHER)] == [True, True]
    recorder(world)(Inbound("sms:2", "sms", "+43 123 4567", "START"))
    assert ["sms" in world.profile(customer).opted_out for customer in (ACME, OTHER)] == [False, False]
