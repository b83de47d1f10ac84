"""How amounts, dates and counts are written in a customer's language; `babel` is imported for all but plain English."""

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
    """The ways of a customer's locale, if it is of the language that the text is in; else those of the language.

    English of no country, or of one that nobody knows, has the ways of `content.wording`.
    """
    wanted = (locale or "").replace("-", "_")
    spoken, _, country = wanted.lower().partition("_")
    if language != DEFAULT_LOCALE:
        return _local(wanted if spoken == language else language, language) or ENGLISH
    return (_local(wanted, None) if spoken == language and country else None) or ENGLISH


def _local(locale: str, language: str | None) -> Wording | None:
    from dunning.content.local_wording import LocalWording

    local = LocalWording.of(locale, language)
    if local is None:
        return None
    return Wording(local.name, local.money, local.money_with_code, local.long_date, local.short_date, local.count)
