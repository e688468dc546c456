"""Corrections in the database and in files: in a later cycle than what they correct, with pairs at and below zero."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from settlement import cycles, export, statements
from settlement.__main__ import main
from settlement.core.findings import Finding
from settlement.core.lines import FIELDS, Obligation
from settlement.core.netting import Net
from settlement.errors import InvalidObligation, SettlementRefused
from settlement.exports import manifest
from settlement.formats import STATEMENTS
from settlement.intake import record
from settlement.recomputation.folder import recompute
from settlement.store.schema import migrate
from tests.settlement.exported import alter, rows_of
from tests.settlement.sample import (
    CORRECTIONS,
    CREATE_LEDGER_SIDE,
    FEBRUARY,
    JANUARY,
    LEDGER,
    close,
    correction,
    post,
    redemption,
)

GOLDEN = Path(__file__).parent / "golden"
CYCLE = "2017-02"
BACK = "fuel/b4-fuel-r/back/1"
ROW = "WHERE event_id = 'b4-fuel-r/back'"
LEFT_OUT = Obligation._field_defaults
USUAL = [name for name in FIELDS if name not in LEFT_OUT]
OF_BEFORE = f"INSERT INTO settlement.obligation ({', '.join(USUAL)}, digest) VALUES (:{', :'.join(USUAL)}, :digest)"


@pytest.fixture
def february(corrected_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with January, and February with its corrections, published."""
    with corrected_once.connect() as connection:
        yield connection


@pytest.fixture
def exported(february: Connection, tmp_path: Path) -> Path:
    """Return February's export."""
    export.write(february, CYCLE, tmp_path / CYCLE)
    return tmp_path / CYCLE


def rows(findings: Sequence[Finding], check: str = "") -> set[str]:
    return {finding.row for finding in findings if check in finding.check}


# --- cycles ---


def test_corrections_are_in_the_open_cycle_with_their_sign(february: Connection) -> None:
    view = cycles.show(february, CYCLE)
    assert {(row.issuer, row.redeemer): row[3:6] for row in view.positions} == {
        ("bank", "fuel"): (2, -99, -99),
        ("bank", "grocer"): (2, 0, 0),
        ("grocer", "fuel"): (1, -15, -15),
        ("grocer", "pharmacy"): (1, -2, -2),
        ("pharmacy", "fuel"): (1, 19, 19),
        ("pharmacy", "pharmacy"): (1, -8, -6),
    }
    assert view.nets == [
        Net("bank", "USD", 0, -99, 99),
        Net("fuel", "USD", -95, 0, -95),
        Net("grocer", "USD", 0, -17, 17),
        Net("pharmacy", "USD", -2, 19, -21),
    ]
    assert [tuple(saving) for saving in view.savings] == [("USD", 135, 116, 140)]
    assert cycles.audit(february, "2017-01", LEDGER) == cycles.audit(february, CYCLE, LEDGER) == []


def test_a_published_cycle_is_not_changed_by_its_corrections(published: Engine) -> None:
    with published.begin() as connection:
        before = cycles.show(connection, "2017-01")
        post(connection, CORRECTIONS)
    with published.begin() as connection:
        close(connection, CYCLE)
        assert cycles.show(connection, "2017-01") == before


def test_a_cycle_of_nothing_but_corrections_is_closed(published: Engine) -> None:
    with published.begin() as connection:
        close(connection, CYCLE)
        post(connection, [line._replace(event_id="march") for line in CORRECTIONS[:1]])
    with published.begin() as connection:
        view = close(connection, "2017-03")
    assert [(net.partner, net.net_minor) for net in view.nets] == [("bank", 100), ("fuel", -100)]


# --- intake ---


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"origin": ""}, "only a correction"),
        ({"origin": "fuel/b4-fuel-r/back"}, "correct itself"),
        ({"origin": "fuel"}, "written partner/event"),
        ({"origin": "fuel/a\nb"}, "line break"),
        ({"points": 0}, "not be zero"),
        ({"amount_minor": 1}, "other sign"),
        ({"points": 1}, "other sign"),
        ({"points": -(2**63)}, "64 bits"),
    ],
)
def test_what_cannot_be_a_correction_is_refused(connection: Connection, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidObligation, match=reason):
        record(connection, [CORRECTIONS[0]._replace(**change)])


