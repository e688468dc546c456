"""The window of a cycle: which obligations are in it.

Nothing is written on an obligation when a cycle is cut off. An obligation is in the first cycle whose last
day is not before its business date and whose cut-off could see the transaction that wrote it. Transactions
become visible in commit order, so one that stays open across a cut-off falls whole into a later cycle, and
none is in two or in none. Cut-offs are in order, and what an earlier one could see a later one sees too; so
"not in any earlier cycle" is the same as "not within the cut-off before".
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    cast,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from settlement.core.lines import FIELDS
from settlement.errors import UnknownCycle
from settlement.store.tables import cycle as cycle_table
from settlement.store.tables import obligation
from settlement.store.types import Snapshot

KEY = (obligation.c.partner_id, obligation.c.event_id, obligation.c.line)
LINE = tuple(obligation.c[name] for name in FIELDS)


class CutOff(NamedTuple):
    """One row of `settlement.cycle`: the `number`-th cycle, up to `ends_on`, as far as `snapshot` could see."""

    cycle: str
    number: int
    ends_on: date
    snapshot: str


class Window(NamedTuple):
    """A cut-off together with the one before it, if there is one."""

    at: CutOff
    before: CutOff | None


def cut_offs(connection: Connection) -> list[CutOff]:
    """Every cut-off, in order."""
    rows = connection.execute(select(cycle_table).order_by(cycle_table.c.number, cycle_table.c.cycle))
    return [_cut_off(row) for row in rows]


def window_of(connection: Connection, cycle: str) -> Window:
    """The window of a cycle that is cut off; raises `UnknownCycle`."""
    known = cut_offs(connection)
    place = next((place for place, cut in enumerate(known) if cut.cycle == cycle), None)
    if place is None:
        raise UnknownCycle(f"cycle {cycle} has not been cut off")
    return Window(known[place], known[place - 1] if place else None)


def seen_by(rows: FromClause, cut: CutOff) -> ColumnElement[bool]:
    """Rows with columns `business_date` and `tx` that are in this cycle or an earlier one."""
    snapshot = cast(cut.snapshot, Snapshot)
    return and_(
        rows.c.business_date <= cut.ends_on,
        rows.c.tx < func.pg_snapshot_xmax(snapshot),
        func.pg_visible_in_snapshot(rows.c.tx, snapshot),
    )


def within(rows: FromClause, window: Window) -> ColumnElement[bool]:
    """Rows with columns `business_date` and `tx` that are in exactly this cycle."""
    if window.before is None:
        return seen_by(rows, window.at)
    return and_(seen_by(rows, window.at), unseen_by(rows, window.before))


def unseen_by(rows: FromClause, cut: CutOff) -> ColumnElement[bool]:
    """The opposite of `seen_by`, written so that an index on either column helps."""
    snapshot = cast(cut.snapshot, Snapshot)
    committed_later = and_(
        rows.c.tx >= func.pg_snapshot_xmin(snapshot), not_(func.pg_visible_in_snapshot(rows.c.tx, snapshot))
    )
    return or_(rows.c.business_date > cut.ends_on, committed_later)


def lines_of(window: Window, *more: ColumnElement[Any]) -> Select[Any]:
    """The obligations of a cycle with their digests, in the order of (partner_id, event_id, line)."""
    return select(*LINE, obligation.c.digest).where(within(obligation, window), *more).order_by(*KEY)


def after_key(after: tuple[str, str, int]) -> ColumnElement[bool]:
    """Lines after this (partner_id, event_id, line)."""
    return tuple_(*KEY) > tuple_(*after)


def party(partner: str) -> ColumnElement[bool]:
    """Lines in which the partner is issuer or redeemer."""
    return or_(obligation.c.issuer == partner, obligation.c.redeemer == partner)


def _cut_off(row: Row[Any]) -> CutOff:
    return CutOff(row.cycle, row.number, row.ends_on, row.cutoff_snapshot)
