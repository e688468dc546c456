"""Statements: one partner's side of a published cycle, with every line, and nothing before publication."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, Engine, select, text, update

from settlement import statements
from settlement.core.lines import line_digest
from settlement.core.statement_balances import MovementTally
from settlement.errors import FileRefused, NotBalanced, NotPublished, UnknownCycle
from settlement.formats import STATEMENTS
from settlement.store import tables
from settlement.store.results import stream_stated_lines
from tests.settlement.sample import JANUARY, close, post, redemption

GOLDEN = Path(__file__).parent / "golden"
PARTNERS = ["bank", "fuel", "grocer", "pharmacy", "garden"]


@pytest.fixture
def january(published_once: Engine) -> Any:
    """Yield a connection to a database with January published."""
    with published_once.connect() as connection:
        yield connection


def all_lines(connection: Connection, partner: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while page := statements.lines(connection, "2017-01", partner, after, limit):
        assert len(page) <= limit
        found += page
        after = (page[-1]["partner"], page[-1]["event_id"], page[-1]["line"])
    return found


def test_summary_has_the_shape_of_the_api(january: Connection) -> None:
    summary = statements.summary(january, "2017-01", "pharmacy")
    assert [*summary] == [
        "cycle",
        "partner",
        "state",
        "digest",
        "published_at",
        "nets",
        "positions",
        "pairs_of_cycle",
        "balances",
    ]
    assert summary["published_at"] == "2017-02-01T00:30:00Z"
    assert summary["nets"] == [{"currency": "USD", "receive_minor": 36, "pay_minor": 0, "net_minor": 36}]
    pairs = [(row["issuer"], row["redeemer"]) for row in summary["positions"]]
    assert pairs == [("bank", "pharmacy"), ("grocer", "pharmacy"), ("pharmacy", "pharmacy")]
    assert [*summary["positions"][0]] == [
        "issuer",
        "redeemer",
        "currency",
        "lines",
        "points",
        "minor",
        "digest",
    ]
    assert len(summary["pairs_of_cycle"]) == 8
    assert [*summary["pairs_of_cycle"][0]] == ["issuer", "redeemer", "currency", "digest"]
    assert json.loads(json.dumps(summary)) == summary


def test_a_partner_without_a_line_has_an_empty_statement(january: Connection) -> None:
    summary = statements.summary(january, "2017-01", "garden")
    assert (summary["nets"], summary["positions"]) == ([], [])
    assert statements.lines(january, "2017-01", "garden", None, 10) == []


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("partner", PARTNERS)
def test_pages_of_lines_give_each_line_once(january: Connection, partner: str, limit: int) -> None:
    due = [line for line in sorted(JANUARY) if partner in (line.issuer, line.redeemer)]
    found = all_lines(january, partner, limit)
    assert [row["digest"] for row in found] == [line_digest(line).hex() for line in due]


def test_a_line_has_the_shape_of_the_api(january: Connection) -> None:
    (line,) = statements.lines(january, "2017-01", "bank", ("fuel", "", 0), 1)
    assert line.pop("digest") == line_digest(JANUARY[-2]).hex()
    assert line == {
        "partner": "fuel",
        "event_id": "b4-fuel-r",
        "line": 1,
        "issuer": "bank",
        "redeemer": "fuel",
        "points": 250,
        "minor": 250,
        "currency": "USD",
        "price": {"version": 1, "numerator": 1, "denominator": 1},
        "business_date": "2017-01-20",
    }


def test_lines_add_up_to_the_nets(january: Connection) -> None:
    for partner in PARTNERS:
        lines = [row for row in all_lines(january, partner, 100) if row["issuer"] != row["redeemer"]]
        net = sum(row["minor"] if row["redeemer"] == partner else -row["minor"] for row in lines)
        assert [net] * bool(lines) == [
            row["net_minor"] for row in statements.summary(january, "2017-01", partner)["nets"]
        ]


def test_a_partner_s_list_of_statements(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, redemption("eur-r", "bank", {"fuel": 30}, currency="EUR"))
    with published.begin() as connection:
        close(connection, "2017-02")
        listed = statements.of_partner(connection, "bank", None, 10)
        assert statements.of_partner(connection, "bank", None, 1) == listed[:1]
        assert statements.of_partner(connection, "bank", ("2017-01", "USD"), 1) == listed[1:2]
        assert statements.of_partner(connection, "garden", None, 10) == []
    assert [(row["cycle"], row["currency"], row["net_minor"], row["state"]) for row in listed] == [
        ("2017-01", "USD", -282, "published"),
        ("2017-02", "EUR", 30, "published"),
        ("2017-02", "USD", -15, "published"),
    ]
    assert [*listed[0]] == ["cycle", "state", "currency", "net_minor", "published_at", "digest"]


def test_nothing_is_shown_before_publication(calculated_once: Engine) -> None:
    with calculated_once.connect() as connection:
        assert statements.of_partner(connection, "bank", None, 10) == []
        with pytest.raises(NotPublished):
            statements.summary(connection, "2017-01", "bank")
        with pytest.raises(NotPublished):
            statements.lines(connection, "2017-01", "bank", None, 1)
        with pytest.raises(UnknownCycle):
            statements.summary(connection, "2017-02", "bank")


@pytest.mark.parametrize("suffix", STATEMENTS)
def test_files_are_those_in_the_golden_folder(january: Connection, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"statement{suffix}"
    statements.write(january, "2017-01", "grocer", path)
    assert path.read_bytes() == (GOLDEN / path.name).read_bytes()
    assert [*tmp_path.iterdir()] == [path]


def test_json_is_the_answer_of_the_api_with_all_lines(january: Connection, tmp_path: Path) -> None:
    for partner in PARTNERS:
        statements.write(january, "2017-01", partner, tmp_path / "s.json")
        written = json.loads((tmp_path / "s.json").read_text())
        summary = statements.summary(january, "2017-01", partner)
        balances = written["balances"]
        assert written == summary | {"lines": all_lines(january, partner, 100)}
        assert [row["closing_minor"] for row in balances] == [row["net_minor"] for row in summary["nets"]]


def test_csv_adds_up_by_column(january: Connection, tmp_path: Path) -> None:
    statements.write(january, "2017-01", "grocer", tmp_path / "s.csv")
    rows = [*csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text()))]
    for side, wanted in (("receive", "1.17"), ("pay", "0.49"), ("on_us", "0.06")):
        for record in ("line", "position", "total"):
            amounts = [Decimal(row[side]) for row in rows if row["record"] == record and row[side]]
            assert sum(amounts) == Decimal(wanted), (side, record)
    assert [row["net"] for row in rows if row["record"] == "total"] == ["0.68"]
    assert all(int(row["minor"]) == sum(int(Decimal(row[side] or 0) * 100) for side in ("receive", "pay", "on_us"))
               for row in rows if row["record"] in ("line", "position"))  # fmt: skip
    balance = [(row["kind"], row["net"], row["minor"]) for row in rows if row["record"] == "balance"]
    assert balance == [
        ("opening", "0.00", "0"),
        ("reimbursement", "0.68", "68"),
        ("closing", "0.68", "68"),
        ("due", "0.68", "68"),
        ("withheld", "0.00", "0"),
        ("carried", "0.00", "0"),
    ]


def test_csv_texts_are_never_formulas_and_amounts_stay_numbers(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        post(connection, [*redemption("-2+3", "fuel", {"=cmd": 30}), *redemption('@"x', "fuel", {"+b": 1})])
    with engine.begin() as connection:
        close(connection)
        statements.write(connection, "2017-01", "=cmd", tmp_path / "s.csv")
    rows = [*csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text()))]
    assert rows[0]["event_id"] == "'-2+3"
    assert {row["statement_of"] for row in rows} == {"'=cmd"}
    assert [row["net"] for row in rows if row["record"] == "total"] == ["-0.30"]


def test_an_unknown_suffix_is_refused_with_those_there_are(january: Connection, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"no format is called '.xls'; there are .csv, .json, .parquet, .pdf"):
        statements.write(january, "2017-01", "grocer", tmp_path / "s.xls")


def test_a_file_that_could_not_be_finished_is_not_there(
    january: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        yield from ()
        raise OSError("disk full")

    monkeypatch.setattr(statements, "stream_stated_lines", broken)
    with pytest.raises(OSError, match="disk full"):
        statements.write(january, "2017-01", "grocer", tmp_path / "s.csv")
    assert [*tmp_path.iterdir()] == []


def test_balances_go_on_from_what_the_cycle_before_carried(published: Engine) -> None:
    """What January carries opens February, also where a partner has no line in it."""
    with published.begin() as connection:
        table = tables.due
        january = select(table.c.party, table.c.carried_minor)
        connection.execute(update(table).values(carried_minor=table.c.due_minor, due_minor=0))
        carried = {row.party: row.carried_minor for row in connection.execute(january)}
        close(connection, "2017-02")
        for partner in PARTNERS:
            for balance in statements.balances_of(connection, "2017-02", partner):
                assert balance.opening_minor == carried.get(partner, 0)
                assert balance.closing_minor == balance.opening_minor + balance.movements_minor


def test_movements_of_the_database_are_those_of_the_lines(january: Connection) -> None:
    for partner in PARTNERS:
        tally = MovementTally(partner)
        for line in JANUARY:
            if partner in (line.issuer, line.redeemer):
                tally.add(line)
        movements = [
            one for balance in statements.balances_of(january, "2017-01", partner) for one in balance.movements
        ]
        assert movements == tally.movements()


@pytest.mark.parametrize("suffix", STATEMENTS)
@pytest.mark.parametrize(
    "tampering",
    ["UPDATE settlement.due SET brought_minor = brought_minor + 1", "UPDATE settlement.net SET net_minor = 5"],
)
def test_a_statement_that_does_not_add_up_is_refused(
    published: Engine, tmp_path: Path, suffix: str, tampering: str
) -> None:
    with published.connect() as connection:
        if "net" in tampering:
            connection.execute(text("DELETE FROM settlement.due"))
        connection.execute(text(tampering))
        with pytest.raises(NotBalanced, match="does not add up"):
            statements.write(connection, "2017-01", "grocer", tmp_path / f"s{suffix}")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("suffix", STATEMENTS)
def test_lines_that_do_not_come_to_the_movements_leave_no_file(
    january: Connection, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_the_last(*asked: Any) -> Any:
        yield from [*stream_stated_lines(*asked)][:-1]

    monkeypatch.setattr(statements, "stream_stated_lines", without_the_last)
    with pytest.raises(NotBalanced, match="do not come to the movements"):
        statements.write(january, "2017-01", "grocer", tmp_path / f"s{suffix}")
    assert [*tmp_path.iterdir()] == []


def test_parquet_has_typed_columns_and_all_above_them_in_the_footer(january: Connection, tmp_path: Path) -> None:
    statements.write(january, "2017-01", "grocer", tmp_path / "s.parquet")
    statements.write(january, "2017-01", "grocer", tmp_path / "s.json")
    table = pq.read_table(tmp_path / "s.parquet")
    document = json.loads((tmp_path / "s.json").read_text())
    lines = document.pop("lines")
    assert json.loads(table.schema.metadata[b"hansa.statement"]) == document
    rows = table.to_pylist()
    assert [row["digest"].hex() for row in rows] == [row["digest"] for row in lines]
    assert [(row["minor"], row["reported_by"]) for row in rows] == [(row["minor"], row["partner"]) for row in lines]
    for side in ("receive", "pay", "on_us"):
        stated = [movement[f"{side}_minor"] for movement in document["balances"][0]["movements"]]
        assert sum(row["minor"] for row in rows if row["side"] == side) == sum(stated)
    assert rows[0]["business_date"] == date(2017, 1, 20)
    assert {row["kind"] for row in rows} == {"reimbursement"}
    assert {row["decimals"] for row in rows} == {2}


def test_languages_are_for_formats_that_people_read(january: Connection, tmp_path: Path) -> None:
    statements.write(january, "2017-01", "grocer", tmp_path / "statement-zh.pdf", "zh")
    assert (tmp_path / "statement-zh.pdf").read_bytes() == (GOLDEN / "statement-zh.pdf").read_bytes()
    with pytest.raises(FileRefused, match="for programs and the same in every language"):
        statements.write(january, "2017-01", "grocer", tmp_path / "s.json", "zh")
    with pytest.raises(FileRefused, match="no statements in 'de'; there are en, zh"):
        statements.write(january, "2017-01", "grocer", tmp_path / "s.pdf", "de")
