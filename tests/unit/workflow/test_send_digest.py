"""The digest goes out at most once a day, whatever happens in between."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.rendering import TemplateRenderer
from dunning.domain.activity import ActivityType
from dunning.domain.case import Case, Profile
from dunning.domain.digest import Happened, OpenAmount, as_known, digest_of
from dunning.domain.errors import OutcomeUnknown, Permanent, Refused, Retryable, Throttled
from dunning.domain.fees import Amounts
from dunning.domain.invoice import Approval, ApprovalState, Contact
from dunning.identifiers import new_ulid
from dunning.workflow.send_digest import COVERS, PAUSE, SendDigest
from dunning.workflow.sweep_ports import SweepStage
from tests.fakes.case_store import MemoryCaseStore
from tests.fakes.channels import FakeEmail, Message
from tests.fakes.clock import StandingClock
from tests.fakes.deployment import standard_policies
from tests.fakes.digests import MemoryDigestNotes
from tests.fakes.queues import MemorySweepQueue
from tests.unit.domain.builders import INVOICE, utc

AT = utc("2026-03-17 04:00")
KNOWN = Contact("Ärmel & <Söhne>", "ap@aermel.example")
ARMEL = Case(Profile("stripe:cus_<1>", KNOWN), {"in_1": replace(INVOICE, customer="stripe:cus_<1>")})


class MemoryDigests(MemoryDigestNotes):
    """workflow.digest_ports.Digests."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[datetime, datetime]] = []
        self.waiting: tuple[str, ...] = ()

    def happened(self, since: datetime, until: datetime) -> Iterable[Happened]:
        self.spans.append((since, until))
        yield Happened("stripe:cus_<1>", ActivityType.ESCALATED, since, ("in_1",), "three reminders & no word")
        yield Happened("stripe:cus_2", ActivityType.SENT, since, ("in_2", "in_3"))

    def owed(self) -> Iterable[OpenAmount]:
        yield OpenAmount("KWD", 1234, None)

    def asked(self) -> Iterable[str]:
        return self.waiting


class Failing(FakeEmail):
    """Fails once, or so often."""

    def __init__(self, failure: Exception, times: int = 1) -> None:
        super().__init__()
        self._failures = [failure] * times

    def _send(self, message: Message) -> str:
        if self._failures:
            raise self._failures.pop()
        return super()._send(message)


class Refusing:
    """A queue that takes nothing."""

    def send(self, stage: SweepStage, delay: int = 0) -> None:
        """Raises Retryable."""
        raise Retryable("SQS cannot be reached")


def digest(email: FakeEmail, *addresses: str, clock: StandingClock | None = None) -> SendDigest:
    policy = replace(standard_policies().default, digest_to=addresses)
    cases = MemoryCaseStore()
    cases.save(Case(Profile("stripe:cus_<1>")), ARMEL)
    renderer = TemplateRenderer("Larkfield", "accounts@example.com")
    policies, now = PolicyBook.of({policy.name: policy}), clock or StandingClock(AT)
    return SendDigest(MemoryDigests(), cases, policies, email, renderer, new_ulid, MemorySweepQueue(), now)


def put_off(send: SendDigest) -> list[SweepStage]:
    """What waits in the queue, which is taken out of it."""
    assert isinstance(send.queue, MemorySweepQueue)
    assert set(send.queue.delays) <= {PAUSE}
    return send.queue.receive()


def test_the_same_schedule_twice_sends_one_mail_to_all_who_are_named() -> None:
    email = FakeEmail()
    send = digest(email, "finance@example.com", "cfo@example.com")
    assert [send(AT), send(AT)] == ["sent", "sent before"]
    (mail,) = email.sent
    assert (mail.to, mail.envelope.kind) == (("finance@example.com", "cfo@example.com"), "digest")
    assert mail.subject == "Reminders, 17 March 2026: 2 sent, 0 paid, 1 case for a person"
    assert "- Ärmel & <Söhne>, EUR 120.00\n  handed over: three reminders & no word\n  stripe:cus_<1> (ACME-0007)\n" in mail.text
    assert "KWD 1.234" in mail.text
    assert isinstance(send.digests, MemoryDigests)
    assert send.digests.spans[0] == (AT - COVERS, AT)


