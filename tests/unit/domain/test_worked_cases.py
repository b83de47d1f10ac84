"""The table of worked cases: every one is what the rules really do."""

import pytest

from tests.unit.domain.worked_cases.document import DOCUMENT, rendered
from tests.unit.domain.worked_cases.fees import reckoned
from tests.unit.domain.worked_cases.playing import play
from tests.unit.domain.worked_cases.reading import Case, FeeCase, topics

CASES = [case for topic in topics() for case in topic.cases]


def title(case: Case | FeeCase) -> str:
    return f"{case.topic}: {case.title}"


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case, Case)], ids=title)
def test_the_plan_goes_as_the_table_says(case: Case) -> None:
    played = play(case)
    assert list(played.sent) == list(case.expect), case.why
    if case.decided is not None:
        assert list(played.decided) == list(case.decided), case.why


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case, FeeCase)], ids=title)
def test_the_fee_is_what_was_reckoned_by_hand(case: FeeCase) -> None:
    assert reckoned(case) == case.expect, case.why


def test_there_are_enough_cases_each_with_a_name_of_its_own_and_a_reason() -> None:
    assert len(CASES) >= 90
    assert len({title(case) for case in CASES}) == len(CASES)
    assert all(len(case.why) >= 8 for case in CASES)


def test_the_document_is_what_the_tables_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == rendered(), "run python -m tests.unit.domain.worked_cases.document"
