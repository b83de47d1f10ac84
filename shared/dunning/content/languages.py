"""How amounts, dates and counts are written in a customer's language; `babel` is imported for those that are not English."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dunning.content import wording
from dunning.content.templates import DEFAULT_LOCALE


class Count(Protocol):
    """Writes a number and its noun."""

    def __call__(self, number: int, noun: str, plural: str | None = None, /) -> str:
        """Such as "7 days"."""
        ...


@dataclass(frozen=True, slots=True)
class Wording:
    """The ways of one locale; amounts are minor units and an ISO code. `short_date` is for where every letter counts."""

    locale: str
    money: Callable[[int, str], str]
    money_with_code: Callable[[int, str], str]
    long_date: Callable[[date], str]
    short_date: Callable[[date], str]
    count: Count


ENGLISH = Wording(DEFAULT_LOCALE, wording.money, wording.money_with_code, wording.long_date, wording.long_date, wording.count)


def wording_for(locale: str | None, language: str) -> Wording:
    """The ways of a customer's locale, if it is of the language that the text is in; else those of the language."""
    if language == DEFAULT_LOCALE:
        return ENGLISH
    wanted = (locale or "").replace("-", "_")
    return _local(wanted if wanted.lower().partition("_")[0] == language else language, language)


def _local(locale: str, language: str) -> Wording:
    from dunning.content.local_wording import LocalWording

    local = LocalWording.of(locale, language)
    return Wording(local.name, local.money, local.money_with_code, local.long_date, local.short_date, local.count)
