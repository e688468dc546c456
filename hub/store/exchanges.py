"""Exchanges: what was quoted and taken, and in which state each is. Decide on one only under its member's lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from hub.core.errors import LedgerBroken
from hub.store.database import fetch

OPEN, CONFIRMED, FAILED, REVERSED = "open", "confirmed", "failed", "reversed"

_COLUMNS = """
    partner_id, exchange_id, member_id, quote_id, direction, unit, source_amount, target_amount, rate_version, state,
    opened_at, changed_at, payment
"""
_ADD = f"""
    INSERT INTO hub.exchange ({_COLUMNS})
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (partner_id, payment) WHERE payment IS NOT NULL DO NOTHING
"""
_GIVEN = """
    SELECT coalesce(sum(source_amount) FILTER (WHERE opened_at >= %(day)s), 0)::bigint,
           coalesce(sum(source_amount), 0)::bigint
    FROM hub.exchange
    WHERE partner_id = %(partner_id)s AND member_id = ANY(%(members)s::bigint[]) AND direction = 'in'
      AND unit = %(unit)s AND opened_at >= %(year)s AND state IN ('open', 'confirmed')
"""
_FIND = f"""
    SELECT {_COLUMNS} FROM hub.exchange WHERE partner_id = %(partner_id)s AND exchange_id = %(exchange_id)s
"""
_TAKEN = "SELECT 1 FROM hub.exchange WHERE partner_id = %(partner_id)s AND quote_id = %(quote_id)s"
_MOVE = """
    UPDATE hub.exchange SET state = %(state)s, changed_at = %(at)s
    WHERE partner_id = %(partner_id)s AND exchange_id = %(exchange_id)s AND state = %(expected)s
"""
_PAGE = text(f"""
    SELECT {_COLUMNS}, tx::text FROM hub.exchange
    WHERE partner_id = :partner_id AND (tx, exchange_id) > (cast(:tx AS xid8), :exchange_id)
      AND (:state = '' OR state = :state) AND tx < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY exchange.tx, exchange_id LIMIT :most
""")
_LISTING = text(f"""
    SELECT {_COLUMNS} FROM hub.exchange
    WHERE state = :state AND opened_at <= :opened_before AND (:partner_id = '' OR partner_id = :partner_id)
    ORDER BY opened_at, partner_id, exchange_id
""")


class Exchange(NamedTuple):
    """One exchange; amounts are points on one side and own units of the partner on the other."""

    partner_id: str
    exchange_id: str
    member_id: int
    quote_id: str
    direction: str
    unit: str
    source: int
    target: int
    rate_version: int
    state: str
    opened_at: datetime
    changed_at: datetime
    payment: str | None = None
    """By which the source comes, where the rate asks for that; no other exchange of the partner names it."""

    @property
    def points(self) -> int:
        """The side that is coalition points."""
        return self.source if self.direction == "out" else self.target


def add(connection: Connection, exchange: Exchange) -> bool:
    """Record a new exchange, under its member's lock; False if another one names its payment."""
    return connection.exec_driver_sql(_ADD, tuple(exchange)).rowcount == 1


def given(
    connection: Connection, partner_id: str, members: Sequence[int], unit: str, day: datetime, year: datetime
) -> tuple[int, int]:
    """Return how much of a unit members gave for points, or are about to, since a day and since a year began."""
    values = {"partner_id": partner_id, "members": list(members), "unit": unit, "day": day, "year": year}
    [(today, this_year)] = fetch(connection, _GIVEN, values)
    return int(today), int(this_year)


def is_taken(connection: Connection, partner_id: str, quote_id: str) -> bool:
    """Tell, under the lock of the member that it was made for, whether some exchange has taken a quote."""
    return bool(fetch(connection, _TAKEN, {"partner_id": partner_id, "quote_id": quote_id}))


def find(connection: Connection, partner_id: str, exchange_id: str, *, lock: bool = False) -> Exchange | None:
    """Return an exchange, with ``lock`` to change its state; None if there is none."""
    statement = _FIND + (" FOR UPDATE" if lock else "")
    rows = fetch(connection, statement, {"partner_id": partner_id, "exchange_id": exchange_id})
    return Exchange(*rows[0]) if rows else None


def move(connection: Connection, exchange: Exchange, state: str, at: datetime) -> None:
    """Bring an exchange from the state that it was found in to another.

    Raises:
        LedgerBroken: it is no longer in that state.
    """
    values = {"partner_id": exchange.partner_id, "exchange_id": exchange.exchange_id, "expected": exchange.state}
    if connection.exec_driver_sql(_MOVE, values | {"state": state, "at": at}).rowcount != 1:
        raise LedgerBroken(f"exchange {exchange.exchange_id} of {exchange.partner_id} changed under its lock")


def page(
    connection: Connection, partner_id: str, state: str, after: tuple[str, str], most: int
) -> list[tuple[Exchange, str]]:
    """Return a partner's exchanges, in one state or with ``""`` in any, each with its transaction.

    They come in the order in which they were recorded, after ``(transaction, exchange_id)``; see
    `hub.store.events.page`.
    """
    values = {"partner_id": partner_id, "state": state, "tx": after[0], "exchange_id": after[1], "most": most}
    return [(Exchange(*row[:-1]), row[-1]) for row in connection.execute(_PAGE, values)]


def listing(connection: Connection, state: str, opened_before: datetime, partner_id: str) -> Sequence[Exchange]:
    """Return the exchanges of one partner, or with ``""`` of all, that are in a state since long, oldest first."""
    values = {"state": state, "opened_before": opened_before, "partner_id": partner_id}
    return [Exchange(*row) for row in connection.execute(_LISTING, values)]
