"""What is sent again because its mail bounced keeps the rules of any other reminder."""

from dataclasses import replace
from datetime import timedelta

from dunning.domain.case import Case, Profile
from dunning.domain.decision import decide
from dunning.domain.invoice import Contact, Invoice, Repeat
from dunning.domain.netting import covered, net_of
from dunning.domain.policy import Days, Policy, Scope
from dunning.domain.works import Verdict, Work
from tests.unit.domain.builders import BRIEF, INVOICE, PROFILE, case_of, utc, work_off

SENT = utc("2026-03-17 09:00")
AGAIN = utc("2026-03-18 09:00")
FOLLOWS = replace(BRIEF, min_gap=Days(1))
BOUNCED = replace(
    INVOICE,
    level=1,
    last_step="first",
    anchor_at=SENT,
    last_reminder_at=SENT,
    reminders_sent=1,
    next_step="second",
    next_at=utc("2026-03-30 09:00"),
    repeat=Repeat("first", AGAIN),
)
OTHER = replace(INVOICE, id="in_2", number="ACME-0008", next_step="first", next_at=AGAIN)
REMINDED = replace(PROFILE, contact=Contact("Acme GmbH", "second@acme.example", None, "US"), reminded_at=(SENT,))


def works(*invoices: Invoice, follows: Policy = FOLLOWS, profile: Profile = REMINDED) -> dict[str, Work]:
    found = decide(case_of(*invoices, profile=profile), lambda _: follows, AGAIN)
    return {work.invoice: work for work in found}


def test_the_mail_that_never_arrived_binds_no_gap_but_its_repetition_does() -> None:
    found = works(BOUNCED, OTHER)
    assert (found["in_1"].verdict, len(found["in_1"].effects)) == (Verdict.REPEAT, 1)
    assert (found["in_2"].verdict, found["in_2"].move_to) == (Verdict.SUPPRESS, utc("2026-03-19 09:00"))


def test_a_reminder_that_arrived_meanwhile_keeps_the_repetition_at_its_gap() -> None:
    an_hour_ago = AGAIN - timedelta(hours=1)
    found = works(BOUNCED, profile=replace(REMINDED, reminded_at=(SENT, an_hour_ago)))["in_1"]
    assert (found.verdict, found.again, found.move_to) == (Verdict.MOVE, True, utc("2026-03-19 09:00"))
    moved = work_off(case_of(BOUNCED, profile=replace(REMINDED, reminded_at=(SENT, an_hour_ago))), AGAIN, FOLLOWS).case.invoices["in_1"]
    assert (moved.repeat, moved.next_at) == (Repeat("first", utc("2026-03-19 09:00")), BOUNCED.next_at)


def test_one_message_about_all_needs_no_gap_within_it() -> None:
    found = works(BOUNCED, OTHER, follows=replace(FOLLOWS, scope=Scope.CUSTOMER))
    assert [(work.verdict, work.effects[0].key) for work in found.values()] == [
        (Verdict.REPEAT, found["in_2"].effects[0].key),
        (Verdict.RUN, found["in_2"].effects[0].key),
    ]


def test_what_was_handed_over_meanwhile_is_not_sent_again() -> None:
    found = works(replace(BOUNCED, escalated=True, next_step=None, next_at=None))["in_1"]
    assert (found.verdict, found.effects, found.reason) == (Verdict.REPEAT, (), "sent again, for it was handed over meanwhile")


def test_what_credit_covers_meanwhile_is_not_sent_again() -> None:
    case = case_of(BOUNCED, profile=REMINDED)
    net = net_of(case, covered(case, {"EUR": 200_00}))
    (found,) = decide(net, lambda _: FOLLOWS, AGAIN)
    assert (found.verdict, found.effects) == (Verdict.REPEAT, ())
    settled = work_off(Case(net.profile, net.invoices, net.covered), AGAIN, FOLLOWS)
    assert [activity.reason for activity in settled.activities] == ["not sent again: covered_by_credit"]