def test_what_waits_for_approval_is_told_every_day_with_the_command_that_answers_it_until_it_need_not_be() -> None:
    email = FakeEmail()
    send = digest(email, "finance@example.com")
    step = replace(send.policies.named(None).steps[0], approve_above=Amounts({"EUR": 100_00}))
    send = replace(
        send, policies=PolicyBook.of({"standard": replace(send.policies.named(None), steps=(step,), digest_to=("f@example.com",))})
    )
    asked = replace(ARMEL.invoices["in_1"], next_step=step.id, next_at=AT, approval=Approval(step.id, ApprovalState.ASKED, 120_00))
    assert isinstance(send.digests, MemoryDigests)
    assert isinstance(send.cases, MemoryCaseStore)
    send.digests.waiting = ("stripe:cus_<1>",)
    for day, amount in enumerate((120_00, 120_00, 90_00)):
        before = send.cases.load("stripe:cus_<1>")
        send.cases.save(before, before.with_invoice(replace(asked, amount_due=amount, version=before.invoices["in_1"].version)))
        assert send(AT + timedelta(days=day)) == "sent"
    line = "- Ärmel & <Söhne>, EUR 120.00\n  dunning approve 'stripe:cus_<1>'\n  dunning decline 'stripe:cus_<1>'\n  stripe:cus_<1> ("
    assert [line in mail.text for mail in email.sent] == [True, True, False]
    assert ["Waits for your approval" in mail.text for mail in email.sent] == [True, True, False]
    assert ["2 cases for a person" in mail.subject for mail in email.sent] == [True, True, False]


def test_a_case_that_cannot_be_read_costs_nobody_the_digest_and_is_shown_as_it_was_told() -> None:
    email = FakeEmail()
    send = digest(email, "finance@example.com")
    assert isinstance(send.cases, MemoryCaseStore)
    send.cases.unreadable.add("stripe:cus_<1>")
    assert send(AT) == "sent"
    (mail,) = email.sent
    assert "handed over: three reminders & no word\n  stripe:cus_<1> (in_1)\n" in mail.text


def test_nobody_named_means_no_mail() -> None:
    email = FakeEmail()
    assert digest(email)(AT) == "no policy names anybody"
    assert email.sent == []


def test_a_digest_that_ses_refuses_for_hours_goes_out_when_it_takes_it_once() -> None:
    email, clock = Failing(Throttled("the day's quota is spent"), 30), StandingClock(AT)
    send = digest(email, "finance@example.com", clock=clock)
    assert send(AT) == "put off: SES does not take the digest now"
    outcomes = list[str]()
    while stages := put_off(send):
        clock.now += timedelta(seconds=PAUSE)
        outcomes += [send.again(stage) for stage in stages]
    assert (outcomes, len(outcomes)) == (["put off: SES does not take the digest now"] * 29 + ["sent"], 30)
    assert [mail.envelope.claim for mail in email.sent] == ["digest-2026-03-17"]


def test_what_ses_refused_all_day_is_given_up_when_the_next_days_digest_is_due() -> None:
    email, clock = Failing(Refused("not verified"), 1000), StandingClock(AT)
    send = digest(email, "finance@example.com", clock=clock)
    last, tries = send(AT), 0
    while stages := put_off(send):
        clock.now, tries = clock.now + timedelta(seconds=PAUSE), tries + 1
        (last,) = (send.again(stage) for stage in stages)
    assert (last, tries, clock.now) == ("given up: the next day's digest tells again what still waits", 96, AT + COVERS)
    assert email.sent == []


def test_a_note_that_could_not_be_taken_back_does_not_cost_the_days_digest() -> None:
    email = Failing(Refused("throttled"))
    send = digest(email, "finance@example.com")
    assert isinstance(send.digests, MemoryDigests)
    send.digests.keeps = 2
    assert send(AT) == "put off: the table refuses"
    assert [send.again(stage) for stage in put_off(send)] == ["put off: the table refuses"]
    assert [send.again(stage) for stage in put_off(send) * 2] == ["sent", "sent before"]
    assert len(email.sent) == 1


