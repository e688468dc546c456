"""Who holds which card, and since when: changes that are only ever added, found by keyed blind index alone.

The holder of a card at an instant is the one that its latest change up to then names, or nobody where that change
ended it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from hub.store.database import fetch
from settlement.store.arrays import columns_of

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
_ADD = """
    INSERT INTO hub.card_change (partner_id, card_index, effective_at, event_id, member_id, product, line, place)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_COLUMNS = "event_id, card_index, member_id, product, line, effective_at, place"
_LATEST = f"""
    SELECT {_COLUMNS} FROM hub.card_change WHERE partner_id = %(partner_id)s AND card_index = %(card_index)s
    ORDER BY place DESC LIMIT 1
"""
_OF_EVENT = f"""
    SELECT {_COLUMNS} FROM hub.card_change
    WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s AND member_id IS NOT NULL
"""
_HELD = f"""
    SELECT latest.* FROM unnest(%(cards)s::bytea[], %(times)s::timestamptz[]) WITH ORDINALITY AS asked (card, at, place)
    LEFT JOIN LATERAL (
        SELECT {_COLUMNS} FROM hub.card_change
        WHERE partner_id = %(partner_id)s AND card_index = asked.card AND effective_at <= asked.at
        ORDER BY card_change.place DESC LIMIT 1
    ) AS latest ON true
    ORDER BY asked.place
"""
_OF_MEMBERS = """
    SELECT held.event_id, held.product, held.effective_at AS linked_at, ended.effective_at AS ended_at,
           ended.event_id AS ended_by
    FROM hub.card_change AS held
    LEFT JOIN LATERAL (
        SELECT effective_at, event_id FROM hub.card_change AS later
        WHERE later.partner_id = held.partner_id AND later.card_index = held.card_index
          AND later.place = held.place + 1
    ) AS ended ON true
    WHERE held.member_id = ANY(%(members)s::bigint[]) AND held.partner_id = %(partner_id)s
    ORDER BY held.effective_at, held.place, held.event_id LIMIT %(most)s
"""

_LINES = """
    SELECT line FROM hub.card_change WHERE partner_id = %(partner_id)s AND member_id = ANY(%(members)s::bigint[])
    GROUP BY line ORDER BY min(effective_at), line LIMIT 100
"""
_STARTS = """
    SELECT event_id, min(effective_at) FROM hub.card_change
    WHERE partner_id = %(partner_id)s AND event_id = ANY(%(lines)s::text[]) GROUP BY event_id
"""


class Change(NamedTuple):
    """One change of a card: from ``effective_at`` on ``member_id`` holds it, or nobody."""

    event_id: str
    card_index: bytes
    member_id: int | None
    product: str | None
    line: str
    """The event that linked the first card of those that followed one another, this one among them."""
    effective_at: datetime
    place: int = 0
    """Of the changes of the card, from 0."""


def lock(connection: Connection, partner_id: str, cards: Sequence[bytes]) -> None:
    """Let one transaction at a time change these cards."""
    for card_index in sorted(set(cards)):
        connection.exec_driver_sql(_LOCK, {"name": f"card/{partner_id}/{card_index.hex()}"})


def add(connection: Connection, partner_id: str, change: Change) -> None:
    """Write a change that comes after all others of its card, under `lock`."""
    values = (
        partner_id, change.card_index, change.effective_at, change.event_id, change.member_id, change.product,
        change.line, change.place,
    )  # fmt: skip
    connection.exec_driver_sql(_ADD, values)


def latest(connection: Connection, partner_id: str, card_index: bytes) -> Change | None:
    """Return the last change of a card, or None if it was never linked."""
    rows = fetch(connection, _LATEST, {"partner_id": partner_id, "card_index": card_index})
    return _change(rows[0]) if rows else None


def of_event(connection: Connection, partner_id: str, event_id: str) -> Change | None:
    """Return the change by which an event gave a card to a member, or None."""
    rows = fetch(connection, _OF_EVENT, {"partner_id": partner_id, "event_id": event_id})
    return _change(rows[0]) if rows else None


def held(connection: Connection, partner_id: str, cards: Sequence[tuple[bytes, datetime]]) -> list[Change | None]:
    """Return the last change of each card up to its instant, in order; None where it was never linked by then."""
    values = {"partner_id": partner_id, **columns_of(("cards", "times"), cards)}
    rows = fetch(connection, _HELD, values)
    return [_change(row) if row[0] is not None else None for row in rows]


def lines_of(connection: Connection, partner_id: str, members: Sequence[int]) -> list[str]:
    """Return the card lines of members, those that were linked first before the others."""
    return [row[0] for row in fetch(connection, _LINES, {"partner_id": partner_id, "members": list(members)})]


def starts(connection: Connection, partner_id: str, lines: Sequence[str]) -> dict[str, datetime]:
    """Return since when the first card of each line was linked."""
    return dict(fetch(connection, _STARTS, {"partner_id": partner_id, "lines": list(lines)}))


def of_members(connection: Connection, partner_id: str, members: Sequence[int], most: int) -> Sequence[Row[Any]]:
    """Return the cards of a partner's that members hold or held, oldest first, with what ended each."""
    values = {"partner_id": partner_id, "members": list(members), "most": most}
    return connection.exec_driver_sql(_OF_MEMBERS, values).all()


def _change(row: Any) -> Change:
    return Change(*row)._replace(card_index=bytes(row[1]))
