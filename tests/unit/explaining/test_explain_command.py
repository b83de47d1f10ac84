"""`dunning explain` as a person reads it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dunning.domain.explaining import Explanation, Next, Obstacle
from dunning.domain.money import Money
from infra.cli import main
from infra.explaining import explanation_row, print_explanation

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
OWED = Money(1_200_00, "EUR")
AT = datetime(2026, 4, 7, 8, tzinfo=UTC)


def printed(explanation: Explanation, capsys: pytest.CaptureFixture[str]) -> str:
    assert print_explanation(explanation_row(explanation), as_json=False) == 0
    return capsys.readouterr().out


def test_local_time_and_utc_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    rest = Obstacle("Friday 3 April 2026 is no working day there (Good Friday)", AT)
    coming = Next("in_1", "INV-7", "Europe/London", "mail friendly", "7 days after the due date", "first", AT, None, (rest,), OWED)
    out = printed(Explanation("stripe:cus_1", NOW, (), (coming,)), capsys)
    assert out.splitlines() == [
        "stripe:cus_1, as of Thu 12 Mar 2026 12:00 UTC",
        "",
        "INV-7 (EUR 1,200.00): mail friendly (step first)",
        "  when            Tue 7 Apr 2026 09:00 Europe/London (Tue 7 Apr 2026 08:00 UTC)",
        "  why             7 days after the due date",
        "  why not sooner  Friday 3 April 2026 is no working day there (Good Friday); until Tue 7 Apr 2026 09:00 Europe/London",
    ]


def test_what_is_held_says_what_a_release_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    held = Next("in_1", "INV-7", "UTC", "mail friendly", "7 days after the due date", "first", None, AT, (), OWED)
    out = printed(Explanation("stripe:cus_1", NOW, (Obstacle("on hold"),), (held,)), capsys)
    assert "  on hold\n" in out
    assert "not while it waits for somebody; were that ended now, Tue 7 Apr 2026 08:00 UTC" in out


def test_invoices_of_which_the_same_is_to_be_said_stand_together_with_their_totals(capsys: pytest.CaptureFixture[str]) -> None:
    owed = [*[Money(100_00, "EUR")] * 120, Money(12_000, "JPY"), Money(12_345, "KWD")]
    rows = [
        Next(f"in_{number}", f"Ü-{number}", "UTC", "mail friendly", "7 days after the due date", "first", AT, None, (), amount)
        for number, amount in enumerate(owed)
    ]
    later = replace(rows[0], invoice="in_x", number="X-1", at=AT + timedelta(days=1))
    lines = printed(Explanation("stripe:cus_1", NOW, (), (*rows, later)), capsys).splitlines()
    first_five = ", ".join(f"Ü-{number} (EUR 100.00)" for number in range(5))
    assert [line for line in lines if line.endswith("(step first)")] == [
        f"{first_five} and 117 more, 122 invoices of EUR 12,000.00, JPY 12,000, KWD 12.345: mail friendly (step first)",
        "X-1 (EUR 100.00): mail friendly (step first)",
    ]


def test_nothing_owed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing is owed" in printed(Explanation("stripe:cus_1", NOW, (), ()), capsys)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://127.0.0.1:9", "no local cloud answers at"),
        ("http://example.com", "not a local cloud's"),
        ("ftp://x", "not a local cloud's"),
    ],
)
def test_a_place_where_nothing_answers_is_refused(url: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "stripe:cus_1", "--url", url]) == 2
    assert complaint in capsys.readouterr().err
