"""The forecast's invoices, as CSV and as JSON: the same columns, and all that is wrong told at once."""

import json
from pathlib import Path

import pytest

from dunning.domain.errors import Rejected
from infra.forecast.invoice_book import pays_at, read_book
from tests.unit.forecast.books import START, csv_of

ROW = {"customer_id": "acme", "invoice_number": "R-1", "currency": "EUR", "amount": "100.00", "due_on": "2026-03-10"}


def json_of(folder: Path, document: object) -> Path:
    path = folder / "invoices.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Rejected) as refused:
        read_book(path, START)
    return str(refused.value)


def test_json_reads_as_csv_does(tmp_path: Path) -> None:
    named = csv_of(tmp_path, ",".join([*ROW.values(), "2026-04-01"]), names=",".join([*ROW, "pays_on"]))
    (from_json,), (from_csv,) = read_book(json_of(tmp_path, [{**ROW, "pays_on": "2026-04-01"}]), START), read_book(named, START)
    assert (from_json.snapshot, from_json.also) == (from_csv.snapshot, from_csv.also)


@pytest.mark.parametrize("amount", ["100.10", 100, "100"])
def test_json_amounts_may_be_texts_or_numbers(amount: object, tmp_path: Path) -> None:
    (row,) = read_book(json_of(tmp_path, [{**ROW, "amount": amount}]), START)
    assert row.snapshot.amount_due == round(float(str(amount)) * 100)


def test_a_json_number_is_read_exactly(tmp_path: Path) -> None:
    text = '[{"customer_id": "acme", "invoice_number": "R-1", "currency": "KWD", "amount": 9007199254.993, "due_on": "2026-03-10"}]'
    (row,) = read_book(json_of(tmp_path, text), START)
    assert row.snapshot.amount_due == 9_007_199_254_993


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-04-01", "2026-04-01"),
        ("2026-04-01T10:00:00Z", "2026-04-01T10:00:00+00:00"),
        ("2026-04-01T10:00:00+02:00", "2026-04-01T08:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("column", ["pays_on", "paid_at"])
def test_a_customer_pays_on_a_date_or_at_an_instant(column: str, written: str, read: str, tmp_path: Path) -> None:
    (row,) = read_book(json_of(tmp_path, [{**ROW, column: written}]), START)
    assert pays_at(row) == read


def test_every_bad_row_is_told_at_once_with_line_column_and_remedy(tmp_path: Path) -> None:
    path = csv_of(
        tmp_path,
        "acme,R-1,EUR,100.00,2026-03-10,",
        "acme,R-2,EURO,100.00,2026-03-10,",
        "acme,R-3,EUR,100.00,10.03.2026,soon",
        "acme,R-1,EUR,1.001,2026-03-10,2026-04-01T10:00",
        names=",".join([*ROW, "pays_on"]),
    )
    said = refusal(path)
    assert "line 3, currency: 'EURO' is no currency; write three letters" in said
    assert "line 4, due_on: '10.03.2026' is no date; write year-month-day" in said
    assert "line 4, pays_on: 'soon' is no date" in said
    assert "line 5, amount: 1.001 has more decimals than EUR" in said
    assert "line 5, pays_on: '2026-04-01T10:00' is no date" in said
    assert "line 5, invoice_number: R-1 stands in line 2 already" in said


def test_bad_json_entries_are_told_by_their_number(tmp_path: Path) -> None:
    said = refusal(json_of(tmp_path, [ROW, {**ROW, "amount": [1]}, {**ROW, "invoice_number": "R-3", "due_on": None}]))
    assert "entry 2, amount: '[1]' is no amount" in said
    assert "entry 2, invoice_number: R-1 stands in entry 1 already" in said
    assert "entry 3, due_on: nothing is written here, and it is needed" in said


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "is not JSON"),
        ("{}", "is not a list of objects"),
        ("[1]", "is not a list of objects"),
        ("[]", "holds no invoice"),
        ("[NaN]", "not a list"),
    ],
)
def test_json_that_is_no_list_of_invoices_is_refused(document: str, complaint: str, tmp_path: Path) -> None:
    assert complaint in refusal(json_of(tmp_path, document))


def test_an_unknown_column_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    assert "did you mean" in refusal(json_of(tmp_path, [{**ROW, "pay_on": "2026-04-01"}]))


def test_what_conditions_may_ask_is_read(tmp_path: Path) -> None:
    entry = {**ROW, "source": "stripe", "tags": "vip; wholesale", "is_business": True, "subscription": "no", "charged_automatically": "yes"}
    (row,) = read_book(json_of(tmp_path, [entry]), START)
    seen = row.snapshot
    assert (seen.source, seen.customer, seen.tags) == ("stripe", "stripe:acme", ("vip", "wholesale"))
    assert (seen.contact.is_business, seen.subscription, seen.collects_automatically) == (True, False, True)
    told = {"customer_tags": ["Key account", "vip"], "contact_manager": ["Bo <bo@acme.example>", "cfo@acme.example"], "do_not_chase": False}
    (row,) = read_book(json_of(tmp_path, [{**ROW, **told}]), START)
    contact = row.snapshot.contact
    assert contact.tags == ("key account", "vip")
    assert [(person.role, person.email) for person in (contact.settings.people if contact.settings else ())] == [
        ("manager", "bo@acme.example"),
        ("manager", "cfo@acme.example"),
    ]
    said = refusal(json_of(tmp_path, [{**ROW, "source": "sap", "is_business": "maybe"}]))
    assert "entry 1, source: 'sap' is no source; write manual, stripe" in said
    assert "entry 1, is_business: 'maybe' is neither yes nor no" in said


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "invoices.xlsx").write_bytes(b"PK")
    assert "neither .csv nor .json" in refusal(tmp_path / "invoices.xlsx")
    assert "no such file" in refusal(tmp_path / "missing.csv")
    assert "not a file" in refusal(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'[{"customer_name": "M\xfcller"}]')
    assert "line 1: this is not UTF-8" in refusal(tmp_path / "latin.json")
