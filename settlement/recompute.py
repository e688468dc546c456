"""Recompute an exported cycle from its file alone, with neither hub nor database.

What the file states is taken as a claim; what its lines give is found with the same code as the self-checks before
publication. The result says which rows differ, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from settlement.core.charges import Charge
from settlement.core.findings import Finding, Findings
from settlement.core.lines import row_name
from settlement.core.netting import Net, multilateral_nets
from settlement.core.numbering import NumberedLine, Numbering
from settlement.core.periods import last_day
from settlement.core.positions import Position
from settlement.core.verification import Claims, Recomputation
from settlement.errors import UnknownCycle
from settlement.formats import recognised
from settlement.formats.records import Export, Header


class Report(NamedTuple):
    """What the lines of a file give; the file is equal to itself when there are no findings."""

    claims: Claims
    published_at: str
    findings: Sequence[Finding]
    lines: int
    positions: Sequence[Position]
    nets: Sequence[Net]
    charges: Sequence[Charge]


def recompute_file(path: Path, digest: bytes | None = None) -> Report:
    """Recompute a file; `digest` is the cycle digest known from elsewhere, such as a signed statement.

    Raises `FileRefused` when the file cannot be read to its end.
    """
    with recognised(path).opened(path) as export:
        return _recompute(export, digest)


def _recompute(export: Export, digest: bytes | None) -> Report:
    header, findings, numbering = export.header, Findings(), Numbering()
    recomputation = Recomputation(header.claims)
    for numbered in export.lines:
        misplaced = numbering.follow(numbered.number, numbered.previous, row_name(*numbered.line[:3]))
        if misplaced:
            findings.add(*misplaced)
        if numbered.origin_cycle:
            findings.extend(_about_origin_cycle(numbered, header.claims.ends_on))
        recomputation.add(numbered.line, numbered.digest)
    gone = numbering.finish(header.claims.lines, header.last)
    findings.extend([*([gone] if gone else []), *_about_header(header, digest), *recomputation.finish()])
    positions = recomputation.positions()
    nets, charges = multilateral_nets(positions), recomputation.charges()
    return Report(header.claims, header.published_at, findings.listed(), recomputation.lines, positions, nets, charges)


def _about_origin_cycle(numbered: NumberedLine, ends_on: date) -> list[Finding]:
    """An origin was settled in a cycle that there is, no later than its correction."""
    try:
        earlier = last_day(numbered.origin_cycle) <= ends_on
    except UnknownCycle:
        earlier = False
    if earlier:
        return []
    row = row_name(*numbered.line[:3])
    return [Finding("origin cycle", row, f"its origin is not of {numbered.origin_cycle}, or that is no cycle")]


def _about_header(header: Header, digest: bytes | None) -> list[Finding]:
    claims = header.claims
    findings = []
    if digest not in {None, claims.digest}:
        findings.append(Finding("cycle digest", f"cycle {claims.cycle}", f"the file states {claims.digest.hex()}"))
    try:
        ends_right = claims.ends_on == last_day(claims.cycle)
    except UnknownCycle:
        ends_right = False
    if not ends_right:
        findings.append(Finding("cycle", f"cycle {claims.cycle}", f"does not end on {claims.ends_on}"))
    return findings