@pytest.mark.parametrize("change", ["origin = ''", "points = 0, amount_minor = 0", "points = 1", "amount_minor = 1"])
def test_the_database_refuses_it_as_well(february: Connection, change: str) -> None:
    with pytest.raises(IntegrityError, match="obligation_amounts"):
        february.execute(text(f"UPDATE settlement.obligation SET {change} {ROW}"))


# --- tampering ---


@pytest.mark.parametrize(
    "change",
    ["origin = 'fuel/b5-fuel-r'", "points = 100, amount_minor = 100", "points = 100, amount_minor = 100, origin = ''"],
)
def test_an_altered_origin_or_sign_is_named(february: Connection, change: str) -> None:
    february.execute(text(f"UPDATE settlement.obligation SET {change} {ROW}"))
    findings = cycles.audit(february, CYCLE, LEDGER)
    assert BACK in rows(findings, "line digest") & rows(findings, "ledger")


def test_an_origin_taken_off_without_the_constraint_is_named(february: Connection) -> None:
    february.execute(text("ALTER TABLE settlement.obligation DROP CONSTRAINT obligation_amounts"))
    february.execute(text(f"UPDATE settlement.obligation SET origin = '' {ROW}"))
    findings = cycles.audit(february, CYCLE, LEDGER)
    assert BACK in rows(findings, "line digest") & rows(findings, "origin") & rows(findings, "ledger")


def test_an_origin_that_the_ledger_does_not_know_keeps_the_cycle_from_publication(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, CORRECTIONS)
        connection.execute(text(f"UPDATE ledger_side SET origin = 'fuel/other' {ROW}"))
    with pytest.raises(SettlementRefused) as refusal, published.begin() as connection:
        close(connection, CYCLE)
    (finding,) = refusal.value.findings
    assert (finding.row, finding.detail) == (
        BACK,
        "origin fuel/b4-fuel-r in the obligation, fuel/other in the ledger",
    )


def test_a_correction_missing_in_the_ledger_is_named_with_what_it_corrects(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, CORRECTIONS)
        connection.execute(text(f"DELETE FROM ledger_side {ROW}"))
    named = "-100 minor units, correcting fuel/b4-fuel-r"
    with pytest.raises(SettlementRefused, match=named), published.begin() as connection:
        close(connection, CYCLE)


def test_more_than_was_owed_is_not_taken_back(published: Engine) -> None:
    """Although the ledger says so too: 100 of 250 points in February, 151 in March."""
    with published.begin() as connection:
        post(connection, CORRECTIONS)
    with published.begin() as connection:
        close(connection, CYCLE)
        (back,) = correction("b4-fuel-r/more", JANUARY[7:8], 150, date(2017, 3, 1), 100)
        post(connection, [back._replace(points=-151, amount_minor=-151)])
    with pytest.raises(SettlementRefused) as refusal, published.begin() as connection:
        close(connection, "2017-03")
    (finding,) = refusal.value.findings
    assert (finding.check, finding.row) == ("origin", "fuel/b4-fuel-r")
    assert finding.detail == "bank -> fuel (USD): its corrections leave -1 points, -1 minor units"


def test_all_that_was_owed_can_be_taken_back(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, CORRECTIONS)
    with published.begin() as connection:
        close(connection, CYCLE)
        post(connection, correction("b4-fuel-r/more", JANUARY[7:8], 150, date(2017, 3, 1), 100))
    with published.begin() as connection:
        assert close(connection, "2017-03").positions[0].points == -150


