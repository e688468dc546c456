"""Importing what others say: a partner's report of a cycle, and the statements of the operator's bank.

A file is named by its content, by what it is about and by how its columns are read. The same file again therefore
changes nothing; read in another way, or after the partner mended it, it is another source, and runs use the last one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from settlement.core.bank_entries import BankEntry, BankStatement
from settlement.core.bank_lines import BankLine, lines_of
from settlement.core.periods import last_day
from settlement.core.report_mapping import ReportForm
from settlement.errors import FileRefused
from settlement.formats import camt05x, reports
from settlement.store.reconciliation_sources import (
    BANK,
    Scope,
    Source,
    add_lines,
    add_source,
    add_statement,
    find_source,
)

Progress = Callable[[int], None]
"""Told how many lines were read, now and then."""
_DIGITS = 16
_EVERY = 5_000


class Import(NamedTuple):
    """A file that is imported by `author` at a moment of business time; `progress` is told of lines read."""

    connection: Connection
    path: Path
    author: str
    at: datetime
    progress: Progress


def import_report(into: Import, scope: Scope, form: ReportForm) -> tuple[Source, bool]:
    """Import a partner's report of a cycle; returns the source, and whether it is new.

    Raises `FileRefused` with the row that cannot be read, `MappingRefused`, and `UnknownCycle` for what is no cycle's
    name; nothing is imported then.
    """
    last_day(scope.cycle)
    source = _source(into, scope, {**form._asdict(), "columns": dict(form.columns)})
    known = find_source(into.connection, source.source)
    if known:
        return known, False
    add_source(into.connection, source)
    lines = (BankLine(line, (), "", "") for line in reports.read(into.path, form))
    count = add_lines(into.connection, source.source, _counted(lines, into.progress))
    if not count:
        raise FileRefused("has no rows")
    return source._replace(lines=count), True


def import_statements(into: Import) -> tuple[Source, bool]:
    """Import a camt.053 file of the operator's bank; returns the source, and whether it is new.

    Raises `FileRefused` for what cannot be read or does not add up, and for a camt.054, whose entries come again in a
    statement; `SettlementRefused` when one of its statements was imported with another file.
    """
    source = _source(into, Scope(BANK), {})
    known = find_source(into.connection, source.source)
    if known:
        return known, False
    add_source(into.connection, source)
    lines = chain.from_iterable(_statements(into.connection, into.path, source.source))
    count = add_lines(into.connection, source.source, _counted(lines, into.progress))
    return source._replace(lines=count), True


def _statements(connection: Connection, path: Path, source: str) -> Iterator[Iterator[BankLine]]:
    entries: list[BankEntry] = []
    for one in camt05x.read(path):
        if isinstance(one, BankEntry):
            entries.append(one)
            continue
        _expect_statement(one)
        add_statement(connection, source, one)
        yield chain.from_iterable([*lines_of(entry, one)] for entry in entries)
        entries = []


def _expect_statement(statement: BankStatement) -> None:
    if not statement.message.startswith(camt05x.STATEMENT):
        raise FileRefused(f"is {statement.message}; the bank is reconciled by its statements, camt.053")


def _counted(lines: Iterator[BankLine], progress: Progress) -> Iterator[BankLine]:
    for number, line in enumerate(lines, 1):
        if number % _EVERY == 0:
            progress(number)
        yield line


def _source(into: Import, scope: Scope, form: dict[str, Any]) -> Source:
    try:
        with into.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error
    named = hashlib.sha256(repr((*scope, sorted(form.items()), digest)).encode()).hexdigest()[:_DIGITS]
    return Source(named, scope, into.path.name, digest, form, 0, into.author, into.at)
