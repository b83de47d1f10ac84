"""What a forecast costs grows with the invoices, and no faster: counted in decisions, not in seconds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from dunning.content.policy_book import PolicyBook
from dunning.domain.policy import Policy
from infra.forecast.benchmark import DAYS, START, book, invoices
from infra.forecast.spreading import run


@dataclass(frozen=True, slots=True)
class CountingBook(PolicyBook):
    """Counts how often a rule asks for an invoice's policy: every rule that looks at an invoice does."""

    asked: Counter[str] = field(default_factory=Counter)

    def named(self, name: str | None) -> Policy:
        self.asked["policy"] += 1
        return PolicyBook.named(self, name)


def counts(number: int) -> Mapping[str, int]:
    plain = book()
    counting = CountingBook(plain.by_name, plain.default)
    forecast = run(invoices(number), counting, START, START + timedelta(days=DAYS), processes=1)
    return {"decisions": forecast.turns, "messages": len(forecast.messages), "looks": counting.asked["policy"]}


def test_ten_times_the_invoices_cost_ten_times_as_much() -> None:
    few, many = counts(100), counts(1000)
    for what, count in few.items():
        assert 7 < many[what] / count < 13, what
    assert many["decisions"] / 1000 < 5


class _Asked:
    """Stands for the package of holidays, and counts."""

    def __init__(self) -> None:
        self.days: list[date] = []

    def is_working_day(self, day: date) -> bool:
        self.days.append(day)
        return day.weekday() < 5


def test_a_calendar_is_computed_once_for_a_day_however_often_it_is_asked() -> None:
    calendar, package = book().default.calendar, _Asked()
    vars(calendar)["_holidays"] = package
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(30)]
    assert [calendar.is_workday(day) for day in days] == [calendar.is_workday(day) for day in days]
    assert package.days == days
