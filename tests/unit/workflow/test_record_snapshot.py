"""What a source says is taken in once, in whatever order it comes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.errors import Retryable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Status
from dunning.workflow.hold_case import HoldCase
from dunning.workflow.ports import SyncRequest, Wakeup
from dunning.workflow.release_case import ReleaseCase
from tests.fakes.case_store import MemoryCaseStore
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, said

MINUTES = timedelta(minutes=1)
LATER = MONDAY_MORNING + timedelta(hours=1)


def test_a_new_invoice_is_enrolled_and_its_timer_set(world: FakeDeployment) -> None:
    assert world.record.invoice(snapshot()) == "recorded"
    profile, invoice = world.profile(ACME), world.invoice(ACME, "in_1")
    assert (profile.due_at, profile.due_since, profile.contact) == (FIRST, FIRST, ACME_CONTACT)
    assert (invoice.policy, invoice.next_step, invoice.next_at) == ("standard", "first", FIRST)
    assert said(world.log(ACME)) == ["enrolled"]


def test_the_same_webhook_twice_writes_once(world: FakeDeployment) -> None:
    world.record.invoice(snapshot())
    assert world.record.invoice(snapshot()) == "nothing new"
    assert world.record.invoice(snapshot(stamp=LATER)) == "nothing new"
    assert world.store.writes == 1


def test_a_late_webhook_changes_nothing(world: FakeDeployment) -> None:
    world.record.invoice(snapshot(amount_due=50_00, stamp=LATER))
    world.record.invoice(snapshot(amount_due=100_00, stamp=MONDAY_MORNING))
    assert world.invoice(ACME, "in_1").amount_due == 50_00
    assert world.store.writes == 1


def test_a_payment_that_overtakes_its_invoice_is_not_forgotten(world: FakeDeployment) -> None:
    world.record.invoice(snapshot(status=Status.PAID, amount_due=0, stamp=LATER))
    world.record.invoice(snapshot(stamp=MONDAY_MORNING))
    world.run_until(ESCALATION)
    assert world.invoice(ACME, "in_1").status is Status.PAID
    assert world.email.sent == []


@pytest.mark.parametrize("status", [Status.PAID, Status.VOID])
def test_what_stripe_never_takes_back_is_final(world: FakeDeployment, status: Status) -> None:
    world.record.invoice(snapshot())
    world.record.invoice(snapshot(status=status, stamp=MONDAY_MORNING - MINUTES))
    world.record.invoice(snapshot(stamp=LATER))
    world.record.invoice_as_fetched(ACME, "in_1", lambda: snapshot(stamp=LATER))
    assert world.invoice(ACME, "in_1").status is status
    assert world.profile(ACME).due_at is None


def test_an_uncollectible_invoice_can_come_back(world: FakeDeployment) -> None:
    world.record.invoice(snapshot())
    world.record.invoice(snapshot(status=Status.UNCOLLECTIBLE, stamp=LATER))
    assert world.profile(ACME).due_at is None
    world.record.invoice(snapshot(stamp=LATER + timedelta(days=1)))
    assert world.profile(ACME).due_at == FIRST
    assert said(world.log(ACME)) == ["enrolled", "closed", "reopened"]


@pytest.mark.parametrize("seconds", [-59, 0, 59])
def test_two_webhooks_within_a_minute_prove_nothing_and_ask_the_source(world: FakeDeployment, seconds: int) -> None:
    world.record.invoice(snapshot())
    doubtful = snapshot(amount_due=50_00, stamp=MONDAY_MORNING + timedelta(seconds=seconds))
    assert world.record.invoice(doubtful) == "doubtful"
    assert world.sync_queue.requests == [SyncRequest("stripe", "invoice", "in_1", ACME)]
    assert world.store.writes == 1


def test_what_the_source_answers_in_doubt_is_taken(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.clock.now += timedelta(seconds=20)
    world.stripe.changes("in_1", amount_due=30_00)
    world.record.invoice(snapshot(amount_due=50_00))
    world.settle_queues()
    assert world.invoice(ACME, "in_1").amount_due == 30_00


def test_a_draft_is_not_recorded(world: FakeDeployment) -> None:
    world.record.invoice(snapshot(status=Status.DRAFT))
    assert world.store.customers() == ()


def test_a_due_date_that_moves_moves_the_reminder(world: FakeDeployment) -> None:
    world.record.invoice(snapshot())
    world.record.invoice(snapshot(due=date(2026, 4, 30), stamp=LATER))
    assert world.profile(ACME).due_at == FIRST + timedelta(days=30)


def test_an_invoice_long_overdue_is_told_to_the_queue_when_its_first_step_is_near(world: FakeDeployment) -> None:
    world.clock.now = FIRST - 15 * MINUTES
    world.record.invoice(snapshot())
    assert world.wakeups.sent == [Wakeup(ACME, 900, 0)]


def test_a_timer_that_is_further_away_is_left_to_the_wheel(world: FakeDeployment) -> None:
    world.clock.now = FIRST - 15 * MINUTES - timedelta(seconds=1)
    world.record.invoice(snapshot())
    assert world.wakeups.sent == []


def test_a_retried_webhook_sends_its_message_again(world: FakeDeployment) -> None:
    world.clock.now = FIRST - MINUTES
    world.wakeups.is_down = True
    with pytest.raises(Retryable):
        world.record.invoice(snapshot())
    world.wakeups.is_down = False
    assert world.record.invoice(snapshot()) == "nothing new"
    assert world.wakeups.sent == [Wakeup(ACME, 60, 0)]
    assert world.store.writes == 1


def test_a_live_claim_s_timer_is_not_told_to_the_queue(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.kills_the_worker(accepted=False)
    world.run_until(FIRST)
    world.clock.now += 10 * MINUTES
    world.wakeups.sent.clear()
    world.record.invoice(snapshot("in_2", due=date(2026, 5, 1), stamp=FIRST))
    assert world.wakeups.sent == []


def test_a_lost_timer_is_armed_again_by_any_word_about_the_customer(world: FakeDeployment) -> None:
    world.record.invoice(snapshot())
    before = world.case(ACME)
    world.store.save(before, before.with_profile(replace(before.profile, due_at=None, due_since=None)))
    assert world.record.invoice(snapshot()) == "recorded"
    assert world.profile(ACME).due_at == FIRST
    assert said(world.log(ACME)) == ["enrolled"]


def test_a_customer_s_new_address_is_used_from_then_on(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.contact(ACME, Contact(email="new@acme.example"), LATER)
    world.run_until(FIRST)
    assert [mail.to for mail in world.email.sent] == [("new@acme.example",)]


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (Contact(timezone="America/Los_Angeles"), datetime(2026, 4, 7, 16, 0, tzinfo=UTC)),
        (Contact(timezone="Asia/Tokyo"), datetime(2026, 4, 7, 0, 0, tzinfo=UTC)),
        (Contact(country="FR"), datetime(2026, 4, 7, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_customer_who_lives_elsewhere_is_reminded_at_the_steps_hour_there(world: FakeDeployment, told: Contact, at: datetime) -> None:
    world.invoiced(snapshot(contact=replace(ACME_CONTACT, timezone=None, country=None)))
    world.record.contact(ACME, told, LATER)
    assert (world.profile(ACME).due_at, world.invoice(ACME, "in_1").next_at) == (at, at)
    world.run_until(FIRST + timedelta(days=1))
    assert said(world.log(ACME))[-1] == "sent first"
    assert len(world.email.sent) == 1


def test_a_step_that_is_due_already_is_not_put_off_by_a_move(world: FakeDeployment) -> None:
    world.invoiced(snapshot(contact=replace(ACME_CONTACT, timezone=None, country=None)))
    world.clock.now = FIRST
    world.record.contact(ACME, Contact(timezone="America/Los_Angeles"), FIRST)
    assert world.invoice(ACME, "in_1").next_at == FIRST


def test_the_customer_s_own_record_knows_better_than_its_next_invoice(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.contact(ACME, Contact(email="new@acme.example"), LATER)
    world.record.invoice(snapshot("in_2", stamp=LATER + timedelta(days=1)))
    contact = world.profile(ACME).contact
    assert (contact.email, contact.phone) == ("new@acme.example", ACME_CONTACT.phone)


def test_late_and_repeated_words_about_a_contact_change_nothing(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    newest = Contact(email="newest@acme.example")
    world.record.contact(ACME, newest, LATER)
    writes = world.store.writes
    world.record.contact(ACME, newest, LATER)
    world.record.contact(ACME, Contact(email="older@acme.example"), LATER - 5 * MINUTES)
    assert world.profile(ACME).contact.email == "newest@acme.example"
    assert world.store.writes == writes


def test_tags_in_another_order_are_no_news_of_a_customer_nor_of_an_invoice(world: FakeDeployment) -> None:
    world.invoiced(replace(snapshot(), tags=("vip", "retail")))
    world.record.contact(ACME, Contact(tags=("key", "eu")), LATER)
    writes = world.store.writes
    world.record.contact(ACME, Contact(tags=("eu", "key")), LATER + 24 * 60 * MINUTES)
    world.record.invoice(replace(snapshot(stamp=LATER + 24 * 60 * MINUTES), tags=("retail", "vip")))
    assert world.store.writes == writes
    world.record.contact(ACME, Contact(tags=("eu",)), LATER + 48 * 60 * MINUTES)
    assert [one.reason for one in world.log(ACME)][-1] == "contact: tags"


def test_two_contacts_within_a_minute_ask_the_source(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.contact(ACME, Contact(email="a@acme.example"), LATER)
    world.record.contact(ACME, Contact(email="b@acme.example"), LATER + timedelta(seconds=1))
    assert world.profile(ACME).contact.email == "a@acme.example"
    world.stripe.contacts[ACME] = Contact(email="b@acme.example")
    world.clock.now = LATER + timedelta(seconds=2)
    world.settle_queues()
    assert world.profile(ACME).contact.email == "b@acme.example"


def test_the_last_check_learns_the_language_before_the_first_reminder(world: FakeDeployment) -> None:
    """Stripe's webhooks of invoices do not show it; the invoice fetched with its customer does."""
    world.invoiced(snapshot())
    world.stripe.has(snapshot(contact=replace(ACME_CONTACT, locale="fr-BE", email="other@acme.example")))
    world.run_until(FIRST)
    contact = world.profile(ACME).contact
    assert (contact.locale, contact.email) == ("fr-BE", ACME_CONTACT.email)


