"""Counters in stripes, so that many may take from one at once and never take more than there is.

What is left of a counter lies in `STRIPES` rows. Who takes looks for one row that has enough and that nobody holds; so
as long as there is plenty, nobody waits. Only who finds none locks all rows, in order, and learns exactly what is left:
no more is taken than there is, and nobody goes without while all rows together have enough. Whoever holds all rows
shares the rest out anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

from settlement.core.exposure import spread

STRIPES = 16
Named = Mapping[str, object]
"""The columns by which a counter is found, with their values."""


class Stripes(NamedTuple):
    """The statements by which the counters of one table are read and changed."""

    quick: TextClause
    locked: TextClause
    shared: TextClause
    made: TextClause
    summed: TextClause

    def take(self, connection: Connection, named: Named, taken: int) -> int | None:
        """Take so much from one row, or give it back when below zero; None if no free row has enough.

        Returns what is left of all rows, as far as it is committed.
        """
        # A row that turned out to have too little stays locked; going on to lock all in order while holding one in the
        # middle would end in a deadlock, so the attempt is undone as a whole.
        attempt = connection.begin_nested()
        row = connection.execute(self.quick, {**named, "taken": taken}).first()
        if row is None:
            attempt.rollback()
            return None
        attempt.commit()
        return int(row[0]) - taken

    def lock(self, connection: Connection, named: Named) -> int | None:
        """Hold all rows, and return what is left of them together; None if there are none."""
        rows = connection.execute(self.locked, named).all()
        return sum(int(row[0]) for row in rows) if rows else None

    def make(self, connection: Connection, named: Named) -> None:
        """Make the rows of a counter that are not there yet."""
        connection.execute(self.made, [{**named, "stripe": stripe} for stripe in range(STRIPES)])

    def share_out(self, connection: Connection, named: Named, left: int) -> None:
        """Set what is left, of a counter whose rows the caller holds."""
        parts = enumerate(spread(left, STRIPES))
        tight = left < 0
        connection.execute(
            self.shared, [{**named, "tight": tight, "stripe": stripe, "left": part} for stripe, part in parts]
        )

    def sum(self, connection: Connection, named: Named) -> int:
        """Return what is left as far as it is committed, without waiting for anybody."""
        return int(connection.execute(self.summed, named).scalar_one())


def stripes_of(table: str, key: tuple[str, ...], left: str, *, tight: str = "") -> Stripes:
    """Return the statements for a table of stripes.

    A counter that may fall below zero has a column that says so, named by `tight`: then everybody takes the exact way.
    It stands on the row itself, because that is what PostgreSQL looks at again once it has waited for the lock.
    """
    of = " AND ".join(f"{name} = :{name}" for name in key)
    loose, tightened = (f" AND NOT {tight}", f", {tight} = :tight") if tight else ("", "")
    names = ", ".join(key)
    return Stripes(
        quick=text(
            f"WITH free AS (SELECT stripe FROM {table} WHERE {of}{loose} AND {left} >= :taken"
            f" ORDER BY {left} DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)"
            f" UPDATE {table} AS striped SET {left} = {left} - :taken FROM free"
            f" WHERE {of} AND striped.stripe = free.stripe RETURNING (SELECT sum({left}) FROM {table} WHERE {of})"
        ),
        locked=text(f"SELECT {left} FROM {table} WHERE {of} ORDER BY stripe FOR NO KEY UPDATE"),
        shared=text(f"UPDATE {table} SET {left} = :left{tightened} WHERE {of} AND stripe = :stripe"),
        made=text(
            f"INSERT INTO {table} ({names}, stripe) VALUES ({', '.join(f':{name}' for name in key)}, :stripe)"
            " ON CONFLICT DO NOTHING"
        ),
        summed=text(f"SELECT coalesce(sum({left}), 0) FROM {table} WHERE {of}"),
    )
