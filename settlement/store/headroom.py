"""Headroom: what is left of a credit line, in stripes (`settlement.store.stripes`), so that many may take from it.

A line is never exceeded, and nobody is declined while all rows together have enough. When a line is exceeded all the
same (its limit was lowered, or something was counted that nobody could decline), its rows are marked `tight`: then
everybody takes the exact way, until there is headroom again.
"""

from __future__ import annotations

from sqlalchemy import Connection

from settlement.core.dues import Account
from settlement.store.stripes import stripes_of

_HEADROOM = stripes_of("settlement.headroom", ("partner", "currency"), "left_minor", tight="tight")


def take(connection: Connection, account: Account, minor: int, *, hard: bool) -> bool:
    """Take so much of a line's headroom in the caller's transaction, or give back what is below zero.

    False when a `hard` line has less; then nothing was taken. A line that is not there is not limited.
    """
    named = _named(account)
    if _HEADROOM.take(connection, named, minor) is not None:
        return True
    left = _HEADROOM.lock(connection, named)
    if left is None:
        return True
    if hard and minor > max(left, 0):
        return False
    _HEADROOM.share_out(connection, named, left - minor)
    return True


def lock(connection: Connection, account: Account) -> None:
    """Hold all rows of a line, which are made if there are none; what was taken before is committed then."""
    _HEADROOM.make(connection, _named(account))
    _HEADROOM.lock(connection, _named(account))


def put(connection: Connection, account: Account, left_minor: int) -> None:
    """Set what is left of a line whose rows the caller holds."""
    _HEADROOM.share_out(connection, _named(account), left_minor)


def _named(account: Account) -> dict[str, object]:
    return {"partner": account[0], "currency": account[1]}