def test_a_customer_created_told_after_a_newer_invoice_fills_gaps(world: FakeDeployment) -> None:
    world.record.invoice(snapshot(stamp=LATER))
    world.record.contact(ACME, Contact(email=ACME_CONTACT.email, locale="fr-BE"), LATER - 5 * MINUTES)
    assert world.profile(ACME).contact == replace(ACME_CONTACT, locale="fr-BE")


def test_a_customer_created_that_gainsays_a_newer_invoice_asks_the_source(world: FakeDeployment) -> None:
    world.stripe.has(snapshot(stamp=LATER))
    world.record.invoice(snapshot(stamp=LATER))
    world.stripe.contacts[ACME] = ACME_CONTACT
    world.record.contact(ACME, Contact(email="first@acme.example"), LATER - 5 * MINUTES)
    world.settle_queues()
    assert world.profile(ACME).contact == ACME_CONTACT


def test_an_older_word_about_the_customer_does_not_lift_a_mark_that_a_fetch_has_seen(world: FakeDeployment) -> None:
    marked = replace(ACME_CONTACT, settings=CustomerSettings(do_not_chase=True))
    world.record.invoice(snapshot(stamp=LATER, contact=marked))
    world.stripe.contacts[ACME] = marked
    world.record.contact(ACME, replace(ACME_CONTACT, settings=CustomerSettings()), LATER - 5 * MINUTES)
    world.settle_queues()
    assert world.profile(ACME).is_not_chased


