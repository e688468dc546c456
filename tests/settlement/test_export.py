"""An exported cycle is recomputed from its file alone; whatever is changed in the file is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, Engine

from settlement import export
from settlement.core.findings import Finding
from settlement.core.lines import Obligation, line_digest
from settlement.errors import FileRefused, NotPublished, UnknownCycle
from settlement.formats import EXPORTS, export_jsonl
from settlement.formats.export_parquet import METADATA_KEY
from settlement.formats.records import LEFT_OUT, ORIGIN_CYCLE
from settlement.recompute import recompute_file
from tests.settlement.sample import JANUARY, close

GOLDEN = Path(__file__).parent / "golden"
USUAL = LEFT_OUT | {ORIGIN_CYCLE: ""}
Record = dict[str, Any]
Change = Callable[[list[Record]], object]


@pytest.fixture
def january(published_once: Engine) -> Iterator[Connection]:
    """Yield a connection to a database with January published."""
    with published_once.connect() as connection:
        yield connection


@pytest.fixture(params=EXPORTS)
def exported(request: pytest.FixtureRequest, january: Connection, tmp_path: Path) -> Path:
    """Return January, exported in each format."""
    path = tmp_path / f"2017-01{request.param}"
    export.write(january, "2017-01", path)
    return path


def read(path: Path) -> list[Record]:
    """All records of a file of either format, as JSON lines has them."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    rows = pq.read_table(path)
    above: list[Record] = json.loads(rows.schema.metadata[METADATA_KEY])
    lines = [{"record": "line", **row, "digest": row["digest"].hex()} for row in rows.to_pylist()]
    for row in lines:
        for name, usual in USUAL.items():
            if row[name] == usual:
                del row[name]
    return [*above, *lines, {"record": "end"}]


