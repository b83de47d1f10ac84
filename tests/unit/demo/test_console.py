from io import StringIO
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from infra.demo.console import WIDTH, progress, show
from tests.unit.demo.invented import START, ledger


def printed(width: int = WIDTH) -> str:
    target = StringIO()
    show(Console(file=target, width=width, color_system=None), ledger(), "Larkfield Supply", Path("build/demo/index.html"))
    return target.getvalue()


def test_the_table_fits_a_hundred_columns() -> None:
    assert max(cell_len(line) for line in printed().splitlines()) <= 100


def test_every_message_and_reason_is_in_the_table() -> None:
    text = " ".join(printed().split())
    assert text.count("Reminder sent by mail") == 4
    assert text.count("7 days overdue") == 3
    assert text.count("Paid in full") == 2


def test_each_currency_has_a_row_of_its_own_and_no_total_is_made() -> None:
    rows = [line.split() for line in printed().split("The money")[1].splitlines()]
    assert [row[0] for row in rows if row and row[0] in {"EUR", "GBP", "JPY", "KWD", "USD"}] == ["EUR", "GBP", "USD"]
    assert ["USD", "19,840.00", "940.00", "9,000.00", "9,900.00", "9,900.00"] in rows


def test_where_there_is_no_terminal_nothing_moves_and_nothing_is_coloured() -> None:
    target = StringIO()
    with progress(Console(file=target), START, 60) as watch:
        watch(START, ())
    assert target.getvalue().strip() == ""
    assert "\x1b" not in printed()


def test_the_last_line_says_where_the_report_is() -> None:
    assert printed().splitlines()[-1].endswith("build/demo/index.html")
