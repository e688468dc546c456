"""An exported cycle recomputed from its folder alone, with neither hub nor database.

What the folder states is taken as a claim; what its lines give is found with the same code as the self-checks before
publication. The result says which files and which rows differ, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from settlement.core.books.rows import BookedRow
from settlement.core.charges import Charge
from settlement.core.decided_lines import Adjusting, DecidedLine
from settlement.core.findings import Finding, Findings
from settlement.core.lines import FIELDS, Obligation, row_name
from settlement.core.netting import Net, multilateral_nets
from settlement.core.numbering import Numbering
from settlement.core.parties import ADJUSTMENT
from settlement.core.periods import last_day
from settlement.core.positions import Position
from settlement.core.statement_balances import PartnerMovement
from settlement.core.verification import Claims, compare_movements
from settlement.errors import FileRefused, UnknownCycle
from settlement.exports import lines, manifest, tables
from settlement.exports.lines import NUMBER, ORIGIN_CYCLE
from settlement.exports.manifest import Manifest
from settlement.recomputation.consequences import compare_consequences
from settlement.recomputation.cycle import Recomputation

Told = Callable[[int], None]


class Report(NamedTuple):
    """What the lines of a folder give; the cycle is equal to what is stated when there are no findings."""

    claims: Claims
    published_at: str
    findings: Sequence[Finding]
    lines: int
    positions: Sequence[Position]
    nets: Sequence[Net]
    charges: Sequence[Charge]
    decided: Sequence[DecidedLine]
    """What disputes were decided to in the cycle."""


class Exported(NamedTuple):
    """What a folder states, without its lines."""

    folder: Path
    manifest: Manifest
    claims: Claims
    movements: Sequence[PartnerMovement]
    books: Sequence[BookedRow]
    decided: Sequence[DecidedLine]


def recompute(folder: Path, digest: bytes | None = None, told: Told = lambda lines: None) -> Report:
    """Recompute a folder; `digest` is the cycle digest known from elsewhere, such as a signed statement.

    `told` gets the number of lines each time that some more were looked at. Raises `FileRefused` when a file that is
    needed is missing or cannot be read.
    """
    exported = load(folder)
    findings, path = Findings(), folder / lines.NAME
    findings.extend(manifest.differences(folder, exported.manifest))
    findings.extend(_about_manifest(exported, digest))
    with Recomputation(exported.claims) as recomputation:
        adjusting = Adjusting(exported.decided)
        findings.extend(adjusting.findings)
        in_sequence = _take_in(path, recomputation, findings, exported, adjusting, told)
        if not in_sequence or recomputation.lines != exported.manifest.lines:
            findings.extend(_misnumbered(path, exported.manifest))
        findings.extend(adjusting.missing())
        findings.extend(compare_movements(exported.movements, recomputation.movements()))
        findings.extend(recomputation.finish())
        positions = recomputation.positions()
        nets, charges = multilateral_nets(positions), recomputation.charges()
        pairs = recomputation.pairs()
        findings.extend(compare_consequences(exported.claims, exported.books, pairs, nets, charges))
        return Report(
            exported.claims,
            exported.manifest.published_at,
            findings.listed(),
            recomputation.lines,
            positions,
            nets,
            charges,
            exported.decided,
        )


def load(folder: Path) -> Exported:
    """What a folder states; raises `FileRefused` when a file is missing or cannot be read."""
    stated = manifest.read(folder)
    known = {file.name for file in stated.files}
    for name in (lines.NAME, *tables.ROWS):
        if name not in known:
            raise FileRefused(f"the manifest names no {name}")
        if not (folder / name).is_file():
            raise FileRefused(f"{name} is in the manifest and missing from the folder")
    rows: Mapping[str, list[Any]] = {name: tables.read(folder / name) for name in tables.ROWS}
    claims = Claims(
        stated.cycle,
        stated.ends_on,
        stated.lines,
        stated.digest,
        rows["positions.parquet"],
        rows["nets.parquet"],
        rows["statements.parquet"],
        rows["dues.parquet"],
        rows["charges.parquet"],
        rows["contracts.parquet"],
        rows["tax_rates.parquet"],
    )
    beside = (rows["movements.parquet"], rows["books.parquet"], rows["disputes.parquet"])
    return Exported(folder, stated, claims, *beside)


def _take_in(
    path: Path,
    recomputation: Recomputation,
    findings: Findings,
    exported: Exported,
    adjusting: Adjusting,
    told: Told,
) -> bool:
    """Give all lines to the recomputation; False when their numbers are not 1, 2, 3 and so on."""
    in_sequence = True
    try:
        for stretch in lines.stretches_of(path):
            in_sequence &= _is_in_sequence(stretch.column(NUMBER).combine_chunks(), recomputation.lines + 1)
            findings.extend(_origin_cycles(stretch, exported.claims))
            findings.extend(_adjustments(stretch, adjusting))
            recomputation.add(stretch)
            told(recomputation.lines)
    except duckdb.Error as error:
        raise FileRefused(f"{path.name} has lines that cannot be added up: {error!s:.200}") from error
    return in_sequence


def _is_in_sequence(numbers: pa.Array, begin: int) -> bool:
    by_one = pc.equal(numbers[1:], pc.add(numbers[:-1], 1))
    return numbers[0].as_py() == begin and pc.all(by_one, min_count=0).as_py() is True


def _adjustments(stretch: pa.Table, adjusting: Adjusting) -> list[Finding]:
    """Findings for each adjustment that is not what a dispute was decided to."""
    posted = stretch.filter(pc.equal(stretch.column("kind"), ADJUSTMENT)).select(FIELDS).to_pylist()
    lines = (Obligation(**row) for row in posted)
    found = ((line, adjusting.why_wrong(line)) for line in lines)
    return [Finding("adjustment", row_name(*line[:3]), reason) for line, reason in found if reason]


def _origin_cycles(stretch: pa.Table, claims: Claims) -> list[Finding]:
    """Findings for each line whose origin was not settled in a cycle that there is, or in a later one."""
    column = stretch.column(ORIGIN_CYCLE)
    wrong = [one for one in pc.unique(column).to_pylist() if one and not _ended_by(one, claims)]
    no_origin = pc.and_(pc.not_equal(column, ""), pc.equal(stretch.column("origin"), ""))
    which = pc.or_(pc.is_in(column, value_set=pa.array(wrong, pa.string())), no_origin)
    rows = stretch.select(["partner_id", "event_id", "line", ORIGIN_CYCLE]).filter(which).to_pylist()
    return [
        Finding("origin cycle", row_name(*key), f"its origin is not of {cycle}, or that is no cycle")
        for *key, cycle in (row.values() for row in rows)
    ]


def _ended_by(cycle: str, claims: Claims) -> bool:
    try:
        return last_day(cycle) <= claims.ends_on
    except UnknownCycle:
        return False


def _misnumbered(path: Path, stated: Manifest) -> list[Finding]:
    """Which lines are gone or were put in, by the number and the name before that each line carries."""
    numbering, findings = Numbering(), Findings()
    for number, previous, key in lines.places_of(path):
        misplaced = numbering.follow(number, previous, row_name(*key))
        if misplaced:
            findings.add(*misplaced)
    gone = numbering.finish(stated.lines, stated.last)
    return findings.listed() + ([gone] if gone else [])


def _about_manifest(exported: Exported, digest: bytes | None) -> list[Finding]:
    claims, folder = exported.claims, exported.folder
    findings = [
        Finding("rows", file.name, f"{file.rows} rows in the manifest, {found} in the file")
        for file in exported.manifest.files
        if (folder / file.name).is_file() and file.name in (lines.NAME, *tables.ROWS)
        if (found := tables.rows_in(folder / file.name)) != file.rows
    ]
    if digest not in {None, claims.digest}:
        findings.append(Finding("cycle digest", f"cycle {claims.cycle}", f"the folder states {claims.digest.hex()}"))
    try:
        ends_right = claims.ends_on == last_day(claims.cycle)
    except UnknownCycle:
        ends_right = False
    if not ends_right:
        findings.append(Finding("cycle", f"cycle {claims.cycle}", f"does not end on {claims.ends_on}"))
    return findings
