import pytest

from dunning.domain.charging import NO_LATE_FEE
from dunning.domain.money import Money
from infra.demo import words
from infra.samples.book import Sample
from tests.unit.demo import invented
from tests.unit.demo.invented import DISPUTED, EARLY, PART, UNHEARD, VOIDED, entry, ledger


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(486_000, "GBP", "GBP 4,860.00"), (385_000, "JPY", "JPY 385,000"), (1_275_500, "KWD", "KWD 1,275.500"), (5, "USD", "USD 0.05")],
)
def test_money_has_the_decimals_of_its_currency(minor: int, currency: str, text: str) -> None:
    assert words.money(Money(minor, currency)) == text


@pytest.mark.parametrize(
    ("sample", "ending"),
    [
        (EARLY, "Paid without a reminder"),
        (PART, "With collections"),
        (VOIDED, "Voided"),
        (DISPUTED, "Paid after reminder 1"),
        (UNHEARD, "Paid without a reminder"),
    ],
)
def test_an_ending_is_said_in_a_few_words(sample: Sample, ending: str) -> None:
    assert words.ending(entry(sample)) == ending


def test_a_reminder_says_by_which_ways_it_went() -> None:
    part = entry(PART)
    assert [words.decision(activity, part.messages) for activity in part.activities] == [
        "Reminder sent by mail",
        "Reminder sent by mail and SMS",
        "Partly paid",
        "Handed to collections",
    ]


def test_every_fact_of_every_invoice_has_words() -> None:
    assert all(words.happening(fact, each) for each in ledger().entries for fact in each.facts)


def test_what_the_last_check_found_is_told_as_a_reminder_that_was_not_sent() -> None:
    (found,) = entry(UNHEARD).activities
    assert words.decision(found) == "Reminder not sent"
    assert words.because(found) == "the last check before sending asked Stripe: paid in full"


def test_an_invoice_that_is_only_watched_says_why() -> None:
    told = invented.case(EARLY, "open", 1, None, [invented.activity(EARLY, 1, "suppressed", "no_due_date")])
    (watched,) = ledger((), {EARLY.number: (EARLY, told)}).entries[0].activities
    assert words.decision(watched) == "Only watched, not reminded"
    assert words.because(watched) == "it has no due date"


def test_a_fee_that_the_rules_refuse_is_no_message_that_was_not_sent() -> None:
    told = invented.case(EARLY, "open", 1, None, [invented.activity(EARLY, 1, "suppressed", f"{NO_LATE_FEE}the amount is disputed")])
    (refused,) = ledger((), {EARLY.number: (EARLY, told)}).entries[0].activities
    assert (words.decision(refused), words.because(refused)) == ("No late fee", "the amount is disputed")
