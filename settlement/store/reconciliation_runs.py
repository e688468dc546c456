"""Runs and what each of their lines became: written whole, in the transaction of the run, and never altered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, literal, select, text, union_all

from settlement.core.reconciliation import Break, Match, Outcome
from settlement.store.bulk import add_rows
from settlement.store.reconciliation_sources import Scope
from settlement.store.reconciliation_tables import (
    reconciliation_break,
    reconciliation_match,
    reconciliation_place,
    reconciliation_run,
)

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('settlement.reconciliation'))")
_LEFT, _RIGHT = "left", "right"


class Run(NamedTuple):
    """One run: its scope and rules, what went in, how much of it matched; `inputs` is the digest of what went in."""

    run: int
    scope: Scope
    sources: Sequence[str]
    tolerance_minor: int
    days: int
    material_minor: int
    inputs: bytes
    left_lines: int
    right_lines: int
    matches: int
    breaks: int
    author: str
    at: datetime


_COLUMNS = [reconciliation_run.c[name] for name in (*Scope._fields, *(name for name in Run._fields if name != "scope"))]


def hold(connection: Connection) -> int:
    """Let one run go on at a time, until the transaction ends; returns the number of the next."""
    connection.execute(_ONE_AT_A_TIME)
    last = connection.execute(select(func.max(reconciliation_run.c.run))).scalar()
    return (last or 0) + 1


def find_run(connection: Connection, number: int) -> Run | None:
    """The run of that number."""
    row = connection.execute(select(*_COLUMNS).where(reconciliation_run.c.run == number)).first()
    return _run(row) if row else None


def runs_of(connection: Connection, scope: Scope | None = None) -> list[Run]:
    """The runs of a scope, or all, in their order."""
    query = select(*_COLUMNS).order_by(reconciliation_run.c.run)
    if scope:
        query = query.where(*(reconciliation_run.c[name] == value for name, value in scope._asdict().items()))
    return [_run(row) for row in connection.execute(query)]


def add_run(connection: Connection, run: Run, outcome: Outcome, names: Mapping[str, Break]) -> None:
    """Write a run down with every match and the place of every line; `names` are those of its breaks."""
    row = {**run.scope._asdict(), **run._asdict()}
    connection.execute(insert(reconciliation_run), {name: row[name] for name in row if name != "scope"})
    numbered = [*enumerate(outcome.matches, 1)]
    matches = ((run.run, number, *_figures(match)) for number, match in numbered)
    columns = ("run", "match", "by", "currency", "left_minor", "right_minor")
    add_rows(connection, reconciliation_match, columns, matches)
    places = (*_places(run.run, numbered), *_places_of_breaks(run.run, names))
    add_rows(connection, reconciliation_place, ("run", "side", "key", "match", "break"), places)


def totals_of(connection: Connection, run: int) -> list[tuple[str, tuple[int, int]]]:
    """What the lines of both sides of a run come to, by currency, from its matches and breaks."""
    table, place, match = reconciliation_break, reconciliation_place, reconciliation_match
    broken = table.c["break"].in_(select(place.c["break"]).where(place.c.run == run))
    parts = union_all(
        select(match.c.currency, match.c.left_minor, match.c.right_minor).where(match.c.run == run),
        select(table.c.left_currency, table.c.left_minor, literal(0)).where(broken),
        select(table.c.right_currency, literal(0), table.c.right_minor).where(broken),
    ).subquery()
    currency, left, right = parts.c
    query = select(currency, func.sum(left), func.sum(right)).where(currency != "").group_by(currency)
    return [(code, (int(ours), int(theirs))) for code, ours, theirs in connection.execute(query)]


def load_outcome(connection: Connection, run: int) -> Outcome:
    """The matches and breaks of a run, put together again from the places of its lines."""
    keys: defaultdict[tuple[int | None, str | None, str], list[str]] = defaultdict(list)
    place = reconciliation_place
    for row in connection.execute(select(place).where(place.c.run == run).order_by(place.c.side, place.c.key)):
        keys[row.match, row[4], row.side].append(row.key)
    table = reconciliation_match
    rows = connection.execute(select(table).where(table.c.run == run).order_by(table.c.match)).all()
    matches = [Match(one.by, *_sides(keys, one.match, None), *one[3:]) for one in rows]
    return Outcome(matches, [*_breaks(connection, run, keys)])


Keys = Mapping[tuple[int | None, str | None, str], list[str]]


def _breaks(connection: Connection, run: int, keys: Keys) -> Iterator[Break]:
    table, place = reconciliation_break, reconciliation_place
    figures = ("left_currency", "left_minor", "right_currency", "right_minor", "detail")
    placed = select(place.c["break"]).where(place.c.run == run)
    query = select(table.c["break"], table.c.category, *(table.c[name] for name in figures))
    for name, category, *rest in connection.execute(
        query.where(table.c["break"].in_(placed)).order_by(table.c["break"])
    ):
        yield Break(category, *_sides(keys, None, name), *rest)


def _sides(keys: Keys, match: int | None, name: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    left, right = (tuple(keys.get((match, name, side), ())) for side in (_LEFT, _RIGHT))
    return left, right


def _figures(match: Match) -> tuple[str, str, int, int]:
    return match.by, match.currency, match.left_minor, match.right_minor


def _places(run: int, matches: Sequence[tuple[int, Match]]) -> Iterator[tuple[object, ...]]:
    for number, match in matches:
        yield from ((run, _LEFT, key, number, None) for key in match.left)
        yield from ((run, _RIGHT, key, number, None) for key in match.right)


def _places_of_breaks(run: int, names: Mapping[str, Break]) -> Iterator[tuple[object, ...]]:
    for name, one in names.items():
        yield from ((run, _LEFT, key, None, name) for key in one.left)
        yield from ((run, _RIGHT, key, None, name) for key in one.right)


def _run(row: Sequence[object]) -> Run:
    kind, partner, cycle, number, *rest = row
    return Run(number, Scope(kind, partner, cycle), *rest)  # type: ignore[arg-type]
