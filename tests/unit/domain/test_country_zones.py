"""The zone of a customer of whom only the country is known."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from dunning.domain.country_zones import ZONE_OF_COUNTRY, zone_of_contact
from dunning.domain.invoice import Contact


@pytest.mark.parametrize(
    ("contact", "zone"),
    [
        (Contact(country="JP"), "Asia/Tokyo"),
        (Contact(country="jp"), "Asia/Tokyo"),
        (Contact(country="DE"), "Europe/Berlin"),
        (Contact(country="JP", timezone="Europe/Paris"), "Europe/Paris"),
        (Contact(country="JP", timezone="Middle/Earth"), "Asia/Tokyo"),
        (Contact(country="US"), "Europe/London"),
        (Contact(country="ES"), "Europe/London"),  # the Canary Islands are an hour behind
        (Contact(country="XX"), "Europe/London"),
        (Contact(), "Europe/London"),
    ],
)
def test_the_customers_own_zone_comes_before_the_countrys_and_that_before_the_policys(contact: Contact, zone: str) -> None:
    assert zone_of_contact(contact, "Europe/London").key == zone


def test_the_table_is_what_the_database_says() -> None:
    by_country: dict[str, list[str]] = defaultdict(list)
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            by_country[country].append(zone)
    assert {
        country: zones[0] for country, zones in by_country.items() if len({tuple(_clock(zone)) for zone in zones}) == 1
    } == ZONE_OF_COUNTRY


def _clock(zone: str) -> list[timedelta | None]:
    """What a clock there shows, day by day, over ten years."""
    start, there = datetime(2026, 1, 1, 12, tzinfo=UTC), ZoneInfo(zone)
    return [(start + timedelta(days=day)).astimezone(there).utcoffset() for day in range(3660)]
