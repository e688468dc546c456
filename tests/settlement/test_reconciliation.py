"""Reconciliation in the database: files once, runs that change nothing, breaks that live, and write-offs by two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from settlement.core.report_mapping import ReportForm
from settlement.errors import ApprovalRefused, FileRefused, SettlementRefused, UnknownCycle
from settlement.reconciliation import breaks, imports, runs, write_offs
from settlement.reconciliation.imports import Import
from settlement.reconciliation.runs import Settings
from settlement.store.reconciliation_breaks import STATES
from settlement.store.reconciliation_runs import Run
from settlement.store.reconciliation_sources import Scope, Source
from tests.settlement import sample

AT = datetime(2017, 2, 10, 9, tzinfo=UTC)
GROCER = Scope("partner", "grocer", "2017-01")
NAMES = ("reference", "line", "day", "minor", "currency", "points", "price_version", "issuer", "redeemer")
FORM = ReportForm({name: name for name in NAMES})
OURS = [line for line in sample.JANUARY if line.partner_id == "grocer"]
EXACTLY = Settings()


@pytest.fixture
def connection(published_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with January published; what it does is rolled back."""
    with published_once.connect() as connection:
        yield connection


def rows() -> list[dict[str, Any]]:
    """What the grocer's own books have: the same as ours."""
    return [
        {
            "reference": one.event_id,
            "line": one.line,
            "day": str(one.business_date),
            "minor": one.amount_minor,
            **{name: getattr(one, name) for name in NAMES[4:]},
        }
        for one in OURS
    ]


def brought(
    connection: Connection, tmp_path: Path, content: list[dict[str, Any]], form: ReportForm = FORM, at: datetime = AT
) -> tuple[Source, bool]:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(content))
    return imports.import_report(Import(connection, path, "anna", at, lambda number: None), GROCER, form)


def ran(connection: Connection, settings: Settings = EXACTLY, at: datetime = AT, **more: Any) -> tuple[Run, bool]:
    scope = more.pop("scope", GROCER)
    return runs.run(connection, scope, settings, author="anna", at=at, progress=lambda step: None, **more)


def states(connection: Connection) -> Mapping[str, str]:
    return {
        one.living.found.category: one.living.last.state for one in breaks.aged(connection, None, STATES, AT.date())
    }


def everything(connection: Connection) -> list[Any]:
    tables = ("source", "line", "run", "match", "place", "break", "step")
    return [
        connection.execute(text(f"SELECT * FROM settlement.reconciliation_{one} ORDER BY 1, 2, 3")).all()
        for one in tables
    ]


def test_a_report_that_agrees_matches_line_by_line(connection: Connection, tmp_path: Path) -> None:
    brought(connection, tmp_path, rows())
    made, _ = ran(connection)
    assert (made.left_lines, made.right_lines, made.matches, made.breaks) == (4, 4, 4, 0)
    assert runs.show(connection, made.run).findings == []


def test_the_same_again_changes_nothing(connection: Connection, tmp_path: Path) -> None:
    source, new = brought(connection, tmp_path, rows()[1:])
    assert (new, source.lines) == (True, 3)
    made, _ = ran(connection)
    before = everything(connection)
    later = AT + timedelta(days=9)
    assert brought(connection, tmp_path, rows()[1:], at=later) == (source, False)
    assert ran(connection, at=later) == (made, False)
    assert everything(connection) == before


def test_a_report_by_events_matches_their_lines_together(connection: Connection, tmp_path: Path) -> None:
    totals = [
        {"id": "B1 grocer r", "on": "2017-01-10", "value": sum(one.amount_minor for one in OURS[:3])},
        {"id": "b2-grocer-r", "on": "2017-01-03", "value": OURS[3].amount_minor},
    ]
    brought(
        connection, tmp_path, totals, ReportForm({"reference": "id", "day": "on", "minor": "value"}, currency="USD")
    )
    made, _ = ran(connection)
    assert (made.left_lines, made.right_lines, made.matches, made.breaks) == (4, 2, 2, 0)
    by = {match.by: len(match.left) for match in runs.show(connection, made.run).outcome.matches}
    assert by == {"batch": 3, "exact": 1}