def test_a_customer_who_owes_nothing_here_is_not_recorded(world: FakeDeployment) -> None:
    world.record.contact("stripe:cus_else", ACME_CONTACT, LATER)
    world.record.customer_deleted("stripe:cus_else")
    assert world.store.customers() == ()


def test_a_customer_deleted_at_the_source_waits_for_a_person(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.customer_deleted(ACME)
    world.record.customer_deleted(ACME)
    world.run_until(ESCALATION)
    assert world.email.sent == []
    assert set(world.profile(ACME).holds) == {HoldKind.OPERATOR}
    assert said(world.log(ACME)) == ["enrolled", "held", "notified"]


def test_of_a_customer_deleted_at_the_source_the_team_is_told_once_and_what_to_do(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.customer_deleted(ACME)
    world.run_until(world.clock() + 10 * MINUTES)
    world.record.contact_as_fetched(ACME, lambda: None)
    world.run_until(ESCALATION)
    (told,) = world.team.sent
    assert (told.to, told.envelope.kind, told.envelope.invoices) == (("collections",), "notice", ("in_1",))
    (reason,) = [entry.reason or "" for entry in world.log(ACME) if entry.type is ActivityType.NOTIFIED]
    assert ("archived" in reason, "close these invoices" in reason, "release the case" in reason) == (True, True, True)
    assert world.profile(ACME).notices == {}


@pytest.mark.parametrize("news", ["webhook", "fetch", "move"])
def test_what_comes_to_be_owed_by_a_customer_who_is_gone_already_waits_for_a_person_too(world: FakeDeployment, news: str) -> None:
    found = replace(snapshot(), customer_gone=True)
    if news == "webhook":
        world.record.invoice(found)
        world.stripe.has(found)
    elif news == "fetch":
        world.record.invoice_as_fetched(ACME, "in_1", lambda: found)
        world.stripe.has(found)
    else:
        world.invoiced(snapshot(customer="stripe:cus_else"))
        world.record.invoice_as_fetched("stripe:cus_else", "in_1", lambda: found)
        world.stripe.has(found)
    world.run_until(ESCALATION)
    assert set(world.profile(ACME).holds) == {HoldKind.OPERATOR}
    assert (world.email.sent, len(world.team.sent)) == ([], 1)


def test_who_is_released_though_gone_at_the_source_is_not_held_again_by_the_next_list(world: FakeDeployment) -> None:
    found = replace(snapshot(), customer_gone=True)
    world.stripe.has(found)
    world.record.invoice(found)
    ReleaseCase(world.record)(ACME, "they still trade")
    world.record.invoice(replace(found, stamp=found.stamp + MINUTES, amount_due=50_00))
    assert world.profile(ACME).holds == {}
    world.run_until(ESCALATION)
    assert [mail.envelope.step for mail in world.email.sent][:1] == ["first"]


def test_a_customer_deleted_during_a_hold_with_an_end_waits_for_a_person_beyond_it_and_the_team_is_told(
    world: FakeDeployment,
) -> None:
    world.invoiced(snapshot())
    HoldCase(world.record)(ACME, "they move house", until=FIRST.date() - timedelta(days=1))
    world.record.customer_deleted(ACME)
    world.record.customer_deleted(ACME)
    world.run_until(ESCALATION)
    assert (world.email.sent, len(world.team.sent)) == ([], 1)
    hold = world.profile(ACME).holds[HoldKind.OPERATOR]
    assert (hold.until, hold.reason) == (None, "deleted at the source")


def test_of_a_customer_who_is_deleted_and_owes_nothing_nobody_is_told(world: FakeDeployment) -> None:
    world.invoiced(snapshot(status=Status.PAID, amount_due=0))
    world.record.customer_deleted(ACME)
    world.run_until(ESCALATION)
    assert (world.team.sent, world.profile(ACME).holds) == ([], {})


def test_a_case_that_changes_faster_than_it_can_be_written_is_left_to_a_retry() -> None:
    class NeverStill(MemoryCaseStore):
        def load(self, customer: str) -> Case:
            read = super().load(customer)
            self.save(read, read, [Activity(MONDAY_MORNING, ActivityType.UPDATED)])
            return read

    world = FakeDeployment()
    record = replace(world.record, store=NeverStill())
    with pytest.raises(Retryable):
        record.invoice(snapshot())
