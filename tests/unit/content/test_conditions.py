"""Conditions: what they may say, and that nothing else gets in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.content.conditions import EXAMPLE, FACTS, Expression, Purpose
from dunning.domain.errors import Permanent, Rejected

DOCUMENTED = (
    "amount_due, currency, days_overdue, level, reminders_sent, replied, opened, promise_broken, country, tags, source, is_business"
)


def test_the_facts_are_the_documented_ones() -> None:
    assert set(DOCUMENTED.split(", ")) == FACTS


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("not replied", True),
        ("true", True),
        ("replied or opened", False),
        ("amount_due >= 100", True),
        ("amount_due > 99.99 and amount_due < 100.01", True),
        ("10 < days_overdue <= 20", False),
        ("currency == 'USD'", True),
        ("country in ['GB', 'IE']", False),
        ("'vip' in tags", True),
        ("tags | length > 1", False),
        ("source is eq 'stripe'", True),
        ("country | lower == 'us'", True),
        ("(level + 1) / 2 == 1", True),
        ("reminders_sent is divisibleby 2", False),
        ("opened if replied else is_business", True),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    condition = Expression(text)
    condition.check()
    assert condition(EXAMPLE) is holds


def test_amounts_are_compared_exactly_in_major_units() -> None:
    for text in ("amount_due == 120.10", "amount_due <= 120.1", "not amount_due > 120.10", "amount_due in [1.5, 120.1]"):
        assert Expression(text)({**EXAMPLE, "amount_due": Decimal("120.10")})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("reply", 'there is no "reply"; did you mean "replied"? (known: amount_due'),
        ("amount_due >", "is not a condition"),
        ("not replied replied", "should end before 'replied': is an operator missing?"),
        ("level = 2", "should end before '=': is an operator missing?"),
        ("", "is not a condition"),
        ("{{ replied }}", "is not a condition"),
        ("amount_due > 'lots'", "cannot be evaluated"),
        ("amount_due > 1 / 0", "cannot be evaluated"),
        ("9 ** 9 ** 9 ** 9", '"pow" may not be used'),
        ("'x' * 1000000000", '"mul" may not be used'),
        ("'%0999999999d' % level", '"mod" may not be used'),
        ("'' ~ level", '"concat" may not be used'),
        ("range(10)", '"call" may not be used'),
        ("fraction_0 < 1.5", 'there is no "fraction_0"'),
        ("source.upper()", '"call" may not be used'),
        ("source.__class__", '"getattr" may not be used'),
        ("tags[0]", '"getitem" may not be used'),
        ("'%0999999999d' | format(1)", 'the filter "format" may not be used'),
        ("source | map('upper')", 'the filter "map" may not be used'),
        ("level is bigger", "No test named 'bigger'"),
        ("(" * 240 + "1" + ")" * 240, "too deeply nested"),
        ("replied or " * 60 + "replied", "a condition may have 500"),
    ],
)
def test_a_bad_condition_is_refused_with_a_remedy(text: str, problem: str) -> None:
    with pytest.raises(Rejected) as rejected:
        Expression(text).check()
    assert problem in str(rejected.value)


def test_a_condition_that_was_never_checked_fails_loudly_when_it_is_used() -> None:
    with pytest.raises(Permanent, match="mend the policy"):
        Expression("nonsense")(EXAMPLE)
    with pytest.raises(Permanent, match="mend the policy"):
        Expression("replied")({})


def is_understood_or_rejected(text: str) -> bool:
    try:
        Expression(text).check()
    except Rejected as rejected:
        return str(rejected) != ""
    return Expression(text)(EXAMPLE) in (True, False)


PIECES = st.sampled_from([*sorted(FACTS), "and", "not", "(", ")", "|", "<", "'", "1", "1.5", "is", "in", "[", "]", "+", "/"])


@given(st.text(max_size=60) | st.lists(PIECES, max_size=12).map(" ".join))
def test_any_text_is_a_condition_or_is_rejected(text: str) -> None:
    assert is_understood_or_rejected(text)


@pytest.mark.parametrize("purpose", [Purpose.STEP, Purpose.ASSIGNMENT])
def test_a_condition_that_only_fails_for_customers_without_tags_is_refused_too(purpose: Purpose) -> None:
    Expression("'vip' in tags", purpose).check()
    with pytest.raises(Rejected, match="cannot be evaluated"):
        Expression("(tags | first) == 'vip'", purpose).check()


@pytest.mark.parametrize(
    "text",
    [
        "amount_due + 1",
        "tags",
        "country",
        "1",
        "level",
        "replied or level",
        "not replied and tags",
        "replied if opened",
        "'a' if opened else 'b'",
    ],
)
def test_what_is_not_answered_by_yes_or_no_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="is not answered by yes or no: compare it, as amount_due > 100 or 'vip' in tags"):
        Expression(text).check()


@pytest.mark.parametrize("text", ["subscription", "one_off and not subscription", "is_business | default(false)", "true"])
def test_facts_that_are_yes_or_no_are_questions_by_themselves(text: str) -> None:
    Expression(text, Purpose.ASSIGNMENT).check()
