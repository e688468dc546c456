"""An exported cycle is recomputed from its folder alone; whatever is changed in a file is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, Engine

from settlement import export
from settlement.errors import FileRefused
from settlement.exports import lines, manifest
from settlement.recomputation.folder import recompute
from tests.settlement.exported import Row, alter, named, put, redigest, restate, rows_of
from tests.settlement.sample import CORRECTIONS, FEBRUARY, JANUARY, close

GOLDEN = Path(__file__).parent.parent / "golden" / "2017-01"
LINES = [f"{line.partner_id}/{line.event_id}/{line.line}" for line in sorted(JANUARY)]
ALTERED = {
    "points": 6, "amount_minor": 6, "price_version": 2, "price_numerator": 8, "price_denominator": 9,
    "issuer": "aaa", "redeemer": "aaa", "currency": "EUR", "kind": "issue", "origin": "grocer/b0", "points_of": "bank",
}  # fmt: skip


@pytest.fixture(scope="module")
def january(published_once: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of January's export, which no test may change."""
    folder = tmp_path_factory.mktemp("exports") / "2017-01"
    with published_once.connect() as connection:
        export.write(connection, "2017-01", folder)
    return folder


@pytest.fixture
def folder(january: Path, tmp_path: Path) -> Path:
    """Return a copy of January's export."""
    return Path(shutil.copytree(january, tmp_path / "2017-01"))


