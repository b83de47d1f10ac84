"""A customer with more invoices than one message holds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.channels.envelopes import ses_tags
from dunning.content.policy_book import PolicyBook
from dunning.content.rendering import TemplateRenderer
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE, within_one_message
from dunning.domain.effects import Channel, Effect, joint_key
from dunning.domain.invoice import Approval, ApprovalState
from dunning.domain.policy import Days, Scope
from dunning.workflow.message_rows import content_of
from dunning.workflow.ports import Envelope
from tests.contract.storage.cases import invoice
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST

DAY = timedelta(days=1)
SNS_TAKES = 1600


@pytest.fixture
def world() -> FakeDeployment:
    """130 invoices of 100 euros, and a day between messages."""
    policy = replace(standard_policies().default, scope=Scope.CUSTOMER, min_gap=Days(1))
    world = FakeDeployment(PolicyBook.of({"standard": policy}))
    world.invoiced(*(snapshot(f"in_{number:03}") for number in range(130)))
    return world


def reminder(channel: Channel, names: list[str]) -> Effect:
    rows = [("first", name) for name in names]
    return Effect(joint_key(channel, rows), channel, "reminder", "friendly", "first", tuple(names), "ap@acme.example")


def test_a_hundred_are_in_the_first_message_and_the_others_in_that_of_the_next_day(world: FakeDeployment) -> None:
    world.run_until(FIRST + DAY + timedelta(hours=1))
    assert [(mail.envelope.step, len(mail.envelope.invoices)) for mail in world.email.sent] == [("first", 100), ("first", 30)]
    assert len({name for mail in world.email.sent for name in mail.envelope.invoices}) == 130


@pytest.mark.parametrize(
    ("pattern", "first_message"),
    [
        ("in_1PQ8kzJ2eZvKYlo2C0x{:04}", 100),
        ("3fa85f64-5717-4562-b3fc-2c963f66{:04}", 100),
        ("Project Alpha / Building 7 / lot {:04} / phase 2", 78),
        ("請求書番号 2026年03月-{:05} 号", 96),
        ("x" * 196 + "{:04}", 18),
    ],
)
def test_so_many_are_in_one_mail_that_ses_can_carry_what_names_them_and_it_says_how_many_follow(pattern: str, first_message: int) -> None:
    policy, customer = replace(standard_policies().default, scope=Scope.CUSTOMER, min_gap=Days(1)), "manual:" + "客" * 200
    world = FakeDeployment(PolicyBook.of({"standard": policy}))
    world.invoiced(*(snapshot(pattern.format(number), customer=customer) for number in range(130)))
    world.run_until(FIRST - timedelta(minutes=1))
    case = world.case(customer)
    world.run_until(FIRST + timedelta(minutes=1))
    [mail] = world.email.sent
    assert len(mail.envelope.invoices) == first_message
    assert len(ses_tags(mail.envelope)) <= 50
    content = content_of(reminder(Channel.EMAIL, list(mail.envelope.invoices)), case, world.policies, FIRST)
    assert content.further == 130 - first_message


def test_whatever_the_ids_and_steps_what_names_one_mail_fits_into_fifty_tags() -> None:
    customer, most = "manual:" + "😀" * 200, 0
    for length in range(1, 201, 3):
        for letter, steps in (("x", ["first"]), ("é", ["s" * 64]), ("😀", ["first", "s" * 64])):
            owed = [replace(invoice(f"{number:03}" + letter * length), next_step=steps[number % len(steps)]) for number in range(120)]
            named = [(one.next_step or "", one.id) for one in within_one_message(owed)]
            effect = joint_key(Channel.EMAIL, named)
            envelope = Envelope("reminder", customer, tuple(name for _, name in named), "s" * 64, "c" * 26, effect)
            most = max(most, len(ses_tags(envelope)))
    assert 48 <= most <= 50


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "Open invoices not listed here: 30. They follow in another message; the total is of those listed."),
        ("de", "Offene Rechnungen, die hier nicht aufgeführt sind: 30."),
        ("fr", "Factures ouvertes qui ne figurent pas ici : 30."),
        ("es", "Facturas pendientes que no figuran aquí: 30."),
    ],
)
def test_a_mail_that_is_full_says_how_many_follow(world: FakeDeployment, locale: str, said: str) -> None:
    case, names = world.case(ACME), sorted(world.case(ACME).invoices)
    content = replace(content_of(reminder(Channel.EMAIL, names[:MOST_IN_ONE_MESSAGE]), case, world.policies, FIRST), locale=locale)
    mail = TemplateRenderer("Acme", "ar@example.com").email("friendly", content)
    assert said in mail.text
    assert said in mail.html


@pytest.mark.parametrize(("count", "early"), [(99, False), (100, True)])
def test_one_that_is_not_full_or_before_the_others_are_due_says_nothing_of_others(world: FakeDeployment, count: int, early: bool) -> None:
    case, names = world.case(ACME), sorted(world.case(ACME).invoices)
    now = FIRST - DAY if early else FIRST
    content = content_of(reminder(Channel.EMAIL, names[:count]), case, world.policies, now)
    assert content.further == 0
    assert "not listed" not in TemplateRenderer("Acme", "ar@example.com").email("friendly", content).text


def test_what_waited_for_a_person_and_need_not_any_more_is_said_to_follow(world: FakeDeployment) -> None:
    case, names = world.case(ACME), sorted(world.case(ACME).invoices)
    for name in names:
        case = case.with_invoice(replace(case.invoices[name], approval=Approval("first", ApprovalState.ASKED, 100_00, together=True)))
    assert content_of(reminder(Channel.EMAIL, names[:100]), case, world.policies, FIRST).further == 30


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("template", ["friendly", "second_notice", "upcoming"])
def test_a_text_about_many_tells_the_totals_so_that_sns_takes_it(world: FakeDeployment, locale: str, template: str) -> None:
    case, names = world.case(ACME), sorted(world.case(ACME).invoices)
    texts = {}
    for count in (4, 100):
        content = replace(content_of(reminder(Channel.SMS, names[:count]), case, world.policies, FIRST), locale=locale)
        texts[count] = TemplateRenderer("Acme", "ar@example.com").sms(template, content)
    assert all(f"NO-{name}" in texts[4] for name in names[:4])
    assert len(texts[100]) < SNS_TAKES
    assert "10" in texts[100].replace(".", "").replace(",", "")
    assert "NO-" not in texts[100]