def test_an_issuer_s_report_names_who_reported(connection: Connection, tmp_path: Path) -> None:
    owed = [line for line in sample.JANUARY if "bank" in (line.issuer, line.redeemer)]
    content = [
        {"at": one.partner_id, "id": one.event_id, "n": one.line, "on": "2017-01-31", "m": one.amount_minor}
        for one in owed
    ]
    columns = {"reported_by": "at", "reference": "id", "line": "n", "day": "on", "minor": "m"}
    path = tmp_path / "bank.json"
    path.write_text(json.dumps(content))
    scope = Scope("partner", "bank", "2017-01")
    into = Import(connection, path, "anna", AT, lambda number: None)
    imports.import_report(into, scope, ReportForm(columns, currency="USD"))
    made, _ = ran(connection, Settings(0, 31), scope=scope)
    assert (made.matches, made.breaks) == (len(owed), 0)


def test_each_fault_in_its_category(connection: Connection, tmp_path: Path) -> None:
    first, second, third, fourth = rows()
    theirs = [
        first | {"minor": first["minor"] + 3},
        second | {"price_version": 2},
        third | {"issuer": "fuel"},
        fourth,
        fourth,
        fourth | {"reference": "unknown"},
        fourth | {"reference": "b6-grocer-r", "line": 1},
    ]
    brought(connection, tmp_path, theirs)
    made, _ = ran(connection)
    view = runs.show(connection, made.run)
    assert view.findings == []
    assert sorted(one.category for one in view.outcome.breaks) == [
        "amount", "attribution", "duplicate", "missing_in_hub", "price_version", "timing",
    ]  # fmt: skip
    [late] = [one for one in view.outcome.breaks if one.category == "timing"]
    assert "2017-02-01" in late.detail


def test_breaks_live_from_run_to_run(connection: Connection, tmp_path: Path) -> None:
    first, second, *rest = rows()
    brought(connection, tmp_path, [first | {"minor": 99}, *rest])
    ran(connection)
    assert states(connection) == {"amount": "open", "missing_in_partner": "open"}
    [amount] = [
        one
        for one in breaks.aged(connection, GROCER, ("open",), date(2017, 3, 1))
        if one.living.found.left_minor != second["minor"]
    ]
    assert (amount.age_days, amount.is_material) == (19, True)
    name = amount.living.name
    assert breaks.assign(connection, name, "olga", author="anna", at=AT).last.owner == "olga"
    explained = breaks.explain(connection, name, "their till rounds up", author="olga", at=AT)
    assert (explained.last.state, explained.last.owner) == ("explained", "olga")
    brought(connection, tmp_path, [first | {"minor": 99}, second, *rest], at=AT + timedelta(hours=1))
    ran(connection, at=AT + timedelta(days=1))
    assert states(connection) == {"amount": "explained", "missing_in_partner": "resolved"}
    brought(connection, tmp_path, [first, second, *rest], at=AT + timedelta(hours=2))
    ran(connection, Settings(0, 0, 500))
    assert states(connection) == {"amount": "resolved", "missing_in_partner": "resolved"}
    with pytest.raises(SettlementRefused, match="is resolved by anna"):
        breaks.assign(connection, name, "olga", author="anna", at=AT)
    again = json.loads((tmp_path / "report.json").read_text())
    brought(
        connection,
        tmp_path,
        [again[0] | {"minor": 99}, *again[2:]],
        FORM._replace(thousands=","),
        AT + timedelta(hours=3),
    )
    ran(connection, Settings(0, 0, 500))
    assert states(connection) == {"amount": "open", "missing_in_partner": "open"}
    assert not any(one.is_material for one in breaks.aged(connection, GROCER, ("open",), AT.date()))


