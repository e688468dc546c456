"""Exported cycles of one coalition, one after the other: each recomputed alone, and then what goes across them.

Across cycles hold: each follows the one before it; what a cycle carries the next one is brought, so every statement
opens with what the one before left; a version of a contract says the same in all; an obligation is in one cycle only; a
correction names the cycle in which its origin was settled; all corrections of an event together take back no more than
it came to; and what disputes moved is between the parties of the disputed line, and no more than corrections left.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from settlement.core.decided_lines import DecidedLine
from settlement.core.dues import carried
from settlement.core.findings import KEPT, Finding, Findings
from settlement.core.lines import row_name
from settlement.core.periods import last_day
from settlement.core.positions import pair_name
from settlement.core.verification import partner_name
from settlement.errors import FileRefused, UnknownCycle
from settlement.exports import lines, manifest
from settlement.exports.manifest import Manifest
from settlement.recomputation import disputed
from settlement.recomputation.across import LINES, OVERDRAWN, TWICE, WRONG_ORIGINS
from settlement.recomputation.duck import spilling
from settlement.recomputation.folder import Report, Told, recompute


class OneOfMany(NamedTuple):
    """One cycle of a folder: what was found, or why its export is refused."""

    manifest: Manifest
    report: Report | None
    refused: str = ""


class ChainReport(NamedTuple):
    """What a folder of cycles came to, in their order; `findings` are those that go across cycles."""

    cycles: Sequence[OneOfMany]
    findings: Sequence[Finding]

    @property
    def is_equal(self) -> bool:
        """Whether nothing was found in any cycle or across them."""
        return not self.findings and all(one.report and not one.report.findings for one in self.cycles)


class Chain:
    """The exported cycles in a folder, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Read the manifests; raises `FileRefused` where there are none, or one cannot be understood."""
        folders = [path.parent for path in sorted(folder.glob(f"*/{manifest.NAME}"))]
        if not folders:
            raise FileRefused(f"has neither {manifest.NAME} nor folders that have one")
        known = [(_stated(path), path) for path in folders]
        self._exports = sorted(known, key=lambda one: (one[0].number, one[0].cycle))
        self.lines = sum(stated.lines for stated, _ in known)
        """How many lines there are in all, as is stated."""

    def recompute(self, told: Told = lambda lines: None) -> ChainReport:
        """Recompute all; `told` gets the number of lines that were looked at so far."""
        cycles, before = [], 0
        for stated, path in self._exports:
            cycles.append(_one(stated, path, lambda done, before=before: told(before + done)))  # type: ignore[misc]
            before += stated.lines
            told(before)
        reports = [one.report for one in cycles if one.report]
        findings = Findings()
        findings.extend([*_in_order([one.manifest for one in cycles])])
        findings.extend([*_brought([one for one in cycles if one.report]), *_contracts(reports)])
        readable = [export for export, one in zip(self._exports, cycles, strict=True) if one.report]
        if readable:
            decided = [one for report in reports for one in report.decided]
            findings.extend([*_of_lines(readable, decided)])
        return ChainReport(cycles, findings.listed())


def is_one_cycle(folder: Path) -> bool:
    """Whether a folder is an exported cycle, and not a folder of such."""
    return (folder / manifest.NAME).exists() or not any(folder.glob(f"*/{manifest.NAME}"))


def _stated(folder: Path) -> Manifest:
    try:
        return manifest.read(folder)
    except FileRefused as refused:
        raise FileRefused(f"{folder.name}: {refused}") from refused


def _one(stated: Manifest, folder: Path, told: Told) -> OneOfMany:
    try:
        return OneOfMany(stated, recompute(folder, told=told))
    except FileRefused as refused:
        return OneOfMany(stated, None, str(refused))


def _in_order(stated: Sequence[Manifest]) -> Iterator[Finding]:
    """Findings where a cycle is missing between two, or there twice."""
    for one, other in pairwise(stated):
        if other.number == one.number or other.before != one.cycle or other.ends_on <= one.ends_on:
            detail = f"follows {other.before or 'none'} by its manifest, and in this folder {one.cycle}"
            yield Finding("chain", f"cycle {other.cycle}", detail)


def _brought(cycles: Sequence[OneOfMany]) -> Iterator[Finding]:
    """Findings where a statement does not open with what the one before it left."""
    for one, other in pairwise(cycles):
        assert one.report
        assert other.report
        if other.manifest.before != one.manifest.cycle:
            continue
        left = carried(one.report.claims.dues)
        opens = {due[:2]: due.brought_minor for due in other.report.claims.dues if due.brought_minor}
        for account in sorted({*left, *opens}):
            due, stated = left.get(account, 0), opens.get(account, 0)
            if due != stated:
                detail = f"cycle {other.manifest.cycle} is brought {stated}, cycle {one.manifest.cycle} carried {due}"
                yield Finding("brought", partner_name(*account), detail)


def _contracts(reports: Sequence[Report]) -> Iterator[Finding]:
    """Findings for each version of a contract that is not in all cycles the same."""
    first: dict[tuple[str, int], tuple[bytes, str]] = {}
    for report in reports:
        for one in report.claims.contracts:
            digest, cycle = first.setdefault(one[:2], (one.digest, report.claims.cycle))
            if digest != one.digest:
                detail = f"says something else in cycle {report.claims.cycle} than in {cycle}"
                yield Finding("contract", f"{one.partner} version {one.version}", detail)


def _of_lines(exports: Sequence[tuple[Manifest, Path]], decided: Sequence[DecidedLine]) -> Iterator[Finding]:
    """Findings that need the lines of all cycles together; what does not fit into memory goes to a folder meanwhile."""
    numbered = {number: stated.cycle for number, (stated, _) in enumerate(exports)}
    with tempfile.TemporaryDirectory() as spilled, spilling(spilled) as connection:
        for number, (_, folder) in enumerate(exports):
            connection.register(f"cycle_{number}", ds.dataset(folder / lines.NAME, format="parquet"))
        names = {"number": [*numbered], "name": [*numbered.values()]}
        connection.register("cycle_name", pa.table(names))
        connection.execute(LINES.format(union=" UNION ALL ".join(map(_selected, numbered))))
        try:
            yield from _twice(connection, numbered)
            yield from _wrong_origins(connection, numbered)
            yield from _overdrawn(connection)
            yield from disputed.findings(connection, decided)
        except duckdb.Error as error:
            raise FileRefused(f"has lines that cannot be compared: {error!s:.200}") from error


def _selected(number: int) -> str:
    return f"SELECT {number} AS cycle, * FROM cycle_{number}"


def _twice(connection: duckdb.DuckDBPyConnection, cycles: Mapping[int, str]) -> Iterator[Finding]:
    for *key, numbers in connection.execute(TWICE, [KEPT + 1]).fetchall():
        names = ", ".join(cycles[number] for number in sorted(numbers))
        yield Finding("one cycle", row_name(*key), f"is in the cycles {names}")


def _wrong_origins(connection: duckdb.DuckDBPyConnection, cycles: Mapping[int, str]) -> Iterator[Finding]:
    """An origin that is of a cycle from before the first one here cannot be looked up, and is believed."""
    stated = [row[0] for row in connection.execute("SELECT DISTINCT origin_cycle FROM line").fetchall()]
    believed = [cycle for cycle in stated if _is_before(cycle, cycles[0])]
    asked = {"believed": believed, "most": KEPT + 1}
    for *key, number, origin, told, settled in connection.execute(WRONG_ORIGINS, asked).fetchall():
        where = "in none of these cycles" if settled is None else f"in {cycles[settled]}"
        detail = f"of cycle {cycles[number]} says that {origin} was settled in {told or 'none'}, it was {where}"
        yield Finding("origin cycle", row_name(*key), detail)


def _is_before(cycle: str, first: str) -> bool:
    try:
        return last_day(cycle) < last_day(first)
    except UnknownCycle:
        return False


def _overdrawn(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    for origin, *pair, points, minor in connection.execute(OVERDRAWN, [KEPT + 1]).fetchall():
        detail = f"{pair_name(*pair)}: its corrections leave {points} points, {minor} minor units"
        yield Finding("origin", origin, detail)