def test_what_cannot_be_put_off_either_is_left_to_whoever_called() -> None:
    email = Failing(Refused("throttled"))
    send = replace(digest(email, "finance@example.com"), queue=Refusing())
    with pytest.raises(Retryable):
        send(AT)
    assert [send(AT), send(AT)] == ["sent", "sent before"]


def test_a_note_whose_answers_were_all_lost_does_not_cost_the_days_digest() -> None:
    email = FakeEmail()
    send = digest(email, "finance@example.com")
    assert isinstance(send.digests, MemoryDigests)
    send.digests.loses = 1
    assert send(AT) == "put off: no answer"
    assert [send.again(stage) for stage in put_off(send) * 2] == ["sent", "sent before"]
    assert len(email.sent) == 1


def test_who_cannot_note_it_takes_nobody_elses_note_back() -> None:
    email = FakeEmail()
    send = digest(email, "finance@example.com")
    assert isinstance(send.digests, MemoryDigests)
    assert send(AT) == "sent"
    send.digests.loses = 1
    assert send(AT) == "put off: no answer"
    assert [send.again(stage) for stage in put_off(send)] == ["sent before"]
    assert len(email.sent) == 1


def test_a_mail_whose_answer_was_lost_is_not_repeated() -> None:
    email = Failing(OutcomeUnknown("no answer"))
    send = digest(email, "finance@example.com")
    assert send(AT).startswith("perhaps sent")
    assert (send(AT), put_off(send)) == ("sent before", [])
    assert email.sent == []


def test_what_comes_from_outside_is_text_in_the_page() -> None:
    rows = MemoryDigests().happened(AT, AT)
    html = TemplateRenderer("Larkfield", "accounts@example.com").digest(digest_of(AT.date(), rows, [])).html
    assert "stripe:cus_&lt;1&gt;" in html
    known = as_known(digest_of(AT.date(), MemoryDigests().happened(AT, AT), []), {"stripe:cus_<1>": ARMEL})
    html = TemplateRenderer("Larkfield", "accounts@example.com").digest(known).html
    assert "Ärmel &amp; &lt;Söhne&gt;" in html
    assert 'href="https://dashboard.stripe.com/invoices/in_1"' in html
    assert "Nothing is owed." in html


def test_what_waits_for_approval_has_its_own_heading_in_html_too() -> None:
    asked = replace(ARMEL.invoices["in_1"], next_step="first", next_at=AT, approval=Approval("first", ApprovalState.ASKED, 120_00))
    told = as_known(digest_of(AT.date(), [], []), {"stripe:cus_<1>": ARMEL.with_invoice(asked)}, ["stripe:cus_<1>", "stripe:cus_2"])
    html = TemplateRenderer("Larkfield", "accounts@example.com").digest(told).html
    assert html.count("Waits for your approval</h2>") == 1
    assert "and 1 more" in html
    assert "New for a person" not in html


def test_the_digest_of_each_morning_goes_out_where_the_clocks_are_put_back_between_two() -> None:
    """In New York the schedule's 4:00 UTC of 1 and of 2 November 2026 are both on 1 November."""
    email, clock = FakeEmail(), StandingClock(AT)
    send = digest(email, "finance@example.com", clock=clock)
    there = replace(send.policies.named(None), timezone="America/New_York")
    send = replace(send, policies=PolicyBook.of({there.name: there}))
    for day in (1, 2, 3):
        clock.now = utc(f"2026-11-0{day} 04:00")
        assert [send(clock.now), send(clock.now)] == ["sent", "sent before"]
    assert len(email.sent) == 3


def test_what_ses_never_will_take_is_told_each_time_and_goes_out_once_that_is_mended() -> None:
    email = Failing(Permanent("not verified"), 2)
    send = digest(email, "finance@example.com")
    for _ in range(2):
        with pytest.raises(Permanent):
            send(AT)
    assert [send(AT), send(AT)] == ["sent", "sent before"]
    assert len(email.sent) == 1
