"""File formats: one module each, found by the suffix of the file.

To add a format of statements, write a module with a function `write(path, summary, lines)` like its neighbours, or
`write(path, summary, lines, words)` if it is for people, and enter it in `STATEMENTS`. To add a format of exported
cycles, write `write(path, header, lines)` and `opened(path)` and enter it in `EXPORTS`, with the bytes by which such a
file is recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from settlement.core.numbering import NumberedLine
from settlement.errors import FileRefused
from settlement.formats import (
    export_jsonl,
    export_parquet,
    statement_csv,
    statement_json,
    statement_parquet,
    statement_pdf,
)
from settlement.formats.records import Export, Header
from settlement.formats.statement_words import ENGLISH, WORDS

Document = Mapping[str, Any]
_Kind = TypeVar("_Kind")
StatementWriter = Callable[[Path, Document, Iterable[Document]], None]


class StatementFormat(NamedTuple):
    """How a statement is written; `spoken` formats take the words of a language as a last argument.

    `by_currency` formats want the lines sorted by currency first.
    """

    write: Callable[..., None]
    spoken: bool = False
    by_currency: bool = False

    def in_language(self, language: str) -> StatementWriter:
        """The writer for a language; raises `FileRefused` where there is none."""
        if language not in WORDS:
            raise FileRefused(f"there are no statements in {language!r}; there are {', '.join(WORDS)}")
        if self.spoken:
            return partial(self.write, words=WORDS[language])
        if language != ENGLISH:
            raise FileRefused("this format is for programs and the same in every language; leave the language out")
        return self.write


class ExportFormat(NamedTuple):
    """How an exported cycle is written and read; a file of this format starts with `magic`."""

    magic: bytes
    write: Callable[[Path, Header, Iterable[NumberedLine]], None]
    opened: Callable[[Path], AbstractContextManager[Export]]


STATEMENTS: Mapping[str, StatementFormat] = {
    ".csv": StatementFormat(statement_csv.write),
    ".json": StatementFormat(statement_json.write),
    ".parquet": StatementFormat(statement_parquet.write),
    ".pdf": StatementFormat(statement_pdf.write, spoken=True, by_currency=True),
}

EXPORTS: Mapping[str, ExportFormat] = {
    ".jsonl": ExportFormat(b"{", export_jsonl.write, export_jsonl.opened),
    ".parquet": ExportFormat(b"PAR1", export_parquet.write, export_parquet.opened),
}


def statement_format(path: Path) -> StatementFormat:
    """The format of a statement's file; raises `FileRefused` for a suffix without one."""
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