@pytest.mark.parametrize("origin", ["fuel/nowhere", "grocer/b4-fuel-r"])
def test_nothing_is_taken_back_of_an_event_that_owed_nothing(published: Engine, origin: str) -> None:
    with published.begin() as connection:
        post(connection, [CORRECTIONS[0]._replace(origin=origin)])
    with pytest.raises(SettlementRefused, match=rf"\[origin\] {origin}: bank"), published.begin() as connection:
        close(connection, CYCLE)


# --- statements ---


def test_a_line_of_a_statement_names_its_origin(february: Connection) -> None:
    lines = statements.lines(february, CYCLE, "fuel", ("fuel", "b4", 0), 100)
    assert [(row["event_id"], row["points"], row["minor"], row.get("origin")) for row in lines[:3]] == [
        ("b4-fuel-r/back", -100, -100, {"partner": "fuel", "event_id": "b4-fuel-r", "cycle": "2017-01"}),
        ("b5-fuel-r/back", -15, -15, {"partner": "fuel", "event_id": "b5-fuel-r", "cycle": "2017-01"}),
        ("b7-fuel-r", 19, 19, None),
    ]
    assert "origin" not in lines[2]


def test_each_correction_names_the_cycle_of_its_origin_wherever_it_stands(february: Connection, tmp_path: Path) -> None:
    """Statement, CSV and export say the same; b6's own correction is in its cycle, the others' are not."""
    due = {"b3-pharmacy-r": "2017-01", "b4-fuel-r": "2017-01", "b5-fuel-r": "2017-01", "b6-grocer-r": "2017-02"}
    told: dict[str, str] = {}
    for partner in ("bank", "grocer", "pharmacy"):
        lines = statements.lines(february, CYCLE, partner, None, 100)
        told |= {line["origin"]["event_id"]: line["origin"]["cycle"] for line in lines if "origin" in line}
    assert told == due
    statements.write(february, CYCLE, "bank", tmp_path / "s.csv")
    table = csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text()))
    assert {
        row["origin"].rpartition("/")[2]: row["origin_cycle"] for row in table if row["origin"]
    }.items() <= due.items()
    export.write(february, CYCLE, tmp_path / "x")
    found = {row["origin"].rpartition("/")[2]: row["origin_cycle"] for row in rows_of(tmp_path / "x", "lines")}
    assert found == due | {"": ""}


def test_a_correction_of_what_owed_nothing_itself_has_no_origin_cycle(published: Engine) -> None:
    sale = FEBRUARY[0]._replace(event_id="sale/back", origin="grocer/sale")
    with published.begin() as connection:
        post(connection, [sale])
    with published.begin() as connection:
        close(connection, CYCLE)
        (line,) = [one for one in statements.lines(connection, CYCLE, "bank", None, 9) if "origin" in one]
    assert line["origin"] == {"partner": "grocer", "event_id": "sale"}


@pytest.mark.parametrize("partner", ["bank", "fuel", "grocer", "pharmacy"])
def test_totals_of_a_statement_are_those_of_its_positions_and_lines(february: Connection, partner: str) -> None:
    summary = statements.summary(february, CYCLE, partner)
    lines = statements.lines(february, CYCLE, partner, None, 100)
    assert len(lines) == sum(row["lines"] for row in summary["positions"])
    for parts in (summary["positions"], lines):
        receive = sum(row["minor"] for row in parts if row["redeemer"] == partner != row["issuer"])
        pay = sum(row["minor"] for row in parts if row["issuer"] == partner != row["redeemer"])
        (net,) = summary["nets"]
        assert (net["receive_minor"], net["pay_minor"], net["net_minor"]) == (receive, pay, receive - pay)


@pytest.mark.parametrize("suffix", STATEMENTS)
def test_statement_files_are_those_in_the_golden_folder(february: Connection, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"corrections{suffix}"
    statements.write(february, CYCLE, "pharmacy", path)
    assert path.read_bytes() == (GOLDEN / path.name).read_bytes()


def test_csv_adds_up_by_column_below_zero(february: Connection, tmp_path: Path) -> None:
    statements.write(february, CYCLE, "pharmacy", tmp_path / "s.csv")
    table = [*csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text()))]
    for side, due in (("receive", "-0.02"), ("pay", "0.19"), ("on_us", "-0.06")):
        for kind in ("line", "position", "total"):
            assert sum(Decimal(row[side]) for row in table if row["record"] == kind and row[side]) == Decimal(due)
    assert {row["origin"] for row in table} == {"", "pharmacy/b3-pharmacy-r"}