def write(path: Path, records: list[Record]) -> None:
    """The reverse of `read`."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return
    schema = pq.read_schema(path)
    above = [record for record in records if record["record"] not in {"line", "end"}]
    lines: list[Record] = [USUAL | record for record in records if record["record"] == "line"]
    for line in lines:
        line["digest"] = bytes.fromhex(line["digest"])
    schema = schema.with_metadata({METADATA_KEY: json.dumps(above).encode()})
    pq.write_table(pa.Table.from_pylist(lines, schema=schema), path)


def line(records: list[Record], event_id: str, number: int = 1) -> Record:
    """The record of one line."""
    return next(row for row in records if row.get("event_id") == event_id and row["line"] == number)


def stated(records: list[Record], kind: str, name: str) -> Record:
    """The first record of a kind about a partner or issuer."""
    return next(row for row in records if row["record"] == kind and name in (row.get("partner"), row.get("issuer")))


def redigest(record: Record) -> None:
    """Give an altered line the digest its fields have now."""
    record["digest"] = line_digest(
        Obligation(**{name: record[name] for name in Obligation._fields if name in record})
    ).hex()


def alter(path: Path, change: Change) -> list[Finding]:
    """Change the records of a file and recompute it."""
    records = read(path)
    change(records)
    write(path, records)
    return [*recompute_file(path).findings]


def rows(findings: list[Finding], check: str = "") -> set[str]:
    return {finding.row for finding in findings if check in finding.check}


def test_an_export_is_equal(exported: Path) -> None:
    report = recompute_file(exported)
    assert report.findings == []
    assert (report.lines, len(report.positions)) == (len(JANUARY), 8)
    assert [(net.partner, net.net_minor) for net in report.nets] == [
        ("bank", -282),
        ("fuel", 178),
        ("grocer", 68),
        ("pharmacy", 36),
    ]


def test_json_lines_are_those_in_the_golden_folder(january: Connection, tmp_path: Path) -> None:
    export.write(january, "2017-01", tmp_path / "export.jsonl")
    assert (tmp_path / "export.jsonl").read_bytes() == (GOLDEN / "export.jsonl").read_bytes()


def test_both_formats_have_the_same_records(january: Connection, tmp_path: Path) -> None:
    paths = [tmp_path / f"x{suffix}" for suffix in EXPORTS]
    for path in paths:
        export.write(january, "2017-01", path)
    one, other = ([row for row in read(path) if row["record"] != "end"] for path in paths)
    other = [row | ({"business_date": str(row["business_date"])} if "event_id" in row else {}) for row in other]
    assert one == other


def test_an_empty_cycle_is_equal(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        close(connection)
        for suffix in EXPORTS:
            export.write(connection, "2017-01", tmp_path / f"x{suffix}")
            assert recompute_file(tmp_path / f"x{suffix}").findings == []


def test_only_published_cycles_are_exported(calculated_once: Engine, tmp_path: Path) -> None:
    with calculated_once.connect() as connection:
        with pytest.raises(NotPublished):
            export.write(connection, "2017-01", tmp_path / "x.jsonl")
        with pytest.raises(UnknownCycle):
            export.write(connection, "2017-02", tmp_path / "x.jsonl")
        with pytest.raises(FileRefused, match="no format is called"):
            export.write(connection, "2017-01", tmp_path / "x.xml")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["points", "amount_minor", "price_version", "price_numerator", "price_denominator"])
def test_an_altered_number_is_named(exported: Path, name: str) -> None:
    def change(records: list[Record]) -> None:
        line(records, "b1-grocer-r")[name] += 1

    assert "grocer/b1-grocer-r/1" in rows(alter(exported, change), "line digest")


@pytest.mark.parametrize("name", ["issuer", "redeemer", "partner_id", "event_id", "currency"])
def test_an_altered_text_is_named(exported: Path, name: str) -> None:
    def change(records: list[Record]) -> None:
        line(records, "b1-grocer-r")[name] = "aaa"

    altered = {"partner_id": "aaa/b1-grocer-r/1", "event_id": "grocer/aaa/1"}.get(name, "grocer/b1-grocer-r/1")
    assert altered in rows(alter(exported, change), "line digest")


def test_an_altered_amount_with_a_fresh_digest_is_named_by_its_event(exported: Path) -> None:
    def change(records: list[Record]) -> None:
        altered = line(records, "b1-grocer-r")
        altered["amount_minor"] += 1
        redigest(altered)

    findings = alter(exported, change)
    assert rows(findings, "value") == {"grocer/b1-grocer-r/1"}
    assert rows(findings, "position") == {"bank -> grocer (USD)"}


def test_a_line_with_everything_above_it_forged_needs_the_digest_from_elsewhere(exported: Path) -> None:
    """A file that was forged throughout agrees with itself; the published digest that a partner holds does not."""
    digest = recompute_file(exported).claims.digest
    assert recompute_file(exported, digest).findings == []
    (finding,) = recompute_file(exported, bytes(32)).findings
    assert finding.row == "cycle 2017-01"


@pytest.mark.parametrize("place", range(len(JANUARY)))
def test_a_line_taken_out_is_named(exported: Path, place: int) -> None:
    gone = sorted(JANUARY)[place]

    def change(records: list[Record]) -> None:
        records.remove(line(records, gone.event_id, gone.line))

    findings = alter(exported, change)
    assert rows(findings, "missing") == {f"{gone.partner_id}/{gone.event_id}/{gone.line}"}
    assert rows(findings, "count") == {"cycle 2017-01"}


def test_a_doubled_line_is_named(exported: Path) -> None:
    def change(records: list[Record]) -> None:
        doubled = line(records, "b4-fuel-r")
        records.insert(records.index(doubled), dict(doubled))

    assert "fuel/b4-fuel-r/1" in rows(alter(exported, change), "order")


def test_a_line_copied_under_another_name_is_named(exported: Path) -> None:
    def change(records: list[Record]) -> None:
        original = line(records, "b4-fuel-r")
        copy = original | {"event_id": "b4-fuel-s"}
        redigest(copy)
        records.insert(records.index(original) + 1, copy)

    findings = alter(exported, change)
    assert rows(findings, "numbering") == {"fuel/b4-fuel-s/1"}
    assert "bank -> fuel (USD)" in rows(findings, "position")


def test_lines_that_changed_places_are_named(exported: Path) -> None:
    def change(records: list[Record]) -> None:
        one, other = line(records, "b4-fuel-r"), line(records, "b5-fuel-r")
        place = records.index(one)
        records[place : place + 2] = [other, one]

    assert "fuel/b4-fuel-r/1" in rows(alter(exported, change), "order")


@pytest.mark.parametrize(
    ("kind", "name", "row", "check"),
    [
        ("position", "amount_minor", "bank -> fuel (USD)", "position"),
        ("position", "points", "bank -> fuel (USD)", "position"),
        ("position", "lines", "bank -> fuel (USD)", "position"),
        ("net", "net_minor", "bank (USD)", "net"),
        ("net", "net_minor", "USD", "zero sum"),
        ("net", "pay_minor", "bank (USD)", "net"),
        ("statement", "pay_points", "bank (USD)", "statement"),
        ("statement", "on_us_minor", "bank (USD)", "statement"),
    ],
)
def test_an_altered_result_is_named(exported: Path, kind: str, name: str, row: str, check: str) -> None:
    def change(records: list[Record]) -> None:
        stated(records, kind, "bank")[name] += 1

    assert row in rows(alter(exported, change), check)


@pytest.mark.parametrize("kind", ["position", "net", "statement"])
def test_a_result_taken_out_or_doubled_is_named(exported: Path, kind: str) -> None:
    due = {"bank -> fuel (USD)"} if kind == "position" else {"bank (USD)"}
    records = read(exported)
    row = stated(records, kind, "bank")
    write(exported, [record for record in records if record is not row])
    assert rows([*recompute_file(exported).findings], kind) == due
    write(exported, [*records[:1], row, *records[1:]])
    assert rows([*recompute_file(exported).findings], kind) == due


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"digest": "00" * 32}, "cycle digest"),
        ({"lines": 10}, "count"),
        ({"lines": 10}, "missing"),
        ({"ends_on": "2017-01-30"}, "cycle"),
        ({"ends_on": "2017-01-19"}, "cycle"),
        ({"cycle": "2017-02"}, "cycle"),
        ({"cycle": "someday"}, "cycle"),
    ],
)
def test_an_altered_header_is_found(exported: Path, change: Record, check: str) -> None:
    findings = alter(exported, lambda records: records[0].update(change))
    assert check in {finding.check for finding in findings}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "is of version 2; this program reads version 1"),
        ({"format": "other"}, "does not begin with the header"),
        ({"ends_on": "20170131"}, "where a date is due"),
        ({"digest": "00"}, "where a digest is due"),
        ({"lines": True}, "where a whole number is due"),
        ({"lines": 10**19}, "where a whole number is due"),
        ({"cycle": "a\u202eb"}, "where a printable text is due"),
        ({"more": 1}, "fields are missing or not known"),
    ],
)
def test_a_header_that_is_none_is_refused(exported: Path, change: Record, reason: str) -> None:
    with pytest.raises(FileRefused, match=reason):
        alter(exported, lambda records: records[0].update(change))


def test_a_result_with_a_field_missing_is_refused(exported: Path) -> None:
    with pytest.raises(FileRefused, match="net 9: fields are missing"):
        alter(exported, lambda records: stated(records, "net", "bank").pop("pay_minor"))


@pytest.mark.parametrize("change", [{"points": 0}, {"amount_minor": -1}, {"price_denominator": 0}, {"issuer": "a\nb"}])
def test_a_line_out_of_range_is_refused(exported: Path, change: Record) -> None:
    with pytest.raises(FileRefused, match="out of range"):
        alter(exported, lambda records: line(records, "b1-grocer-r").update(change))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"points": "5"}, "wrong type"),
        ({"points": True}, "wrong type"),
        ({"points": 5.0}, "not a whole number"),
        ({"points": 10**30}, "out of range"),
        ({"points": None}, "wrong type"),
        ({"issuer": 5}, "wrong type"),
        ({"business_date": "2017-W01-1"}, "where a date is due"),
        ({"business_date": 5}, "where a date is due"),
        ({"digest": "zz"}, "where a digest is due"),
        ({"digest": []}, "where a digest is due"),
        ({"event_id": "\ud800"}, "out of range"),
        ({"more": 1}, "not known"),
        ({"record": "note"}, "of kind 'note' among its lines"),
    ],
)
def test_a_json_line_that_is_none_is_refused(january: Connection, tmp_path: Path, change: Record, reason: str) -> None:
    path = tmp_path / "x.jsonl"
    export.write(january, "2017-01", path)
    with pytest.raises(FileRefused, match=reason):
        alter(path, lambda records: line(records, "b1-grocer-r").update(change))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "starts like neither"),
        (b"\xff\xfe", "starts like neither"),
        (b"PK\x03\x04", "starts like neither"),
        (b"{", "cut short in line 1"),
        (b"{}\n", "does not begin with the header"),
        (b"{]\n", "line 1 of the file is not well-formed"),
        (b'{"a":1,"a":2}\n', "a name occurs twice"),
        (b'{"a":NaN}\n', "NaN is not a whole number"),
        (b'{"a":1e5}\n', "1e5 is not a whole number"),
        (b'{"a":' + b"9" * 5000 + b"}\n", "not well-formed"),
        (b'{"a":' + b"[" * 30000 + b"\n", "not well-formed"),
        (b'{"a":"\xff"}\n', "not well-formed"),
        (b"{" + b" " * 100_000, "longer than 65536 bytes"),
        (b'{"record":"end"}\n', "has no header"),
        (b"PAR1", "no readable Parquet"),
        (b"PAR1" + bytes(1000) + b"PAR1", "no readable Parquet"),
        (b"PAR1" + b"\xff" * 1000 + b"PAR1", "no readable Parquet"),
    ],
)
def test_garbage_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=reason):
        recompute_file(path)


def test_a_file_cut_short_anywhere_is_refused(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    cut = tmp_path / "cut"
    for length in range(0, len(whole) - 1, max(1, len(whole) // 97)):
        cut.write_bytes(whole[:length])
        with pytest.raises(FileRefused):
            recompute_file(cut)


def test_a_parquet_file_with_any_byte_changed_is_named_or_refused_or_equal(january: Connection, tmp_path: Path) -> None:
    """A byte may matter to nobody; but nothing else than our refusal ever comes out."""
    path = tmp_path / "x.parquet"
    export.write(january, "2017-01", path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            recompute_file(path)
        except FileRefused:
            continue


def test_a_file_that_goes_on_after_its_end_is_refused(january: Connection, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    export.write(january, "2017-01", path)
    with path.open("a") as file:
        file.write("{}\n")
    with pytest.raises(FileRefused, match="goes on after its end"):
        recompute_file(path)


def test_too_many_results_are_refused(january: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    export.write(january, "2017-01", path)
    monkeypatch.setattr("settlement.formats.records.MAX_RECORDS", 5)
    with pytest.raises(FileRefused, match="more than 5 positions"):
        recompute_file(path)


def test_another_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(FileRefused, match="not the columns"):
        recompute_file(path)


@pytest.mark.parametrize("metadata", [{}, {METADATA_KEY: b"null"}, {METADATA_KEY: b"[1]"}, {METADATA_KEY: b"["}])
def test_a_parquet_file_without_its_footer_is_refused(
    january: Connection, tmp_path: Path, metadata: dict[bytes, bytes]
) -> None:
    path = tmp_path / "x.parquet"
    export.write(january, "2017-01", path)
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
    with pytest.raises(FileRefused, match=r"header in its footer|not well-formed"):
        recompute_file(path)


def test_a_file_larger_than_one_batch_is_equal(monkeypatch: pytest.MonkeyPatch, exported: Path) -> None:
    monkeypatch.setattr("settlement.formats.export_parquet._ROWS", 2)
    assert recompute_file(exported).findings == []
    assert export_jsonl.MAX_RECORD_BYTES == 65_536
