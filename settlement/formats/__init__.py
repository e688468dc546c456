"""File formats: one module each, found by the suffix of the file.

To add a format of statements, write a module with a function `write(path, summary, lines)` like its neighbours and
enter it in `STATEMENTS`. To add a format of exported cycles, write `write(path, header, lines)` and `opened(path)` and
enter it in `EXPORTS`, with the bytes by which such a file is recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from settlement.core.numbering import NumberedLine
from settlement.errors import FileRefused
from settlement.formats import export_jsonl, export_parquet, statement_csv, statement_json
from settlement.formats.records import Export, Header

Document = Mapping[str, Any]
_Kind = TypeVar("_Kind")
StatementWriter = Callable[[Path, Document, Iterable[Document]], None]


class ExportFormat(NamedTuple):
    """How an exported cycle is written and read; a file of this format starts with `magic`."""

    magic: bytes
    write: Callable[[Path, Header, Iterable[NumberedLine]], None]
    opened: Callable[[Path], AbstractContextManager[Export]]


STATEMENTS: Mapping[str, StatementWriter] = {".csv": statement_csv.write, ".json": statement_json.write}

EXPORTS: Mapping[str, ExportFormat] = {
    ".jsonl": ExportFormat(b"{", export_jsonl.write, export_jsonl.opened),
    ".parquet": ExportFormat(b"PAR1", export_parquet.write, export_parquet.opened),
}


def statement_writer(path: Path) -> StatementWriter:
    """The writer for a statement's file; raises `FileRefused` for a suffix without one."""
    return _by_suffix(STATEMENTS, path)


def export_format(path: Path) -> ExportFormat:
    """The format of an export to be written; raises `FileRefused` for a suffix without one."""
    return _by_suffix(EXPORTS, path)


def recognised(path: Path) -> ExportFormat:
    """The format of a file that exists, by its first bytes; raises `FileRefused`."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error
    for known in EXPORTS.values():
        if start.startswith(known.magic):
            return known
    raise FileRefused("is no exported cycle: it starts like neither JSON lines nor Parquet")


def _by_suffix(table: Mapping[str, _Kind], path: Path) -> _Kind:
    found = table.get(path.suffix)
    if found is None:
        raise FileRefused(f"{path}: no format is called {path.suffix!r}; there are {', '.join(table)}")
    return found
