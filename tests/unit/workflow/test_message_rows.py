"""What a text message may say of a mail: "please see our mail" only where the same step sends this customer one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.case import Case, Profile
from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.effects import Channel, Effect, joint_key
from dunning.domain.policy import Policy, Step
from dunning.workflow.message_rows import content_of
from tests.unit.domain.builders import ACME, BRIEF, FIRST, FIRST_AT, INVOICE, PROFILE, SECOND, case_of

BY_TEXT_ALONE = Step("second", SECOND.at, sms="second_notice")
NO_MAIL = replace(PROFILE, contact=replace(ACME, email=None))
UNSUBSCRIBED = replace(PROFILE, opted_out={"email": FIRST_AT})
BOUNCED = replace(PROFILE, dead_addresses=("ap@acme.example",))
PREFERS_TEXTS = replace(PROFILE, contact=replace(ACME, settings=CustomerSettings(prefers="sms")))


def text_about(case: Case, *rows: tuple[str, str]) -> Effect:
    """One text message about (step, invoice), the highest stage first."""
    about = tuple(invoice for _, invoice in rows)
    assert about == tuple(case.invoices)
    return Effect(joint_key(Channel.SMS, rows), Channel.SMS, "reminder", "second_notice", rows[0][0], about, "+431234567")


def points_to_a_mail(case: Case, policy: Policy, *rows: tuple[str, str]) -> bool:
    book = PolicyBook.of({policy.name: policy})
    return content_of(text_about(case, *rows), case, book, FIRST_AT + timedelta(days=2)).also_by_mail


@pytest.mark.parametrize(
    ("profile", "step", "points"),
    [
        (PROFILE, SECOND, True),
        (PROFILE, BY_TEXT_ALONE, False),
        (NO_MAIL, SECOND, False),
        (UNSUBSCRIBED, SECOND, False),
        (BOUNCED, SECOND, False),
        (PREFERS_TEXTS, SECOND, False),
    ],
    ids=["mail and text", "text alone", "no address", "unsubscribed", "bounced", "prefers texts"],
)
def test_a_text_points_to_a_mail_only_where_its_step_sends_this_customer_one(profile: Profile, step: Step, points: bool) -> None:
    case = case_of(INVOICE, profile=profile)
    assert points_to_a_mail(case, replace(BRIEF, steps=(FIRST, step)), ("second", "in_1")) is points


def test_a_lower_stage_in_the_same_text_does_not_speak_for_the_text_s_own_step() -> None:
    """The first step writes by mail, but went out days ago: the text is of the second, which has no mail."""
    first = replace(FIRST, sms="friendly")
    case = case_of(INVOICE, replace(INVOICE, id="in_2"))
    rows = (("second", "in_1"), ("first", "in_2"))
    assert not points_to_a_mail(case, replace(BRIEF, steps=(first, BY_TEXT_ALONE)), *rows)
    assert points_to_a_mail(case, replace(BRIEF, steps=(first, SECOND)), *rows)
