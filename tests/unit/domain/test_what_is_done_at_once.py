"""How much is worked off under one claim, and what stays together there."""

from dataclasses import replace

from dunning.domain.case import EffectState, Mark, Notice, Profile
from dunning.domain.decision import MOST_AT_ONCE, decide
from dunning.domain.invoice import Invoice, Status
from dunning.domain.policy import Policy, Scope
from dunning.domain.works import Verdict, Work
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, PROFILE, case_of, claim

JOINT = replace(BRIEF, scope=Scope.CUSTOMER, on_paid_email="thank_you")


def owed(count: int) -> list[Invoice]:
    return [replace(INVOICE, id=f"in_{n:02}", next_step="first", next_at=FIRST_AT) for n in range(count)]


def paid(count: int) -> list[Invoice]:
    return [replace(INVOICE, id=f"paid_{n:02}", status=Status.PAID, amount_due=0, thanks_at=FIRST_AT) for n in range(count)]


def decided(*invoices: Invoice, profile: Profile = PROFILE, follows: Policy = JOINT) -> tuple[Work, ...]:
    return decide(case_of(*invoices, profile=profile), lambda _: follows, FIRST_AT)


def rows_of_mails(works: tuple[Work, ...]) -> set[int]:
    return {len(effect.invoices) for work in works if work.verdict is Verdict.RUN for effect in work.effects}


def test_thanks_and_notices_cost_a_joint_message_no_rows() -> None:
    profile = replace(PROFILE, notices={"reply:1": Notice("somebody answered", FIRST_AT)})
    works = decided(*owed(25), *paid(1), profile=profile)
    assert rows_of_mails(works) == {25}
    assert [work.verdict for work in works if work.verdict is not Verdict.RUN] == [Verdict.NOTIFY, Verdict.THANK]


def test_a_full_message_leaves_room_for_as_many_other_things_as_ever() -> None:
    works = decided(*owed(100), *paid(MOST_AT_ONCE + 5))
    assert rows_of_mails(works) == {100}
    assert sum(work.verdict is Verdict.THANK for work in works) == MOST_AT_ONCE


def test_what_has_gone_out_before_is_put_down_however_much_there_is() -> None:
    gone = {f"email:first:in_{n:02}": Mark(EffectState.DONE) for n in range(MOST_AT_ONCE + 5)}
    profile = replace(PROFILE, claim=claim(FIRST_AT, gone))
    settled = [replace(one, next_at=None) for one in owed(MOST_AT_ONCE + 5)]
    works = decided(*settled, profile=profile, follows=replace(BRIEF, scope=Scope.INVOICE))
    assert len(works) == MOST_AT_ONCE + 5
