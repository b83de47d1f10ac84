"""Whether a step goes out once more when its mail bounced, and what is said of it."""

from dataclasses import replace

from dunning.domain.bouncing import SentAgain, sent_again
from dunning.domain.case import Profile
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.decision import decide
from dunning.domain.invoice import Invoice, Repeat
from dunning.domain.policy import Policy, Step
from dunning.domain.settlement import Done
from tests.unit.domain.builders import ACME, INVOICE, PROFILE, after_due, after_previous, case_of, policy, settlement, utc

SENT, NOW = utc("2026-03-19 09:00"), utc("2026-03-19 10:00")
OWN, OTHER, THIRD = "ap@acme.example", "billing@acme.example", "books@acme.example"
PEOPLE = CustomerSettings(people=(Person("billing", OTHER), Person("billing", THIRD)))
DEAD = replace(PROFILE, contact=replace(ACME, phone=None, settings=PEOPLE), dead_addresses=(OWN,))
FIRST, SECOND = after_due("first", 7), after_previous("second", 48)
ESCALATE = Step("escalate", SECOND.at, escalate="collections")
MAILS = policy(FIRST, SECOND, ESCALATE)
AFTER_FIRST = replace(INVOICE, level=1, last_step="first", anchor_at=SENT, last_reminder_at=SENT, reminders_sent=1)
AFTER_SECOND = replace(AFTER_FIRST, level=2, last_step="second", reminders_sent=2)


def bounced(invoice: Invoice, effect: str, *addresses: str, profile: Profile = DEAD, follows: Policy = MAILS) -> tuple[Repeat | None, str]:
    again: SentAgain = sent_again(case_of(invoice, profile=profile), effect, addresses or (OWN,), lambda _: follows, NOW)
    return again.case.invoices["in_1"].repeat, again.outcome


def test_the_step_goes_out_once_more() -> None:
    assert bounced(AFTER_FIRST, "email:first:in_1") == (Repeat("first", NOW), "it is sent again another way")


def test_what_is_sent_again_is_not_sent_a_third_time_though_its_mail_bounces_too() -> None:
    once = replace(AFTER_FIRST, repeat=None)
    assert bounced(once, "email:first~:in_1") == (None, "a step is sent again only once")


def test_a_later_step_that_bounced_before_it_was_put_down_is_not_given_up_for_an_earlier_one() -> None:
    again = Repeat("second", NOW)
    assert bounced(replace(AFTER_FIRST, repeat=again), "email:first:in_1") == (again, "a later step takes its place")


def test_a_later_step_takes_the_place_of_one_that_waits_to_be_sent_again_and_says_so() -> None:
    waits = replace(AFTER_SECOND, repeat=Repeat("first", NOW))
    assert bounced(waits, "email:second:in_1") == (Repeat("second", NOW), "it is sent again another way, in place of first")


def test_one_that_was_sent_again_before_is_in_nobodys_place() -> None:
    done = replace(AFTER_SECOND, repeat=Repeat("first", None))
    assert bounced(done, "email:second:in_1") == (Repeat("second", NOW), "it is sent again another way")


def test_a_later_step_by_which_the_customer_heard_nothing_takes_no_place() -> None:
    skipped = replace(AFTER_SECOND, anchor_at=NOW)
    assert bounced(skipped, "email:first:in_1") == (Repeat("first", NOW), "it is sent again another way")


def test_of_two_who_get_a_step_both_must_bounce_and_then_the_customers_own_address_stands_in() -> None:
    to_both = policy(replace(FIRST, email_to=("billing",)))
    alive = replace(DEAD, dead_addresses=(OTHER,))
    assert bounced(AFTER_FIRST, "email:first:in_1", OTHER, profile=alive, follows=to_both) == (None, "other addresses got it")
    neither = replace(DEAD, dead_addresses=(OTHER, THIRD))
    again = (Repeat("first", NOW), "it is sent again another way")
    assert bounced(AFTER_FIRST, "email:first:in_1", THIRD, profile=neither, follows=to_both) == again


def test_of_a_mail_about_several_each_outcome_is_said_with_its_number() -> None:
    both = case_of(
        AFTER_FIRST, replace(AFTER_SECOND, id="in_2"), replace(AFTER_FIRST, id="in_3", repeat=Repeat("first", None)), profile=DEAD
    )
    again = sent_again(both, "email:first*3:in_1,in_2,in_3", (OWN,), lambda _: MAILS, NOW)
    assert again.invoices == ("in_1",)
    assert again.outcome == (
        "of 1 of 3 invoices: it is sent again another way; of 1 of 3 invoices: a later step takes its place; "
        "of 1 of 3 invoices: a step is sent again only once"
    )


def test_a_later_step_that_bounces_while_an_earlier_one_is_sent_again_is_not_put_down_with_it() -> None:
    waits = case_of(replace(AFTER_FIRST, repeat=Repeat("first", SENT)), profile=DEAD)
    done = [Done(work, {}) for work in decide(waits, lambda _: MAILS, NOW)]
    meanwhile = case_of(replace(AFTER_FIRST, repeat=Repeat("second", NOW)), profile=DEAD)
    after = settlement(NOW, MAILS).apply(meanwhile, done).case
    assert [one.work.step for one in done] == ["first"]
    assert after.invoices["in_1"].repeat == Repeat("second", NOW)
