"""A thank-you that went out under a claim which died before it put the payment down is never sent again."""

from dataclasses import replace

import pytest

from dunning.domain.case import EffectState, Mark
from dunning.domain.decision import decide, to_ask_about
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Status
from dunning.domain.works import Verdict
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, PROFILE, case_of, claim

THANKED = replace(PROFILE, claim=claim(FIRST_AT, {"thanks:in_1": Mark(EffectState.DONE)}))
THANKFUL = replace(BRIEF, on_paid_email="thank_you")


def test_an_invoice_that_is_held_meanwhile_is_asked_about_all_the_same() -> None:
    held = replace(INVOICE, next_step="first", next_at=FIRST_AT, holds={HoldKind.DISPUTE: Hold(ISSUED)})
    assert to_ask_about(case_of(held), FIRST_AT) == ()
    assert to_ask_about(case_of(held, profile=THANKED), FIRST_AT) == (held,)


def test_it_is_put_down_before_the_hour_at_which_it_would_be_sent() -> None:
    paid = replace(INVOICE, status=Status.PAID, amount_due=0, thanks_at=FIRST_AT)
    before = FIRST_AT.replace(hour=3)
    assert decide(case_of(paid), lambda _: THANKFUL, before) == ()
    (work,) = decide(case_of(paid, profile=THANKED), lambda _: THANKFUL, before)
    assert (work.verdict, [effect.key for effect in work.effects]) == (Verdict.THANK, ["thanks:in_1"])


@pytest.mark.parametrize("has_gone_out", [True, False])
def test_one_that_bounced_meanwhile_is_put_down_as_it_went_out_and_none_goes_to_a_dead_address(has_gone_out: bool) -> None:
    paid, address = replace(INVOICE, status=Status.PAID, amount_due=0, thanks_at=FIRST_AT), PROFILE.contact.email
    bounced = replace(THANKED if has_gone_out else PROFILE, dead_addresses=(str(address),))
    assert bounced.reach.email is None
    (work,) = decide(case_of(paid, profile=bounced), lambda _: THANKFUL, FIRST_AT)
    assert work.verdict is Verdict.THANK
    assert [(effect.key, effect.to) for effect in work.effects] == ([("thanks:in_1", address)] if has_gone_out else [])
    assert work.reason == ("thank you for the payment" if has_gone_out else "nobody to thank")


def test_one_whose_address_is_known_no_more_is_put_down_as_it_went_out() -> None:
    paid = replace(INVOICE, status=Status.PAID, amount_due=0, thanks_at=FIRST_AT)
    (work,) = decide(case_of(paid, profile=replace(THANKED, contact=Contact())), lambda _: THANKFUL, FIRST_AT)
    assert (work.verdict, [effect.key for effect in work.effects]) == (Verdict.THANK, ["thanks:in_1"])
