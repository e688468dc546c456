"""Headroom: what is left of a credit line, in stripes, so that many may take from it at once.

A line's headroom lies in `STRIPES` rows. Who takes looks for one row that has enough and that nobody holds; so as long
as there is plenty, nobody waits. Only who finds none locks all rows, in order, and learns exactly what is left: a line
is never exceeded, and nobody is declined while all rows together have enough. Whoever holds all rows shares the rest
out anew.

When a line is exceeded all the same (its limit was lowered, or something was counted that nobody could decline), its
rows are marked `tight`: then everybody takes the exact way, until there is headroom again. The mark stands on the row
itself, because that is what PostgreSQL looks at again once it has waited for the lock.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from settlement.core.dues import Account
from settlement.core.exposure import spread

STRIPES = 16

_OF = "partner = :partner AND currency = :currency"
_QUICK = text(
    f"""
    WITH free AS (
        SELECT stripe FROM settlement.headroom
        WHERE {_OF} AND NOT tight AND left_minor >= :taken
        ORDER BY left_minor DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE settlement.headroom SET left_minor = left_minor - :taken
    FROM free WHERE {_OF} AND headroom.stripe = free.stripe RETURNING true
    """
)
_LOCK = text(f"SELECT stripe, left_minor FROM settlement.headroom WHERE {_OF} ORDER BY stripe FOR NO KEY UPDATE")
_SHARE_OUT = text(
    f"UPDATE settlement.headroom SET left_minor = :left_minor, tight = :tight WHERE {_OF} AND stripe = :stripe"
)
_MAKE = text(
    "INSERT INTO settlement.headroom (partner, currency, stripe)"
    " VALUES (:partner, :currency, :stripe) ON CONFLICT DO NOTHING"
)


def take(connection: Connection, account: Account, minor: int, *, hard: bool) -> bool:
    """Take so much of a line's headroom in the caller's transaction, or give back what is below zero.

    False when a `hard` line has less; then nothing was taken. A line that is not there is not limited.
    """
    named = {"partner": account[0], "currency": account[1]}
    # A row that turned out to have too little stays locked; going on to lock all in order while holding one in the
    # middle would end in a deadlock, so the attempt is undone as a whole.
    attempt = connection.begin_nested()
    if connection.execute(_QUICK, {**named, "taken": minor}).first():
        attempt.commit()
        return True
    attempt.rollback()
    rows = connection.execute(_LOCK, named).all()
    left = sum(row.left_minor for row in rows)
    if rows and hard and minor > max(left, 0):
        return False
    if rows:
        _share_out(connection, account, left - minor)
    return True


def lock(connection: Connection, account: Account) -> None:
    """Hold all rows of a line, which are made if there are none; what was taken before is committed then."""
    named = {"partner": account[0], "currency": account[1]}
    connection.execute(_MAKE, [{**named, "stripe": stripe} for stripe in range(STRIPES)])
    connection.execute(_LOCK, named)


def put(connection: Connection, account: Account, left_minor: int) -> None:
    """Set what is left of a line whose rows the caller holds."""
    _share_out(connection, account, left_minor)


def _share_out(connection: Connection, account: Account, left_minor: int) -> None:
    named = {"partner": account[0], "currency": account[1], "tight": left_minor < 0}
    parts = enumerate(spread(left_minor, STRIPES))
    connection.execute(_SHARE_OUT, [{**named, "stripe": stripe, "left_minor": part} for stripe, part in parts])
