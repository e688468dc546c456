"""Imported files and their lines: added once, read by every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from settlement.core.bank_entries import BankStatement
from settlement.core.bank_lines import BankLine
from settlement.core.reconciliation import Line
from settlement.errors import SettlementRefused
from settlement.store.bulk import add_rows
from settlement.store.reconciliation_tables import bank_statement, reconciliation_line, reconciliation_source

PARTNER, BANK = "partner", "bank"
KINDS = (PARTNER, BANK)


class Scope(NamedTuple):
    """What is reconciled: a partner's report of a cycle, or (with neither) the bank."""

    kind: str
    partner: str = ""
    cycle: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


class Source(NamedTuple):
    """An imported file; `source` names it, `form` is how its columns were read."""

    source: str
    scope: Scope
    file_name: str
    file_digest: bytes
    form: dict[str, Any]
    lines: int
    author: str
    at: datetime


_FIELDS = Line._fields
_COLUMNS = ("source", *_FIELDS, "others", "text")
_SEPARATOR = "\n"


def find_source(connection: Connection, name: str) -> Source | None:
    """The source of that name."""
    table = reconciliation_source
    row = connection.execute(select(table).where(table.c.source == name)).first()
    return _source(row) if row else None


def sources_of(connection: Connection, scope: Scope | None = None) -> list[Source]:
    """The sources of a scope, or all, in the order in which they were imported."""
    table = reconciliation_source
    query = select(table).order_by(table.c.at, table.c.source)
    if scope:
        query = query.where(table.c.kind == scope.kind, table.c.partner == scope.partner, table.c.cycle == scope.cycle)
    return [_source(row) for row in connection.execute(query)]


def add_source(connection: Connection, source: Source) -> None:
    """Add a source, before its lines; how many they are is told afterwards. Its file may be imported by one only."""
    row = {**source.scope._asdict(), **source._asdict()}
    del row["scope"]
    try:
        connection.execute(insert(reconciliation_source), row)
    except IntegrityError as error:
        raise SettlementRefused("somebody else imported this file at the same time") from error


def add_lines(connection: Connection, source: str, lines: Iterable[BankLine]) -> int:
    """Add the lines of a source, and say on it how many there are."""
    rows = ((source, *one.line, _SEPARATOR.join(one.others), one.text) for one in lines)
    count = add_rows(connection, reconciliation_line, _COLUMNS, rows)
    table = reconciliation_source
    connection.execute(update(table).where(table.c.source == source).values(lines=count))
    return count


def add_statement(connection: Connection, source: str, statement: BankStatement) -> None:
    """Add a bank's statement; raises `SettlementRefused` when it was imported before, in this file or another."""
    known = select(bank_statement.c.source).where(
        bank_statement.c.account == statement.account, bank_statement.c.statement_id == statement.statement_id
    )
    before = connection.execute(known).scalar()
    if before:
        raise SettlementRefused(
            f"statement {statement.statement_id!r} of account {statement.account} was imported before, by {before}"
        )
    columns = ("account", "statement_id", "message", "currency", "opening_minor", "closing_minor", "entries")
    values = {name: getattr(statement, name) for name in (*columns, "booked_minor")}
    connection.execute(insert(bank_statement), {"source": source, **values})


def load_lines(connection: Connection, sources: Sequence[str]) -> list[BankLine]:
    """The lines of sources, in the order of their keys; a key begins with the name of its source."""
    table = reconciliation_line
    query = select(*(table.c[name] for name in _COLUMNS)).where(table.c.source.in_(sources))
    rows = connection.execute(query.order_by(table.c.source, table.c.key))
    return [_line(*row) for row in rows]


def keep_ours(connection: Connection, run: int, lines: Sequence[Line]) -> None:
    """Keep our side of a run with the bank, since payments go on and ours will be another one tomorrow."""
    name = _ours(run)
    add_rows(connection, reconciliation_line, _COLUMNS, ((name, *line, "", "") for line in lines))


def load_ours(connection: Connection, run: int) -> list[Line]:
    """Our side of a run with the bank, as it was kept."""
    prefix = f"{_ours(run)}/"
    return [one.line._replace(key=one.line.key.removeprefix(prefix)) for one in load_lines(connection, [_ours(run)])]


def _ours(run: int) -> str:
    return f"ours-{run}"


def _line(source: str, key: str, *rest: Any) -> BankLine:
    *fields, others, text = rest
    return BankLine(Line(f"{source}/{key}", *fields), tuple(others.split(_SEPARATOR)) if others else (), "", text)


def _source(row: Any) -> Source:
    found = row._asdict()
    scope = Scope(*(found.pop(name) for name in Scope._fields))
    return Source(scope=scope, **found)
