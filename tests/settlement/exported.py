"""Exported cycles as plain rows, so that a test can change any of them and write the folder back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from settlement.core.findings import Finding
from settlement.core.lines import FIELDS, Obligation, line_digest
from settlement.exports import manifest
from settlement.exports.manifest import exported_file
from settlement.recomputation.folder import recompute

Row = dict[str, Any]
Change = Callable[[list[Row]], object]


def rows_of(folder: Path, name: str) -> list[Row]:
    """The rows of one file."""
    rows: list[Row] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


def put(folder: Path, name: str, rows: list[Row], forge: bool = True) -> None:
    """Write a file anew; with `forge` the manifest too, as somebody would who wants to hide it."""
    path = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(path)), path)
    if forge:
        restate(folder)


def restate(folder: Path, **fields: Any) -> None:
    """Let the manifest agree with the files that are there, and say something else."""
    stated = manifest.read(folder)
    files = [
        exported_file(path, pq.read_metadata(path).num_rows) for path in sorted(folder.iterdir()) if path.suffix
        if path.name != manifest.NAME
    ]  # fmt: skip
    manifest.write(folder, stated._replace(files=tuple(files), **fields))


def alter(folder: Path, name: str, change: Change, forge: bool = True) -> list[Finding]:
    """Change the rows of one file and recompute the cycle."""
    rows = rows_of(folder, name)
    change(rows)
    put(folder, name, rows, forge)
    return [*recompute(folder).findings]


def redigest(row: Row) -> None:
    """Give an altered line the digest its fields have now."""
    row["digest"] = line_digest(Obligation(**{name: row[name] for name in FIELDS}))


def named(findings: list[Finding], check: str = "") -> set[str]:
    """The rows that findings of a check name."""
    return {finding.row for finding in findings if check in finding.check}
