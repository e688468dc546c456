"""A folder of cycles: each is recomputed, and what goes across them must hold too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from settlement import export
from settlement.__main__ import main
from settlement.errors import FileRefused
from settlement.exports import manifest
from settlement.recomputation.chain import Chain, ChainReport
from tests.settlement.exported import Row, named, put, redigest, restate, rows_of

CYCLES = ("2017-01", "2017-02", "2017-03")
BACK = "fuel/b4-fuel-r/back/1"


@pytest.fixture(scope="module")
def quarter(quarter_once: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three exported cycles, which no test may change."""
    folder = tmp_path_factory.mktemp("exports")
    with quarter_once.connect() as connection:
        for cycle in CYCLES:
            export.write(connection, cycle, folder / cycle)
    return folder


@pytest.fixture
def folder(quarter: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(quarter, tmp_path / "exports"))


def change(folder: Path, cycle: str, name: str, which: Callable[[Row], bool], **fields: Any) -> None:
    """Change one row, and all that only says what the folder of its cycle holds."""
    rows = rows_of(folder / cycle, name)
    row = next(row for row in rows if which(row))
    row.update(fields)
    if name == "lines":
        redigest(row)
    put(folder / cycle, name, rows)


def is_back(row: Row) -> bool:
    return bool(row["event_id"] == "b4-fuel-r/back")


def across(folder: Path) -> ChainReport:
    return Chain(folder).recompute()


def test_three_cycles_are_equal_and_the_work_is_told(quarter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[int] = []
    chain = Chain(quarter)
    report = chain.recompute(told.append)
    assert report.findings == []
    assert report.is_equal
    assert (told[-1], told) == (chain.lines, sorted(told))
    carried = [due.carried_minor for one in report.cycles if one.report for due in one.report.claims.dues
               if due.party == "bank"]  # fmt: skip
    assert 0 not in carried
    assert main(["verify", str(quarter)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == [
        "2017-01 equal: 9 lines, 8 positions",
        "2017-02 equal: 8 lines, 6 positions",
        "2017-03 equal: 1 lines, 1 positions",
        "equal: 3 cycles, each with the one before it",
    ]


def test_a_folder_that_begins_later_is_equal_and_one_with_a_cycle_missing_is_not(folder: Path) -> None:
    shutil.rmtree(folder / "2017-01")
    assert across(folder).is_equal
    shutil.copytree(folder / "2017-03", folder / "again")
    assert named([*across(folder).findings], "chain") == {"cycle 2017-03"}


def test_a_cycle_missing_between_two_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "2017-02")
    assert main(["verify", str(folder)]) == 1
    printed = capsys.readouterr().out
    assert "[chain] cycle 2017-03: follows 2017-02 by its manifest, and in this folder 2017-01" in printed


def test_what_is_brought_is_what_was_carried(folder: Path) -> None:
    for party, minor in (("bank", 1), ("@operator", -1)):
        rows = rows_of(folder / "2017-02", "dues")
        row = next(row for row in rows if row["party"] == party)
        row.update(brought_minor=row["brought_minor"] + minor, carried_minor=row["carried_minor"] + minor)
        put(folder / "2017-02", "dues", rows)
    report = across(folder)
    assert [one.report.findings for one in report.cycles if one.report] == [[], [], []]
    assert named([*report.findings], "brought") == {"bank (USD)", "@operator (USD)"}


@pytest.mark.parametrize("cycle", ["2017-02", ""])
def test_an_origin_of_another_cycle_is_named(folder: Path, cycle: str) -> None:
    change(folder, "2017-02", "lines", is_back, origin_cycle=cycle)
    assert named([*across(folder).findings], "origin cycle") == {BACK}


def test_an_origin_that_is_nowhere_is_named_unless_it_may_be_of_an_earlier_cycle(folder: Path) -> None:
    change(folder, "2017-02", "lines", is_back, origin="fuel/none")
    assert BACK in named([*across(folder).findings], "origin cycle")
    shutil.rmtree(folder / "2017-01")
    assert named([*across(folder).findings], "origin cycle") == set()


def test_a_line_of_two_cycles_is_named(folder: Path) -> None:
    lines = [*rows_of(folder / "2017-03", "lines"), rows_of(folder / "2017-01", "lines")[0]]
    put(folder / "2017-03", "lines", lines)
    assert named([*across(folder).findings], "one cycle") == {"fuel/b4-fuel-r/1"}


def test_more_taken_back_than_was_given_is_named(folder: Path) -> None:
    change(folder, "2017-02", "lines", is_back, points=-251, amount_minor=-251)
    assert named([*across(folder).findings], "origin") >= {"fuel/b4-fuel-r"}


def test_a_contract_that_changed_between_cycles_is_named(folder: Path) -> None:
    change(folder, "2017-02", "contracts", lambda row: True, digest=bytes(32))
    assert named([*across(folder).findings], "contract") == {"bank version 1"}


def test_a_cycle_that_cannot_be_read_does_not_hide_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "2017-01" / "lines.parquet").write_bytes(b"PAR1")
    assert main(["verify", str(folder)]) == 1
    printed = capsys.readouterr().out
    assert "2017-01 refused: lines.parquet is no readable" in printed
    assert "2017-03 equal" in printed


def test_a_folder_of_nothing_a_digest_and_a_broken_manifest_are_refused(
    quarter: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["verify", str(tmp_path / "empty")]) == 1
    assert main(["verify", "--digest", "00" * 32, str(quarter)]) == 1
    restate(folder / "2017-02", cycle="x\ny")
    with pytest.raises(FileRefused, match=r"2017-02: manifest\.json: cycle is a printable text"):
        Chain(folder)
    printed = capsys.readouterr().out
    assert f"refused: has no {manifest.NAME} that can be read" in printed
    assert "refused: is a folder of cycles, and a digest is of one" in printed
