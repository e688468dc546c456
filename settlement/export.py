"""Export: a published cycle as one folder that anyone can recompute.

The folder has what was published and every line it rests on, numbered; `settlement.recomputation` needs nothing else.
What is in which file says `settlement.exports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from settlement.books import settled_of
from settlement.core.books.of_cycles import entries_of
from settlement.core.books.rows import rows_of
from settlement.core.verification import Claims
from settlement.disputes.dispute_check import decided_in
from settlement.exports import lines, manifest, tables
from settlement.exports.folders import whole_folder
from settlement.exports.manifest import Manifest, exported_file
from settlement.statements import load_published, rfc3339
from settlement.store.line_stream import line_tables
from settlement.store.movements import ask_all_movements
from settlement.store.origins import stated_lines_of
from settlement.store.window import Window, window_of


def write(connection: Connection, cycle: str, folder: Path) -> None:
    """Write a published cycle into a new folder; it is streamed, and the folder is there whole or not at all.

    An earlier export in its place is replaced. Raises `UnknownCycle`, `NotPublished`, and `FileRefused` where something
    else has that name.
    """
    _, published, claims = load_published(connection, cycle)
    window = window_of(connection, cycle)
    rows = {**_rows(claims), **_beside(connection, window)}
    with whole_folder(folder) as beside:
        stream = line_tables(connection, stated_lines_of(window), lines.STATED)
        written = lines.write(beside / lines.NAME, stream)
        files = [exported_file(beside / lines.NAME, written.lines)]
        for name, own in rows.items():
            tables.write(beside / name, own)
            files.append(exported_file(beside / name, len(own)))
        before = window.before.cycle if window.before else ""
        place = (cycle, window.at.number, before, window.at.ends_on, rfc3339(published.at))
        stated = Manifest(*place, claims.digest, claims.lines, written.last, tuple(files))
        manifest.write(beside, stated)


def _beside(connection: Connection, window: Window) -> Mapping[str, Sequence[Any]]:
    """What follows from lines and claims in other ways: movements, the books, and what disputes were decided to."""
    return {
        "movements.parquet": ask_all_movements(connection, window),
        "books.parquet": rows_of(entries_of(*settled_of(connection, window))),
        "disputes.parquet": decided_in(connection, window),
    }


def _rows(claims: Claims) -> Mapping[str, Sequence[Any]]:
    return {
        "positions.parquet": claims.positions,
        "nets.parquet": claims.nets,
        "statements.parquet": claims.totals,
        "dues.parquet": claims.dues,
        "charges.parquet": claims.charges,
        "contracts.parquet": claims.contracts,
        "tax_rates.parquet": claims.tax_rates,
    }
