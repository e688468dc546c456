"""File formats: one module each, found by the suffix of the file.

To add a format of statements, write a module with a function `write(path, summary, lines)` like its neighbours, or
`write(path, summary, lines, words)` if it is for people, and enter it in `STATEMENTS`. Exported cycles have one format,
in `settlement.exports`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from settlement.errors import FileRefused
from settlement.formats import (
    statement_csv,
    statement_json,
    statement_parquet,
    statement_pdf,
)
from settlement.formats.statement_words import ENGLISH, WORDS

Document = Mapping[str, Any]
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


STATEMENTS: Mapping[str, StatementFormat] = {
    ".csv": StatementFormat(statement_csv.write),
    ".json": StatementFormat(statement_json.write),
    ".parquet": StatementFormat(statement_parquet.write),
    ".pdf": StatementFormat(statement_pdf.write, spoken=True, by_currency=True),
}


def statement_format(path: Path) -> StatementFormat:
    """The format of a statement's file; raises `FileRefused` for a suffix without one."""
    found = STATEMENTS.get(path.suffix)
    if found is None:
        raise FileRefused(f"{path}: no format is called {path.suffix!r}; there are {', '.join(STATEMENTS)}")
    return found
