"""Reads of the whole log, for its own proof: every posting, every tile, every head, and what should be in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch
from hub.store.log import LEAF

_PROGRESS = "SELECT size, seen::text FROM hub.log_progress"
_POSTED = f"""
    SELECT sealed.partner_id, sealed.tx::text, sealed.first_position, sealed.events, event.event_id, {LEAF}
    FROM hub.log_posting AS sealed LEFT JOIN hub.event AS event USING (partner_id, tx)
    ORDER BY sealed.first_position, sealed.partner_id, sealed.tx, event.event_id COLLATE "C"
"""
_TILE = "SELECT hashes, names FROM hub.log_tile WHERE level = %(level)s AND number = %(number)s"
_BEYOND = """
    SELECT level, number FROM hub.log_tile
    WHERE number >= ALL (SELECT wanted.tiles FROM unnest(%(tiles)s::bigint[]) WITH ORDINALITY AS wanted (tiles, place)
                         WHERE wanted.place = level + 1)
    ORDER BY 1, 2
"""
_HEADS = "SELECT size, root FROM hub.log_head ORDER BY size"
_FORGOTTEN = """
    SELECT event.partner_id, event.event_id FROM hub.event AS event
    LEFT JOIN hub.log_posting AS sealed USING (partner_id, tx)
    WHERE sealed.tx IS NULL AND pg_visible_in_snapshot(event.tx, %(seen)s::pg_snapshot)
    ORDER BY 1, 2
"""


class Posted(NamedTuple):
    """One event of a sealed posting as its row is now; without an id where the posting has no row left at all."""

    partner_id: str
    tx: str
    first_position: int
    events: int
    event_id: str | None
    leaf: bytes


def progress(connection: Connection) -> tuple[int, str]:
    """Return how many entries the log has by its own account, and the snapshot that saw them."""
    rows = fetch(connection, _PROGRESS, {})
    return (rows[0][0], rows[0][1]) if rows else (0, "1:1:")


def posted(connection: Connection) -> Iterator[Posted]:
    """Yield the events of all sealed postings, in the order of the log."""
    with connection.exec_driver_sql(_POSTED, execution_options={"stream_results": True}) as rows:
        for partner_id, tx, first, events, event_id, leaf in rows:
            yield Posted(partner_id, tx, first, events, event_id, bytes(leaf or b""))


def tile(connection: Connection, level: int, number: int) -> tuple[bytes, Sequence[str]] | None:
    """Return the hashes of a tile and, on level 0, the names of its events; None if there is no such tile."""
    rows = fetch(connection, _TILE, {"level": level, "number": number})
    return (bytes(rows[0][0]), rows[0][1] or ()) if rows else None


def tiles_beyond(connection: Connection, tiles: Sequence[int]) -> list[Any]:
    """Return (level, number) of tiles that are more than a level should have; ``tiles`` says how many, by level."""
    return fetch(connection, _BEYOND, {"tiles": list(tiles)})


def heads(connection: Connection) -> list[tuple[int, bytes]]:
    """Return size and root of all heads, the smallest first."""
    return [(size, bytes(root)) for size, root in fetch(connection, _HEADS, {})]


def forgotten(connection: Connection, seen: str) -> list[tuple[Any, ...]]:
    """Return (partner, event id) of the events that a snapshot saw and no sealed posting has."""
    return fetch(connection, _FORGOTTEN, {"seen": seen})
