"""What holds under every policy, for every customer, whatever happens: payments, changes and holds over virtual months."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dunning.domain.calendar import is_open, local_date, window_of
from dunning.domain.decision import decide
from dunning.domain.effects import Channel
from dunning.domain.fees import Amounts, Basis, Debt, FeeProposal, LateFee, late_fee
from dunning.domain.policy import BusinessDays, Days, PartialPaymentRule, Span
from dunning.domain.rehearsing import turn
from dunning.domain.timing import customer_zone
from dunning.domain.work_calendar import workdays_between
from tests.unit.domain.lives import LIVES, Life, Moment, lived

SOME = settings(max_examples=100)
"""Enough to notice a broken rule; a run of thousands is for who changes one."""


@SOME
@given(LIVES)
def test_no_message_leaves_outside_its_hours_or_on_a_day_of_rest(life: Life) -> None:
    """A step's mail and SMS go in the hours that both share; thanks in those of mail."""
    for moment in lived(life):
        for work in moment.turn.works if moment.turn else ():
            channels = [effect.channel.value for effect in work.effects if effect.channel not in (Channel.TEAM, Channel.FEE)]
            if not channels:
                continue
            zone = customer_zone(moment.case.profile.contact, life.policy)
            assert is_open(moment.at, window_of(channels, life.policy.send_window), zone)
            assert life.policy.calendar.is_workday(local_date(moment.at, zone))


@SOME
@given(LIVES)
def test_no_two_reminders_come_within_the_gap_and_never_more_than_the_limit(life: Life) -> None:
    reminded = [moment for moment in lived(life) if _reminds(moment)]
    for before, after in pairwise(dict.fromkeys(moment.at for moment in reminded)):
        assert _apart(life, life.policy.min_gap, before, after), (before, after)
    if life.policy.min_gap:
        assert all(_most_to_the_same(moment) == 1 for moment in reminded)
    limit = life.policy.max_messages
    sent = [moment.at for moment in reminded for _ in range(_messages(moment))]
    if limit:
        assert all(_apart(life, limit.per, before, after) for before, after in zip(sent, sent[limit.count :], strict=False))


@SOME
@given(LIVES)
def test_every_plan_ends_and_none_in_silence(life: Life) -> None:
    """At the end nothing is left to do, and of what is still owed a person knows, or the log says why nobody is reminded."""
    moments = lived(life)
    case = moments[-1].case
    assert case.profile.due_at is None
    for invoice in case.invoices.values():
        if not invoice.is_open or invoice.suppressed_for:
            continue
        assert invoice.next_step is None
        assert invoice.escalated or any(_tells_of(moment, invoice.id) for moment in moments), invoice.id


@SOME
@given(LIVES)
def test_deciding_twice_changes_nothing(life: Life) -> None:
    for moment in lived(life):
        if moment.turn is None:
            continue
        before = moment.turn.before
        again = turn(before, lambda _: life.policy, moment.at)
        assert (again.works, again.activities, again.case) == (moment.turn.works, moment.turn.activities, moment.case)
        due_at = moment.case.profile.due_at
        if due_at is None or due_at > moment.at:
            assert decide(moment.case, lambda _: life.policy, moment.at) == ()


@SOME
@given(LIVES)
def test_a_stage_never_goes_back_unless_the_policy_restarts(life: Life) -> None:
    if life.policy.on_partial_payment.rule is PartialPaymentRule.RESTART:
        life = replace(life, events=tuple(event for event in life.events if event.what != "part"))
    reached: dict[str, int] = {}
    for moment in lived(life):
        for invoice in moment.case.invoices.values():
            assert invoice.level >= reached.get(invoice.id, 0)
            reached[invoice.id] = invoice.level


@SOME
@given(LIVES)
def test_nobody_is_reminded_of_what_is_not_owed_or_twice_of_one_step(life: Life) -> None:
    sent: set[tuple[str, str, str]] = set()
    for moment in lived(life):
        for work in moment.turn.works if moment.turn else ():
            for effect in work.effects:
                if effect.kind != "reminder":
                    continue
                assert moment.turn is not None
                assert moment.turn.before.invoices[work.invoice].is_open
                assert not moment.case.profile.is_held
                key = (work.invoice, effect.channel.value, work.step or "")
                assert key not in sent or life.policy.on_partial_payment.rule is PartialPaymentRule.RESTART
                sent.add(key)


