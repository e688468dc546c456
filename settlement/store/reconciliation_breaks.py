"""Breaks and their lives: a row for what a break is, and a row for each thing that was done about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import IntegrityError

from settlement.core.reconciliation import Break, Line
from settlement.errors import SettlementRefused
from settlement.store.bulk import add_rows
from settlement.store.reconciliation_sources import Scope
from settlement.store.reconciliation_tables import reconciliation_break, reconciliation_step

OPEN, EXPLAINED, WRITTEN_OFF, RESOLVED = "open", "explained", "written_off", "resolved"
STATES = (OPEN, EXPLAINED, WRITTEN_OFF, RESOLVED)
"""Waiting; left as it is for a reason; paid for by the operator; not found any more by a later run."""


class Step(NamedTuple):
    """One thing that was done about a break, after which it is in this state and this owner's."""

    seq: int
    state: str
    owner: str
    run: int | None
    reason: str
    author: str
    at: datetime


class LivingBreak(NamedTuple):
    """A break with its first and its last step."""

    name: str
    scope: Scope
    found: Break
    reference: str
    day: date
    first: Step
    last: Step


_BREAK = (
    "category",
    "left_keys",
    "right_keys",
    "left_currency",
    "left_minor",
    "right_currency",
    "right_minor",
    "detail",
)
_SEPARATOR = "\n"
_FIRST, _LAST = reconciliation_step.alias("first_step"), reconciliation_step.alias("last_step")


def listing(connection: Connection, scope: Scope | None, states: Collection[str]) -> list[LivingBreak]:
    """The breaks that are in one of these states, of a scope or of all, the oldest first."""
    query = _joined().where(_LAST.c.state.in_(states))
    if scope:
        query = query.where(*(reconciliation_break.c[name] == value for name, value in scope._asdict().items()))
    rows = connection.execute(query.order_by(_FIRST.c.at, reconciliation_break.c["break"]))
    return [_living(row) for row in rows]


def find_break(connection: Connection, name: str) -> LivingBreak:
    """The break of that name; raises `SettlementRefused`."""
    row = connection.execute(_joined().where(reconciliation_break.c["break"] == name)).first()
    if row is None:
        raise SettlementRefused(f"there is no break {name[:40]!r}; 'hansa reconcile breaks' names them")
    return _living(row)


def steps_of(connection: Connection, name: str) -> list[Step]:
    """All that was done about a break."""
    table = reconciliation_step
    query = select(*(table.c[field] for field in Step._fields)).where(table.c["break"] == name).order_by(table.c.seq)
    return [Step._make(row) for row in connection.execute(query)]


def add_breaks(connection: Connection, scope: Scope, breaks: Mapping[str, Break], lines: Mapping[str, Line]) -> None:
    """Add breaks that are new; `lines` are those of both sides by key, of which a break shows the first."""
    rows = (
        (
            name,
            *scope,
            one.category,
            _SEPARATOR.join(one.left),
            _SEPARATOR.join(one.right),
            *one[3:],
            line.reference,
            line.day,
        )
        for name, one in breaks.items()
        for line in [lines[(one.left or one.right)[0]]]
    )
    add_rows(connection, reconciliation_break, ("break", *Scope._fields, *_BREAK, "reference", "day"), rows)


def add_steps(connection: Connection, steps: Iterable[tuple[str, Step]]) -> None:
    """Add steps; raises `SettlementRefused` when somebody else took one of their places."""
    try:
        with connection.begin_nested():
            add_rows(connection, reconciliation_step, ("break", *Step._fields), ((name, *step) for name, step in steps))
    except IntegrityError as error:
        raise SettlementRefused(
            "somebody else did something about the same break just now; look at it again"
        ) from error


def _joined() -> Select[tuple[object, ...]]:
    table, later = reconciliation_break, reconciliation_step.alias("later")
    last = select(later.c.seq).where(later.c["break"] == table.c["break"]).order_by(later.c.seq.desc()).limit(1)
    joined = table.join(_FIRST, (_FIRST.c["break"] == table.c["break"]) & (_FIRST.c.seq == 1)).join(
        _LAST, (_LAST.c["break"] == table.c["break"]) & (_LAST.c.seq == last.scalar_subquery())
    )
    columns = [table.c[name] for name in ("break", *Scope._fields, *_BREAK, "reference", "day")]
    return select(*columns, *(step.c[name] for step in (_FIRST, _LAST) for name in Step._fields)).select_from(joined)


def _living(row: Iterable[object]) -> LivingBreak:
    name, kind, partner, cycle, category, lefts, rights, *rest = row
    figures, (reference, day), steps = rest[:5], rest[5:7], rest[7:]
    found = Break(category, _keys(lefts), _keys(rights), *figures)  # type: ignore[arg-type]
    width = len(Step._fields)
    first, last = Step._make(steps[:width]), Step._make(steps[width:])
    return LivingBreak(name, Scope(kind, partner, cycle), found, reference, day, first, last)  # type: ignore[arg-type]


def _keys(joined: object) -> tuple[str, ...]:
    return tuple(str(joined).split(_SEPARATOR)) if joined else ()
