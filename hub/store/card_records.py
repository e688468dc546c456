"""Purchases with cards as later records find them, and amounts that are counted in the posting transaction.

A purchase can have several parts: what was charged back and presented again is a part of its own, with the purchase as
``origin``. What is left of a part follows from the events that refer to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from hub.core.card_matching import MOST_AGE, Open
from hub.store.database import fetch
from settlement.store.arrays import columns_of

_ADD = """
    INSERT INTO hub.card_purchase
        (partner_id, event_id, line, origin, represents, occurred_at, merchant, amount_minor, currency)
    SELECT %(partner_id)s, given.* FROM unnest(
        %(event_id)s::text[], %(line)s::text[], %(origin)s::text[], %(represents)s::text[],
        %(occurred_at)s::timestamptz[], %(merchant)s::text[], %(amount_minor)s::bigint[], %(currency)s::text[]) AS given
"""
_LEFT = """
    SELECT purchase.*, purchase.amount_minor - coalesce((
        SELECT sum(back.amount_minor) FROM hub.event AS back
        WHERE back.partner_id = purchase.partner_id AND back.refers_to = purchase.event_id AND back.kind = 'refund'
          AND back.status = 'posted'), 0) AS left_minor
    FROM hub.card_purchase AS purchase WHERE purchase.partner_id = %(partner_id)s
"""
_OPEN = f"""
    SELECT own.origin, own.merchant, own.occurred_at, sum(part.left_minor)::bigint
    FROM ({_LEFT} AND line = %(line)s AND currency = %(currency)s AND occurred_at BETWEEN %(since)s AND %(at)s) AS part
    JOIN hub.card_purchase AS own ON own.partner_id = part.partner_id AND own.event_id = part.origin
    GROUP BY 1, 2, 3 HAVING sum(part.left_minor) > 0
"""
_PARTS = f"SELECT event_id, left_minor::bigint, line FROM ({_LEFT} AND origin = %(origin)s) AS part ORDER BY place DESC"
_FIND = """
    SELECT event_id, line, origin, represents, occurred_at, merchant, amount_minor, currency
    FROM hub.card_purchase WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s
"""
_REPRESENTED = """
    SELECT represents FROM hub.card_purchase
    WHERE partner_id = %(partner_id)s AND represents = ANY(%(event_ids)s::text[])
"""
_GIVE_BONUS = "INSERT INTO hub.card_bonus (partner_id, line, name, event_id, spend_minor) VALUES (%s, %s, %s, %s, %s)"
_BONUSES = """
    SELECT line, name, event_id, spend_minor FROM hub.card_bonus
    WHERE partner_id = %(partner_id)s AND line = ANY(%(lines)s::text[]) ORDER BY line, name
"""


class Purchase(NamedTuple):
    """A purchase, or a part of one, under the id of the event that posted it."""

    event_id: str
    line: str
    """The card line; empty for bonuses, which no refund finds by itself."""
    origin: str
    represents: str | None
    occurred_at: datetime
    merchant: str | None
    amount_minor: int
    currency: str


class Part(NamedTuple):
    """What is left of a part of a purchase."""

    event_id: str
    left_minor: int
    line: str


class Given(NamedTuple):
    """A bonus that was given for a card line, standing or taken back since."""

    line: str
    name: str
    event_id: str
    spend_minor: int


def add(connection: Connection, partner_id: str, purchases: Sequence[Purchase]) -> None:
    """Note purchases whose events were posted in this transaction."""
    if purchases:
        connection.exec_driver_sql(_ADD, {"partner_id": partner_id, **columns_of(Purchase._fields, purchases)})


def open_of(connection: Connection, partner_id: str, line: str, currency: str, at: datetime) -> list[Open]:
    """Return the purchases of a card line up to an instant of which something is left."""
    values = {"partner_id": partner_id, "line": line, "currency": currency, "since": at - MOST_AGE, "at": at}
    return [Open(*row) for row in fetch(connection, _OPEN, values)]


def parts_of(connection: Connection, partner_id: str, origin: str) -> list[Part]:
    """Return the parts of a purchase, the newest first."""
    return [Part(*row) for row in fetch(connection, _PARTS, {"partner_id": partner_id, "origin": origin})]


def find(connection: Connection, partner_id: str, event_id: str) -> Purchase | None:
    """Return a purchase, a part of one or a bonus by its event, or None if the event is none of them."""
    rows = fetch(connection, _FIND, {"partner_id": partner_id, "event_id": event_id})
    return Purchase(*rows[0]) if rows else None


def represented(connection: Connection, partner_id: str, event_ids: Iterable[str]) -> set[str]:
    """Return which of these events were presented again already."""
    rows = fetch(connection, _REPRESENTED, {"partner_id": partner_id, "event_ids": list(event_ids)})
    return {row[0] for row in rows}


def give_bonus(connection: Connection, partner_id: str, given: Given) -> None:
    """Note a bonus; the same of a card line twice is an error of the database's."""
    connection.exec_driver_sql(_GIVE_BONUS, (partner_id, *given))


def bonuses(connection: Connection, partner_id: str, lines: Iterable[str]) -> dict[tuple[str, str], Given]:
    """Return the bonuses that were ever given for card lines, by line and name."""
    rows = fetch(connection, _BONUSES, {"partner_id": partner_id, "lines": list(lines)})
    return {(row[0], row[1]): Given(*row) for row in rows}