@pytest.fixture
def february(corrected_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with January, and February with its corrections, published."""
    with corrected_once.connect() as connection:
        yield connection


def line(rows: list[Row], event_id: str, number: int = 1) -> Row:
    """One line of a file."""
    return next(row for row in rows if row["event_id"] == event_id and row["line"] == number)


def test_an_export_is_equal(january: Path) -> None:
    report = recompute(january)
    assert report.findings == []
    assert (report.lines, len(report.positions)) == (len(JANUARY), 8)
    nets = [(net.partner, net.net_minor) for net in report.nets]
    assert nets == [("bank", -282), ("fuel", 178), ("grocer", 68), ("pharmacy", 36)]


def test_what_is_exported_is_what_stands_in_the_golden_folder(january: Path) -> None:
    """By rows and columns: the bytes depend on the version of pyarrow that wrote them."""
    stated, golden = manifest.read(january), manifest.read(GOLDEN)
    assert stated._replace(files=()) == golden._replace(files=())
    for file in golden.files:
        assert pq.read_table(january / file.name).equals(pq.read_table(GOLDEN / file.name)), file.name


def test_corrections_of_an_earlier_cycle_are_equal_and_say_where_that_was_settled(
    february: Connection, tmp_path: Path
) -> None:
    export.write(february, "2017-02", tmp_path / "x")
    report = recompute(tmp_path / "x")
    assert (report.findings, report.lines) == ([], len(FEBRUARY) + len(CORRECTIONS))
    assert [net.net_minor for net in report.nets] == [99, -95, 17, -21]
    due = {"b3-pharmacy-r": "2017-01", "b4-fuel-r": "2017-01", "b5-fuel-r": "2017-01", "b6-grocer-r": "2017-02", "": ""}
    assert {row["origin"].rpartition("/")[2]: row["origin_cycle"] for row in rows_of(tmp_path / "x", "lines")} == due
    stated = manifest.read(tmp_path / "x")
    assert (stated.number, stated.before) == (2, "2017-01")
    for cycle in ("2017-03", "january"):
        rows = rows_of(tmp_path / "x", "lines")
        line(rows, "b4-fuel-r/back")["origin_cycle"] = cycle
        put(tmp_path / "x", "lines", rows)
        assert named([*recompute(tmp_path / "x").findings]) == {"fuel/b4-fuel-r/back/1"}


def test_an_empty_cycle_is_equal_and_an_export_takes_the_place_of_an_earlier_one(
    engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        close(connection)
        for _ in range(2):
            export.write(connection, "2017-01", tmp_path / "x")
            assert recompute(tmp_path / "x").findings == []
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "letter.txt").write_text("keep me")
        with pytest.raises(FileRefused, match="is there already and no exported cycle"):
            export.write(connection, "2017-01", tmp_path / "mine")
    assert {path.name for path in tmp_path.iterdir()} == {"x", "mine"}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_field_of_a_line_is_named(folder: Path, name: str) -> None:
    findings = alter(folder, "lines", lambda rows: line(rows, "b1-grocer-r").update({name: ALTERED[name]}))
    assert "grocer/b1-grocer-r/1" in named(findings, "line digest")


@pytest.mark.parametrize("name", [name for name in ALTERED if name not in ("issuer", "origin", "kind")])
def test_an_altered_field_with_a_fresh_digest_is_named_by_its_event(folder: Path, name: str) -> None:
    def change(rows: list[Row]) -> None:
        altered = line(rows, "b1-grocer-r", 2)
        altered[name] = ALTERED[name]
        redigest(altered)

    findings = alter(folder, "lines", change)
    assert any(row.startswith("grocer/b1-grocer-r/") for row in named(findings))
    assert "cycle 2017-01" in named(findings, "cycle digest")


def test_a_line_that_was_given_to_another_is_named_by_pair_even_with_a_fresh_digest(folder: Path) -> None:
    def change(rows: list[Row]) -> None:
        altered = line(rows, "b4-fuel-r")
        altered["issuer"] = "grocer"
        redigest(altered)

    findings = alter(folder, "lines", change)
    assert named(findings, "position") == {"bank -> fuel (USD)", "grocer -> fuel (USD)"}
    assert {"bank: reimbursement (USD)", "grocer: reimbursement (USD)"} == named(findings, "movement")


@pytest.mark.parametrize("place", range(len(JANUARY)))
def test_a_line_taken_out_is_named(folder: Path, place: int) -> None:
    findings = alter(folder, "lines", lambda rows: rows.pop(place))
    assert named(findings, "missing") == {LINES[place]}
    assert named(findings, "count") == {"cycle 2017-01"}


def test_a_doubled_line_is_named(folder: Path) -> None:
    findings = alter(folder, "lines", lambda rows: rows.insert(3, dict(rows[3])))
    assert LINES[3] in named(findings, "order")
    assert LINES[3] in named(findings, "numbering")


def test_a_line_copied_under_another_name_is_named(folder: Path) -> None:
    def change(rows: list[Row]) -> None:
        original = line(rows, "b4-fuel-r")
        copy = original | {"event_id": "b4-fuel-s"}
        redigest(copy)
        rows.insert(rows.index(original) + 1, copy)

    findings = alter(folder, "lines", change)
    assert named(findings, "numbering") == {"fuel/b4-fuel-s/1"}
    assert "bank -> fuel (USD)" in named(findings, "position")


def test_lines_that_changed_places_are_named(folder: Path) -> None:
    findings = alter(folder, "lines", lambda rows: rows.sort(key=lambda row: row["event_id"] != "b5-fuel-r"))
    assert named(findings, "order") == {"fuel/b4-fuel-r/1"}


def test_a_line_of_a_later_day_is_named(folder: Path) -> None:
    def change(rows: list[Row]) -> None:
        late = line(rows, "b4-fuel-r")
        late["business_date"] = late["business_date"].replace(month=2)
        redigest(late)

    assert named(alter(folder, "lines", change), "cycle") >= {"fuel/b4-fuel-r/1"}


def test_a_line_break_that_hides_a_field_is_named(folder: Path) -> None:
    """The text, and so the digest, of the line is as before."""

    def change(rows: list[Row]) -> None:
        forged = line(rows, "b4-fuel-r")
        forged.update(issuer="bank\nfuel", redeemer="250", points=250)
        forged["digest"] = forged["digest"]

    assert "fuel/b4-fuel-r/1" in named(alter(folder, "lines", change), "text")


@pytest.mark.parametrize(
    ("name", "column", "row", "check"),
    [
        ("positions", "amount_minor", "bank -> fuel (USD)", "position"),
        ("positions", "points", "bank -> fuel (USD)", "position"),
        ("positions", "lines", "bank -> fuel (USD)", "position"),
        ("nets", "net_minor", "bank (USD)", "net"),
        ("nets", "pay_minor", "USD", "zero sum"),
        ("statements", "pay_points", "bank (USD)", "statement"),
        ("statements", "on_us_minor", "bank (USD)", "statement"),
        ("movements", "pay_minor", "bank: reimbursement (USD)", "movement"),
        ("dues", "due_minor", "bank (USD)", "due"),
        ("dues", "brought_minor", "bank (USD)", "due"),
        ("books", "amount_minor", "2017-01/lines/reimbursement/bank/fuel/USD posting 0", "books"),
    ],
)
def test_an_altered_result_is_named(folder: Path, name: str, column: str, row: str, check: str) -> None:
    def change(rows: list[Row]) -> None:
        altered = next(row for row in rows if "bank" in row.values() or "/bank/" in row.get("entry", ""))
        altered[column] += 1
        if column == "pay_minor" and name == "nets":
            altered["net_minor"] -= 1

    assert row in named(alter(folder, name, change), check)


@pytest.mark.parametrize("name", ["positions", "nets", "statements", "movements"])
def test_a_result_taken_out_or_doubled_is_named(folder: Path, name: str) -> None:
    rows = rows_of(folder, name)
    for altered in (rows[1:], [rows[0], *rows]):
        put(folder, name, altered)
        due = {"positions": "bank -> fuel (USD)", "movements": "bank: reimbursement (USD)"}.get(name, "bank (USD)")
        assert due in named([*recompute(folder).findings], name.rstrip("s"))


@pytest.mark.parametrize("name", ["lines", "nets", "contracts"])
def test_a_file_that_is_not_what_the_manifest_says_is_named(folder: Path, name: str) -> None:
    path = folder / f"{name}.parquet"
    rows = rows_of(folder, name)
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(path)), path, compression="none")
    assert named([*recompute(folder).findings]) == {path.name}
    put(folder, name, [*rows[:-1]], forge=False)
    assert path.name in named([*recompute(folder).findings], "file")
    path.unlink()
    with pytest.raises(FileRefused, match=f"{name}.parquet is in the manifest and missing"):
        recompute(folder)


def test_a_file_that_nobody_stated_and_a_wrong_number_of_rows_are_named(folder: Path) -> None:
    (folder / "more.csv").write_text("x")
    assert named([*recompute(folder).findings]) == {"more.csv"}
    (folder / "more.csv").unlink()
    stated = manifest.read(folder)
    manifest.write(folder, stated._replace(files=tuple(one._replace(rows=one.rows + 1) for one in stated.files)))
    assert named([*recompute(folder).findings], "rows") == {one.name for one in stated.files}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"digest": bytes(32)}, "cycle digest"),
        ({"lines": 10}, "count"),
        ({"lines": 10}, "missing"),
        ({"cycle": "2017-02"}, "cycle"),
        ({"cycle": "someday"}, "cycle"),
    ],
)
def test_an_altered_manifest_is_found(folder: Path, change: dict[str, Any], check: str) -> None:
    restate(folder, **change)
    assert check in {finding.check for finding in recompute(folder).findings}


def test_a_cycle_forged_throughout_needs_the_digest_from_elsewhere(january: Path) -> None:
    digest = recompute(january).claims.digest
    assert recompute(january, digest).findings == []
    assert named([*recompute(january, bytes(32)).findings]) == {"cycle 2017-01"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"version": 1', '"version": 2', "is of format version 2; this program reads version 1"),
        ('"hansa-settlement-cycle"', '"other"', "is not that of an exported cycle"),
        ('"number": 1', '"number": -1', "whole number from 0"),
        ('"number": 1', '"number": 1.5', "not a whole number"),
        ('"number": 1', '"number": 1, "number": 1', "a name occurs twice"),
        ('"number": 1', '"number": 1, "more": 1', "some that are not known"),
        ('"2017-01-31"', '"20170131"', "is a date"),
        ('"lines.parquet"', '"../lines.parquet"', "is no name of a file"),
        ('"lines.parquet"', '"other.parquet"', r"names no lines\.parquet"),
        ('"rows"', '"size"', "needs sha256 and rows"),
        ('"sha256": "', '"sha256": "zz', "digest of 64"),
        ("{", "[", "not well-formed"),
    ],
)
def test_a_manifest_that_cannot_be_understood_is_refused(folder: Path, old: str, new: str, reason: str) -> None:
    path = folder / manifest.NAME
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(FileRefused, match=reason):
        recompute(folder)


@pytest.mark.parametrize("name", ["lines", "nets"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\xff" * 999 + b"PAR1", b"PAR1" + bytes(999) + b"PAR1"])
def test_garbage_is_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / f"{name}.parquet").write_bytes(content)
    with pytest.raises(FileRefused, match=f"{name}.parquet is no readable Parquet file"):
        recompute(folder)


def test_a_file_with_any_byte_changed_is_named_or_refused(folder: Path) -> None:
    path = folder / lines.NAME
    whole = path.read_bytes()
    for place in range(0, len(whole), 311):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert lines.NAME in named([*recompute(folder).findings], "file")
        except FileRefused:
            continue


def test_other_columns_and_texts_that_cannot_be_printed_are_refused(folder: Path) -> None:
    rows = rows_of(folder, "nets")
    put(folder, "nets", [rows[0] | {"partner": "a\u202eb"}])
    with pytest.raises(FileRefused, match="where a printable text is due"):
        recompute(folder)
    pq.write_table(pa.table({"a": [1]}), folder / "nets.parquet")
    with pytest.raises(FileRefused, match=r"nets\.parquet has not the columns partner, currency"):
        recompute(folder)
    pq.write_table(pa.table({"a": [1]}), folder / "lines.parquet")
    with pytest.raises(FileRefused):
        recompute(folder)


def test_a_price_of_nothing_is_named_and_a_day_of_no_calendar_is_refused(folder: Path) -> None:
    findings = alter(folder, "lines", lambda rows: line(rows, "b4-fuel-r").update(price_denominator=0))
    assert "fuel/b4-fuel-r/1" in named(findings, "value")
    columns = pq.read_table(folder / lines.NAME)
    days = pa.array([-(2**31), *range(len(JANUARY) - 1)], pa.int32()).cast(pa.date32())
    place = columns.schema.get_field_index("business_date")
    pq.write_table(columns.set_column(place, columns.schema.field(place), days), folder / lines.NAME)
    with pytest.raises(FileRefused, match="a day that no calendar has"):
        recompute(folder)


def test_a_cycle_of_many_stretches_is_equal(january: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "STRETCH_LINES", 2)
    told: list[int] = []
    assert recompute(january, told=told.append).findings == []
    assert told[-1] == len(JANUARY)
    assert len(told) > 3
    monkeypatch.setattr(lines, "MAX_EVENT_LINES", 1)
    assert {one.check for one in recompute(january).findings} == {"value"}
