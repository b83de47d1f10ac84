"""Invoices from a CSV file: what people and Excel write is read, and all that is wrong is told at once, each with its place."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import infra.samples
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Status
from infra.importing import invoice_numbers
from infra.invoice_file import InvoiceFile, read_invoice_file, read_invoices

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = "customer_id,customer_name,invoice_number,currency,amount,amount_due,due_on"


def of(*rows: str, names: str = NAMES, decimal_comma: bool = False) -> InvoiceFile:
    return read_invoices("\n".join((names, *rows)).encode(), "book.csv", NOW, decimal_comma=decimal_comma)


def test_the_sample_file_is_read_with_every_currency_in_its_own_minor_units() -> None:
    rows = read_invoice_file(Path(infra.samples.__file__).parent / "invoices.csv", NOW).all_good()

    assert [(row.snapshot.currency, row.snapshot.total, row.snapshot.amount_due) for row in rows[1:6]] == [
        ("GBP", 48050, 18050),
        ("EUR", 91240, 91240),
        ("EUR", 230000, 230000),
        ("JPY", 128000, 128000),
        ("KWD", 415250, 415250),
    ]
    first = rows[0].snapshot
    assert (first.customer, first.invoice_id, first.due, first.stamp) == ("manual:harbour", "2026-0101", date(2026, 3, 4), NOW)
    assert (first.contact.phone, first.contact.timezone) == ("+447700900123", "Europe/London")
    assert rows[4].snapshot.contact.name == "さくら商店"


def test_what_excel_saves_in_germany_is_read_when_the_decimal_comma_is_asked_for() -> None:
    raw = "\ufeffsep=;\r\nCustomer ID;customer_name;invoice_number;currency;amount;due_on\r\nk1;Müller;R-1;eur;1234,50;2026-03-31\r\n"

    (row,) = read_invoices(raw.encode(), "book.csv", NOW, decimal_comma=True).all_good()
    assert (row.line, row.snapshot.total, row.snapshot.currency) == (3, 123450, "EUR")

    with pytest.raises(Rejected, match=r"line 3, amount: 1234,50 has a decimal comma; write 1234\.50, or give --decimal-comma"):
        read_invoices(raw.encode(), "book.csv", NOW).all_good()


def test_lines_that_end_as_on_an_old_mac_are_lines() -> None:
    raw = b"customer_id,customer_name,invoice_number,currency,amount,due_on\rk1,Ben,R-1,EUR,1.00,2026-03-31\rk2,Ann,R-2,EUR,x,2026-03-31\r"
    with pytest.raises(Rejected, match=r"line 3, amount: 'x' is no amount"):
        read_invoices(raw, "book.csv", NOW).all_good()
    (row,) = read_invoices(raw.rpartition(b"k2")[0], "book.csv", NOW).all_good()
    assert (row.line, row.snapshot.total) == (2, 100)


def test_empty_columns_at_the_end_as_spreadsheets_leave_them_are_no_columns() -> None:
    raw = b"customer_id,customer_name,invoice_number,currency,amount,due_on,,\nk1,Ben,R-1,EUR,1.00,2026-03-31,,\n,,,,,,,\n"
    (row,) = read_invoices(raw, "book.csv", NOW).all_good()
    assert (row.line, row.snapshot.total) == (2, 100)
    with pytest.raises(Rejected, match="line 4: 7 cells for 6 columns"):
        read_invoices(raw + b"k2,Ann,R-2,EUR,1.00,2026-03-31,note,\n", "book.csv", NOW).all_good()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_numbers_of_what_was_paid_are_read_whatever_parts_the_cells(delimiter: str, start: str) -> None:
    rows = (("customer", "Invoice Number", "sum"), ("Müller", " R-1 ", "1"), ("", "", ""), ("Anna", "R-2", "2"))
    raw = start + "\r\n".join(delimiter.join(row) for row in rows)
    assert invoice_numbers(raw.encode(), "paid.csv") == ["R-1", "R-2"]


def test_the_numbers_alone_in_one_column_and_behind_excels_own_line_are_read() -> None:
    assert invoice_numbers(b"invoice_number\nR-1\n\nR-2\n", "paid.csv") == ["R-1", "R-2"]
    assert invoice_numbers(b"sep=;\r\ncustomer;invoice_number\r\nAnna, Ben;R-1\r\n", "paid.csv") == ["R-1"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "paid.csv is empty"),
        (b"number\nR-1\n", "paid.csv, line 1: name one column invoice_number"),
        (b"invoice_number;invoice_number\nR-1;R-2\n", "paid.csv, line 1: name one column invoice_number"),
        (b"customer,invoice_number\nAnna,R-1\nDoe, Ben,R-2\n", "paid.csv, line 3: 3 cells for 2 columns"),
        (b"invoice_number\nR-1,R-2\n", "paid.csv, line 2: 2 cells for 1 columns"),
        (b"sep=;\ncustomer;invoice_number\nAnna;\n", "paid.csv, line 3, invoice_number: nothing is written here"),
        (b'invoice_number\n"R-1\n', "paid.csv, line 2: unexpected end of data; check the quotation marks"),
        ("invoice_number\nM\u00fc-1".encode("latin-1"), "paid.csv, line 2: this is not UTF-8"),
    ],
)
def test_a_file_of_payments_that_could_be_misread_is_refused_with_the_place(raw: bytes, told: str) -> None:
    with pytest.raises(Rejected) as refused:
        invoice_numbers(raw, "paid.csv")
    assert told in str(refused.value)


@pytest.mark.parametrize("due_on", ["9999-12-31", "9000-01-01", "1899-12-31", "0001-01-01"])
def test_a_date_that_no_real_invoice_bears_is_told_with_its_place_and_the_bounds(due_on: str) -> None:
    told = f"line 2, due_on: {due_on} is no date of a real invoice, which lies from 1900-01-01 to 8999-12-31; write the true one"
    with pytest.raises(Rejected, match=told):
        of(f"k1,Ann,R-1,EUR,5,,{due_on}").all_good()


@pytest.mark.parametrize(("written", "decimal_comma", "fils"), [("1,234", True, 1234), ("1234", False, 1234000), ("1.50", False, 1500)])
def test_an_amount_that_reads_one_way_only_is_read_from_a_file_parted_by_semicolons(written: str, decimal_comma: bool, fils: int) -> None:
    names = "customer_id;invoice_number;currency;amount;due_on"
    (row,) = of(f"a;R-1;KWD;{written};2026-03-31", names=names, decimal_comma=decimal_comma).all_good()
    assert row.snapshot.total == fils


def test_a_point_before_three_digits_is_refused_where_points_may_part_thousands() -> None:
    names = "customer_id;invoice_number;currency;amount;due_on"
    with pytest.raises(Rejected, match=r"line 2, amount: 1\.234 reads two ways in a file parted by semicolons"):
        of("a;R-1;KWD;1.234;2026-03-31", names=names).all_good()
    with pytest.raises(Rejected, match=r"line 2, amount: '1\.234' is no amount; write 1234,50"):
        of("a;R-1;KWD;1.234;2026-03-31", names=names, decimal_comma=True).all_good()
    (row,) = of("a,R-1,KWD,1.234,2026-03-31", names=names.replace(";", ",")).all_good()
    assert row.snapshot.total == 1234


def test_every_bad_row_is_told_at_once_and_the_good_ones_are_kept() -> None:
    book = of(
        "a,Anna,R-1,EUR,10.00,,2026-03-31",
        "b,,R-2,EURO,10.00,,2026-03-31",
        ",,R-3,JPY,10.5,,31.03.2026",
        "c,,R-1,KWD,1.2345,,2026-02-30",
        "d,,R-5,EUR,10.00,11.00,2026-03-31",
        "e,,R-6,EUR,-10.00,,2026-03-31",
        'f,,R-7,EUR,"1,234.50",,2026-03-31',
        "g,,R-8,EUR,10.00,,2026-03-31,extra",
        "a,Another name,R-9,EUR,1,,2026-03-31",
    )

    assert [row.snapshot.invoice_id for row in book.rows] == ["R-1"]
    assert [(problem.line, problem.column) for problem in book.problems] == [
        (3, "currency"),
        (4, "customer_id"),
        (4, "due_on"),
        (4, "amount"),
        (5, "due_on"),
        (5, "amount"),
        (5, "invoice_number"),
        (6, "amount_due"),
        (7, "amount"),
        (8, "amount"),
        (9, None),
        (10, "customer_name"),
    ]
    with pytest.raises(Rejected) as told:
        book.all_good()
    assert "book.csv has 12 problems; nothing was changed:" in str(told.value)
    assert "line 5, amount: 1.2345 has more decimals than KWD has (3); round it" in str(told.value)
    assert "line 4, due_on: '31.03.2026' is no date; write year-month-day, as 2026-03-31" in str(told.value)


def test_what_one_row_leaves_out_of_a_customer_is_taken_from_its_other_rows() -> None:
    names = "customer_id,email,phone,country,invoice_number,currency,amount,due_on"
    book = of("a,,,,R-1,EUR,1,2026-03-31", "a,anna@example.com,07700 900123,GB,R-2,EUR,1,2026-03-31", names=names)

    contacts = {row.snapshot.contact for row in book.all_good()}
    assert {(contact.email, contact.phone) for contact in contacts} == {("anna@example.com", "+447700900123")}


def test_an_invoice_of_which_nothing_is_owed_any_more_is_paid() -> None:
    assert of("a,,R-1,EUR,10.00,0,2026-03-31").all_good()[0].snapshot.status is Status.PAID


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is empty: its first line names the columns"),
        (b"customer_id,invoice_number,currency,amount,due_on\n", "holds no invoice"),
        (b"customer_id,invoice_no,currency,amount,due_on\n", "no column 'invoice_no' is known; did you mean \"invoice_number\"?"),
        (b"customer_id,currency,amount\n", "line 1: no column invoice_number, due_on; add it"),
        (b"customer_id,customer_id\n", "the column customer_id is there twice"),
        ("customer_id\nM\u00fcller".encode("latin-1"), "line 2: this is not UTF-8"),
        (b'customer_id,invoice_number,currency,amount,due_on\na,"R-1"x,EUR,1,2026-03-31\n', "check the quotation marks"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_remedy(raw: bytes, told: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_invoices(raw, "book.csv", NOW).all_good()
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("email", "anna at example.com"),
        ("phone", "12"),
        ("country", "Atlantis"),
        ("language", "English!"),
        ("timezone", "Europe/Atlantis"),
        ("payment_url", "javascript:alert(1)"),
        ("customer_id", "a:b"),
        ("invoice_number", "R*1"),
        ("issued_on", "2026-04-01"),
    ],
)
def test_a_cell_that_cannot_be_is_told_with_its_column(column: str, cell: str) -> None:
    row = {"customer_id": "a", "invoice_number": "R-1", "currency": "EUR", "amount": "1", "due_on": "2026-03-31"} | {column: cell}
    (problem,) = of(",".join(row.values()), names=",".join(row)).problems
    assert problem.column == ("due_on" if column == "issued_on" else column)