def test_a_write_off_takes_two_and_posts_a_balanced_entry(connection: Connection, tmp_path: Path) -> None:
    first, *rest = rows()
    brought(connection, tmp_path, [first | {"minor": first["minor"] - 3}, *rest])
    ran(connection)
    [found] = breaks.aged(connection, GROCER, ("open",), AT.date())
    name = found.living.name
    proposed = write_offs.propose(connection, name, "below what a letter costs", at=AT, author="anna", registered=False)
    digest = proposed.digest.hex()
    with pytest.raises(ApprovalRefused, match="same_person"):
        write_offs.approve(connection, name, digest, at=AT, author="Anna ", registered=False)
    with pytest.raises(ApprovalRefused, match="proposal_stale"):
        write_offs.approve(connection, name, "00" * 32, at=AT, author="bert", registered=False)
    with pytest.raises(SettlementRefused, match="64 hexadecimal digits"):
        write_offs.approve(connection, name, "zz", at=AT, author="bert", registered=False)
    breaks.explain(connection, name, "another reason", author="olga", at=AT)
    with pytest.raises(ApprovalRefused, match="proposal_changed"):
        write_offs.approve(connection, name, digest, at=AT, author="bert", registered=False)
    again = write_offs.propose(
        connection, name, "below what a letter costs, again", at=AT, author="anna", registered=False
    )
    write_offs.approve(connection, name, again.digest.hex(), at=AT, author="bert", registered=False)
    [posted] = write_offs.journal(connection)
    assert posted.entry == ("USD", "write_off", "clearing", 3)
    assert (posted.partner, posted.posted_on, posted.maker, posted.approver) == ("grocer", AT.date(), "anna", "bert")
    assert states(connection) == {"amount": "written_off"}
    with pytest.raises(SettlementRefused, match="is written_off by bert"):
        write_offs.approve(connection, name, again.digest.hex(), at=AT, author="bert", registered=False)
    ran(connection, Settings(0, 1))
    assert states(connection) == {"amount": "written_off"}


def test_what_differs_in_no_money_is_not_written_off(connection: Connection, tmp_path: Path) -> None:
    first, *rest = rows()
    brought(connection, tmp_path, [first | {"issuer": "pharmacy"}, *rest])
    ran(connection)
    [found] = breaks.aged(connection, GROCER, ("open",), AT.date())
    with pytest.raises(SettlementRefused, match="has no difference in money"):
        write_offs.propose(connection, found.living.name, "why", at=AT, author="anna", registered=False)


def test_a_row_that_was_altered_or_removed_is_named(connection: Connection, tmp_path: Path) -> None:
    brought(connection, tmp_path, rows()[1:])
    made, _ = ran(connection)
    for statement, named in (
        ("UPDATE settlement.reconciliation_line SET amount_minor = amount_minor + 1 WHERE key LIKE '%1'", "right USD"),
        ("DELETE FROM settlement.reconciliation_place WHERE side = 'left' AND match = 1", "left grocer/"),
        ("UPDATE settlement.reconciliation_match SET right_minor = 0 WHERE match = 1", "right USD"),
        ("DELETE FROM settlement.reconciliation_line WHERE key LIKE '%2'", "right "),
    ):
        with connection.begin_nested() as point:
            assert connection.execute(text(statement)).rowcount
            assert any(one.row.startswith(named) for one in runs.show(connection, made.run).findings), statement
            point.rollback()
    assert runs.show(connection, made.run).findings == []


def test_refusals(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(SettlementRefused, match="nothing was imported for partner grocer 2017-01"):
        ran(connection)
    with pytest.raises(FileRefused, match="has no rows"):
        brought(connection, tmp_path, [])
    connection.rollback()
    brought(connection, tmp_path, rows())
    with pytest.raises(SettlementRefused, match="not below zero"):
        ran(connection, Settings(-1))
    with pytest.raises(SettlementRefused, match="there is no source 'x' for"):
        ran(connection, sources=["x"])
    with pytest.raises(SettlementRefused, match="there is no run 77"):
        runs.show(connection, 77)
    with pytest.raises(SettlementRefused, match="there is no break 'x'"):
        breaks.assign(connection, "x", "olga", author="anna", at=AT)
    later = Scope("partner", "grocer", "2017-02")
    into = Import(connection, tmp_path / "report.json", "anna", AT, lambda number: None)
    imports.import_report(into, later, FORM)
    with pytest.raises(UnknownCycle, match="has not been cut off"):
        ran(connection, scope=later)
    with pytest.raises(UnknownCycle):
        imports.import_report(into, Scope("partner", "grocer", "January"), FORM)
