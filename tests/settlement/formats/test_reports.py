"""A partner's report in every format: the same lines, and a clear refusal for whatever is not as it was announced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settlement.core.reconciliation import Line
from settlement.core.report_mapping import ReportForm, checked, form_of
from settlement.errors import FileRefused, MappingRefused
from settlement.formats import reports

COLUMNS = {"reference": "Beleg", "day": "Datum", "amount": "Betrag", "points": "Punkte", "issuer": "von"}
FORM = ReportForm(COLUMNS, currency="EUR")
HEADER = "Beleg,Datum,Betrag,Punkte,von\n"
LINES = [
    Line("000000001", "r-1", 123450, "EUR", date(2017, 1, 31), "r-1", 1371, None, "bank"),
    Line("000000002", "r-2", -5, "EUR", date(2017, 1, 2), "r-2", -1, None, None),
]


def written(tmp_path: Path, content: str | bytes, name: str = "report.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path, form: ReportForm = FORM) -> str:
    with pytest.raises((FileRefused, MappingRefused)) as refused:
        list(reports.read(path, form))
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (HEADER + "r-1,2017-01-31,1234.50,1371,bank\nr-2,2017-01-02,-0.05,-1,\n", {}),
        (
            "\ufeff"
            + HEADER.replace("\n", "\r\n")
            + 'r-1,2017-01-31,"1234.5",1371,bank\r\n r-2 ,2017-01-02,-0.05,-1,\r\n',
            {},
        ),
        (
            "Beleg;Datum;Betrag;Punkte;von\nr-1;31.01.2017;1.234,50;1.371;bank\nr-2;2.1.2017;-0,05;-1;\n",
            {"delimiter": ";", "decimal": ",", "thousands": ".", "dates": "DD.MM.YYYY"},
        ),
        (
            "von\tBeleg\tBetrag\tDatum\tPunkte\tExtra\nbank\tr-1\t1234,50\t01/31/2017\t1371\tx\n\n\tr-2\t-0,05\t1/2/2017\t-1\t\n",
            {"delimiter": "\t", "decimal": ",", "dates": "MM/DD/YYYY"},
        ),
    ],
)
def test_csv_in_many_hands(tmp_path: Path, content: str, form: dict[str, str]) -> None:
    assert list(reports.read(written(tmp_path, content), FORM._replace(**form))) == LINES  # type: ignore[arg-type]


def test_csv_in_another_encoding(tmp_path: Path) -> None:
    content = (HEADER + "r-1,2017-01-31,1,1,Bäcker\n").encode("latin-1")
    [line] = reports.read(written(tmp_path, content), FORM._replace(encoding="latin-1"))
    assert line.issuer == "Bäcker"
    assert "is not written in utf-8: byte" in refusal(written(tmp_path, content))
    assert "there is no encoding 'klingon'" in refusal(written(tmp_path, content), FORM._replace(encoding="klingon"))


def test_json_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows: list[Mapping[str, Any]] = [
        {"Beleg": "r-1", "Datum": "2017-01-31", "Betrag": 1234.5, "Punkte": 1371, "von": "bank"},
        {"Beleg": "r-2", "Datum": "2017-01-02", "Betrag": "-0.05", "Punkte": -1, "von": None},
    ]
    for content in (rows, {"made": "today", "lines": rows}):
        assert list(reports.read(written(tmp_path, json.dumps(content), "r.json"), FORM)) == LINES
    exact = [Decimal("1234.50"), Decimal("-0.05")]
    days = [date(2017, 1, 31), date(2017, 1, 2)]
    table = {"Betrag": exact, "Datum": days} | {
        name: [row[name] for row in rows] for name in ("Beleg", "Punkte", "von")
    }
    pq.write_table(pa.table(table | {"more": [1, 2]}), tmp_path / "r.parquet")
    assert list(reports.read(tmp_path / "r.parquet", FORM)) == LINES
    pq.write_table(pa.table(table | {"Betrag": [1.5, 2.5]}), tmp_path / "f.parquet")
    assert "binary fractions" in refusal(tmp_path / "f.parquet")


def test_minor_units_lines_and_who_reported(tmp_path: Path) -> None:
    names = (
        "reference",
        "line",
        "reported_by",
        "day",
        "minor",
        "currency",
        "price_version",
        "redeemer",
        "cycle",
        "reverses",
    )
    form = checked(ReportForm({name: name for name in names}))
    content = ",".join(names) + "\ne/1,2,fuel,2017-01-31,-12,jpy,3,fuel,2017-01,e/0\n"
    [line] = reports.read(written(tmp_path, content), form)
    assert line == Line(
        "000000001", "fuel~e/1~2", -12, "JPY", date(2017, 1, 31), "fuel~e/1", None, 3, None, "fuel", "2017-01", "e/0"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Beleg;Datum;Betrag\n1;2;3\n", "say --delimiter ';'"),
        ("Beleg,Datum\n1,2\n", "there is no column 'Betrag' for amount; the report has 'Beleg', 'Datum'"),
        ("Beleg,Beleg,Datum,Betrag,Punkte,von\n", "has the column 'Beleg' twice"),
        (HEADER + "r-1,2017-01-31,5,1\n", "row 1: has 4 fields, the header has 5"),
        (HEADER + "r-1,2017-01-31,5,1,x\nr-2,2017-01-31,5,1,x,y\n", "row 2: has 6 fields"),
        (HEADER + ",2017-01-31,5,1,x\n", "row 1: column 'Beleg' is empty"),
        (
            HEADER + "r,31.01.2017,5,1,x\n",
            "row 1: column 'Datum' has '31.01.2017', which is no date written YYYY-MM-DD",
        ),
        (HEADER + "r,2017-02-30,5,1,x\n", "no date written YYYY-MM-DD"),
        (HEADER + 'r,2017-01-31,"5,00",1,x\n', "row 1: column 'Betrag' has '5,00': '5,00' is no amount"),
        (HEADER + "r,2017-01-31,5.001,1,x\n", "no whole number of minor units of EUR"),
        (HEADER + "r,2017-01-31,--5,1,x\n", "is no amount"),
        (HEADER + "r,2017-01-31,+-5,1,x\n", "is no amount"),
        (HEADER + "r,2017-01-31,1e3,1,x\n", "is no amount"),
        (HEADER + "r,2017-01-31,NaN,1,x\n", "is no amount"),
        (HEADER + "r,2017-01-31,999999999999999999,1,x\n", "too large"),
        (HEADER + "r,2017-01-31,5,999999999999999999,x\n", "too large"),
        (HEADER + "r,2017-01-31,,1,x\n", "is no amount"),
        (HEADER + "r,2017-01-31,=1+1,1,x\n", "is no amount"),
        (HEADER + "r,2017-01-31,5,1.5,x\n", "row 1: column 'Punkte' has '1.5', which is no whole number"),
        (HEADER + f"r,2017-01-31,5,{10**18 + 1}x,x\n", "no whole number"),
        (HEADER + f"{'r' * 201},2017-01-31,5,1,x\n", "is longer than 200 characters"),
        (HEADER + "r\x07,2017-01-31,5,1,x\n", "not printable"),
        (HEADER + '"r,2017-01-31,5,1,x\n', "is no CSV"),
    ],
)
def test_what_is_wrong_is_refused_with_row_and_column(tmp_path: Path, content: str, reason: str) -> None:
    assert reason in refusal(written(tmp_path, content))


@pytest.mark.parametrize("amount", ["12.34,50", "1.2345,00", "1234.50", "1,234.50", "1.234,5,0"])
def test_thousands_are_set_apart_by_threes(tmp_path: Path, amount: str) -> None:
    content = f"Beleg;Datum;Betrag;Punkte;von\nr;2017-01-31;{amount};1;x\n"
    form = FORM._replace(delimiter=";", decimal=",", thousands=".")
    assert "column 'Betrag'" in refusal(written(tmp_path, content), form)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "5",
        "{}",
        '{"lines": {}}',
        "[1]",
        "[" * 100_000,
        '[{"a": 1, "a": 2}]',
        '[{"Betrag": NaN}]',
        "[1" + "0" * 9000 + "]",
    ],
)
def test_what_is_no_report_in_json(tmp_path: Path, content: str) -> None:
    assert refusal(written(tmp_path, content, "r.json"))


def test_other_files(tmp_path: Path) -> None:
    assert "no format is called '.xls'; there are .csv, .json, .parquet" in refusal(written(tmp_path, "", "r.xls"))
    assert "is no readable Parquet file" in refusal(written(tmp_path, "PAR1", "r.parquet"))
    assert "cannot be read" in refusal(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            {"columns": {**COLUMNS, "colour": "x"}, "currency": "EUR"},
            "there is nothing called 'colour'; columns can be",
        ),
        ({"columns": {"day": "d", "amount": "a"}, "currency": "EUR"}, "--column reference=NAME"),
        ({"columns": {"day": "d", "reference": "r"}, "currency": "EUR"}, "say which column has the amount"),
        ({"columns": {**COLUMNS, "minor": "m"}, "currency": "EUR"}, "say which column has the amount"),
        ({"columns": COLUMNS}, "--currency EUR"),
        ({"columns": {**COLUMNS, "currency": "c"}, "currency": "EUR"}, "say either which column"),
        ({"columns": COLUMNS, "currency": "EUR", "delimiter": ";;"}, "a delimiter is one character"),
        ({"columns": COLUMNS, "currency": "EUR", "thousands": "."}, "thousands are set apart by another"),
        ({"columns": COLUMNS, "currency": "EUR", "dates": "DD.MM"}, "dates are described by YYYY, MM and DD"),
        ({"columns": COLUMNS, "currency": "EUR", "color": "red"}, "and no 'color'"),
        ({"columns": [1]}, "all of it texts"),
        ({"columns": COLUMNS, "currency": 5}, "all of it texts"),
    ],
)
def test_what_was_not_said_clearly_is_asked_for(content: dict[str, Any], reason: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        form_of(content)
    assert reason in str(refused.value)
