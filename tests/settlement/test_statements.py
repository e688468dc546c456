"""Statements: one partner's side of a published cycle, with every line, and nothing before publication."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from settlement import statements
from settlement.core.lines import line_digest
from settlement.errors import FileRefused, NotPublished, UnknownCycle
from settlement.formats import STATEMENTS
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
        assert written == summary | {"lines": all_lines(january, partner, 100)}


def test_csv_adds_up_by_column(january: Connection, tmp_path: Path) -> None:
    statements.write(january, "2017-01", "grocer", tmp_path / "s.csv")
    rows = [*csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text()))]
    for side, due in (("receive", "1.17"), ("pay", "0.49"), ("on_us", "0.06")):
        for record in ("line", "position", "total"):
            amounts = [Decimal(row[side]) for row in rows if row["record"] == record and row[side]]
            assert sum(amounts) == Decimal(due), (side, record)
    assert [row["net"] for row in rows if row["net"]] == ["0.68"]


def test_csv_texts_are_never_formulas_and_amounts_stay_numbers(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        post(connection, [*redemption("-2+3", "fuel", {"=cmd": 30}), *redemption('@"x', "fuel", {"+b": 1})])
    with engine.begin() as connection:
        close(connection)
        statements.write(connection, "2017-01", "=cmd", tmp_path / "s.csv")
    rows = [*csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text()))]
    assert rows[0]["event_id"] == "'-2+3"
    assert {row["statement_of"] for row in rows} == {"'=cmd"}
    assert rows[-1]["net"] == "-0.30"


def test_an_unknown_suffix_is_refused_with_those_there_are(january: Connection, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"no format is called '.xls'; there are .csv, .json"):
        statements.write(january, "2017-01", "grocer", tmp_path / "s.xls")


def test_a_file_that_could_not_be_finished_is_not_there(
    january: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        yield from ()
        raise OSError("disk full")

    monkeypatch.setattr(statements, "stream_lines", broken)
    with pytest.raises(OSError, match="disk full"):
        statements.write(january, "2017-01", "grocer", tmp_path / "s.csv")
    assert [*tmp_path.iterdir()] == []