# --- exports ---


def test_an_export_with_corrections_is_equal(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = recompute(exported)
    assert report.findings == []
    assert report.lines == len(FEBRUARY) + len(CORRECTIONS)
    assert [net.net_minor for net in report.nets] == [99, -95, 17, -21]
    assert main(["verify", str(exported)]) == 0
    assert "bank      fuel      USD           2     -99   -0.99" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"origin": ""}, "only a correction"),
        ({"points": 0}, "not be zero"),
        ({"amount_minor": 5}, "other sign"),
        ({"origin": "a\u202eb"}, "cannot be printed"),
        ({"points": 5, "amount_minor": 5, "origin": ""}, "its origin is not of 2017-01"),
        ({"origin_cycle": "2017-03"}, "its origin is not of 2017-03"),
        ({"origin_cycle": "january"}, "or that is no cycle"),
    ],
)
def test_a_correction_that_is_none_is_named(exported: Path, change: dict[str, Any], reason: str) -> None:
    findings = [one for one in altered(exported, change) if reason in one.detail]
    assert rows(findings) == {BACK}


@pytest.mark.parametrize(
    "change", [{"origin": "fuel/b5-fuel-r"}, {"points": 100, "amount_minor": 100}, {"points": -99}]
)
def test_an_altered_correction_in_a_file_is_named(exported: Path, change: dict[str, Any]) -> None:
    assert rows(altered(exported, change), "line digest") == {BACK}


def altered(folder: Path, change: dict[str, Any]) -> list[Finding]:
    """What is found when one correction is changed."""
    return alter(
        folder, "lines", lambda found: next(one for one in found if one["event_id"] == "b4-fuel-r/back").update(change)
    )


# --- what was there before ---


def test_lines_recorded_before_still_verify(engine: Engine) -> None:
    """Recorded under the first migration, closed under this one: the same cycle digest as then."""
    with engine.begin() as connection:
        _migrate_to_the_first(connection)
        for line in JANUARY:
            fields = {name: value for name, value in line._asdict().items() if name not in LEFT_OUT}
            digest = hashlib.sha256("\n".join(map(str, fields.values())).encode()).digest()
            connection.execute(text(OF_BEFORE), fields | {"digest": digest})
    with engine.begin() as connection:
        migrate(connection)
        connection.execute(text("DROP TABLE ledger_side"))
        connection.execute(CREATE_LEDGER_SIDE)
        ours = ", ".join(name for name in FIELDS if not name.startswith("price"))
        copied = f"SELECT {ours}, tx FROM settlement.obligation"
        connection.execute(text(f"INSERT INTO ledger_side ({ours}, tx) {copied}"))
    with engine.begin() as connection:
        view = close(connection)
    assert view.digest == manifest.read(GOLDEN / "2017-01").digest


def _migrate_to_the_first(connection: Connection) -> None:
    connection.execute(text("DROP SCHEMA settlement CASCADE"))
    connection.execute(text("CREATE SCHEMA settlement"))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "settlement.store:migrations")
    command.upgrade(config, "0001")


def test_a_partial_correction_of_a_cycle_that_is_open_is_summed_with_it(engine: Engine) -> None:
    redeemed = redemption("r", "pharmacy", {"bank": 33, "grocer": 11})
    with engine.begin() as connection:
        post(connection, redeemed)
        post(connection, correction("r/back", redeemed, 12, redeemed[0].business_date))
    with engine.begin() as connection:
        view = close(connection)
    assert [row[:2] + row[3:6] for row in view.positions] == [
        ("bank", "pharmacy", 2, 32, 25),
        ("grocer", "pharmacy", 2, 0, 0),
    ]