DAYS = st.integers(0, 60) | st.integers(0, 700)
OWED = st.integers(0, 10**9) | st.builds(lambda edge, off: edge + off, st.sampled_from((1_000_00, 10_000_00)), st.integers(-500, 500))
"""Also around the sums at which the law changes its mind."""
PERCENTAGES = st.integers(1, 3000).map(lambda hundredths: Decimal(hundredths) / 100)
AMOUNTS = st.integers(1, 50_000).map(lambda minor: Amounts({"EUR": minor, "GBP": minor, "JPY": minor}))
RATES = {date(2020 + half // 2, 1 if half % 2 == 0 else 7, 1): Decimal("2.15") + half for half in range(16)} | {
    date(2019, 12, 31): Decimal("0.75")
}


@st.composite
def terms(draw: st.DrawFn) -> LateFee:
    basis = draw(st.sampled_from(Basis))
    if basis is not Basis.CONTRACT:
        return LateFee(basis, cap=draw(st.none() | AMOUNTS), rates=RATES)
    maybe = st.none() | PERCENTAGES
    found = LateFee(
        basis, fixed=draw(st.none() | AMOUNTS), percent=draw(maybe), interest_per_year=draw(maybe), cap=draw(st.none() | AMOUNTS)
    )
    return replace(found, minimum=draw(st.none() | AMOUNTS))


@settings(max_examples=200)
@example(LateFee(Basis.STATUTORY_UK, rates=RATES), 999_99, 1, 1, 0, "GBP")
@example(LateFee(Basis.STATUTORY_UK, rates=RATES), 9_999_99, 1, 1, 0, "GBP")
@given(terms(), OWED, st.integers(0, 1000) | st.integers(0, 10**9), DAYS, DAYS, st.sampled_from(("EUR", "GBP", "JPY")))
def test_more_money_owed_or_owed_longer_never_means_a_smaller_fee(
    fee: LateFee, owed: int, more: int, days: int, longer: int, currency: str
) -> None:
    due = date(2024, 2, 20)
    debt = Debt(owed, currency, due, is_business=True)
    small = _charged(fee, debt, due + timedelta(days=days))
    assert _charged(fee, replace(debt, amount_due=owed + more), due + timedelta(days=days)) >= small
    assert _charged(fee, debt, due + timedelta(days=days + longer)) >= small


def _charged(fee: LateFee, debt: Debt, today: date) -> int:
    found = late_fee(fee, debt, today)
    return found.amount if isinstance(found, FeeProposal) else 0


def _reminds(moment: Moment) -> bool:
    return _messages(moment) > 0


def _messages(moment: Moment) -> int:
    """Reminders as the customer counts them: a mail and the SMS beside it are one."""
    works = moment.turn.works if moment.turn else ()
    sent = {(effect.channel, effect.key) for work in works for effect in work.effects if effect.kind == "reminder"}
    return max(Counter(channel for channel, _ in sent).values(), default=0)


def _most_to_the_same(moment: Moment) -> int:
    """Reminders of one instant to the same recipients: steps that write to other roles make a message of their own (DESIGN §7)."""
    works = moment.turn.works if moment.turn else ()
    sent = {
        effect.key: (effect.channel, effect.to, effect.more_to, effect.cc)
        for work in works
        for effect in work.effects
        if effect.kind == "reminder"
    }
    return max(Counter(sent.values()).values(), default=0)


def _tells_of(moment: Moment, invoice: str) -> bool:
    works = moment.turn.works if moment.turn else ()
    return any(effect.kind == "notice" and invoice in effect.invoices for work in works for effect in work.effects)


def _apart(life: Life, span: Span, before: datetime, after: datetime) -> bool:
    policy = life.policy
    zone = customer_zone(life.contact, policy)
    first, then = local_date(before, zone), local_date(after, zone)
    match span:
        case Days(count=count):
            return (then - first).days >= count
        case BusinessDays(count=count):
            return workdays_between(first, then, policy.calendar) >= count
        case timedelta():
            return after - before >= span
