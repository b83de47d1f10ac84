"""Changing a frozen record: as dataclasses.replace does it."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import pytest

from dunning.domain.case import Profile
from dunning.domain.evolving import replace
from dunning.domain.invoice import Invoice, Status

ON = datetime(2026, 3, 2, tzinfo=UTC)
SEEN = Invoice("in_1", "stripe", "stripe:cus_1", "R-1", Status.OPEN, "JPY", 900, 900, None, None, ON, tags=("a",))


def test_a_changed_record_is_what_the_standard_library_makes_of_it() -> None:
    assert replace(SEEN, level=2, tags=()) == dataclasses.replace(SEEN, level=2, tags=())
    assert replace(Profile("stripe:cus_1", retries=3)) == Profile("stripe:cus_1", retries=3)
    assert SEEN.level == 0


def test_a_field_that_a_record_does_not_have_is_refused() -> None:
    unchecked = cast("Callable[..., Invoice]", replace)
    with pytest.raises(TypeError, match="levle"):
        unchecked(SEEN, levle=2)


@dataclasses.dataclass(frozen=True, slots=True)
class _Checked:
    low: int
    high: int

    def __post_init__(self) -> None:
        assert self.low <= self.high


@dataclasses.dataclass(frozen=True)
class _WithoutSlots:
    low: int
    high: int


def test_a_record_that_checks_its_fields_is_refused_rather_than_left_unchecked() -> None:
    with pytest.raises(TypeError, match="_Checked has"):
        replace(_Checked(1, 2), low=3)


def test_a_record_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match="_WithoutSlots has no slots"):
        replace(_WithoutSlots(1, 2), low=3)
