"""The log's rows: which events are not sealed yet, and what sealing writes.

A posting's events lie side by side in the log, in the order of their ids, so one row a posting says where they are;
their hashes and names are in tiles of 256. So sealing writes a few rows for a thousand events, and none of theirs.

What is sealed is decided by snapshots (docs/decisions/0004): the events of a transaction are in the log when the
snapshot that was kept last saw it. One that is held open meanwhile is in that snapshot's list, and looked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

TILE = 256
"""Entries of a tile; one that is full has an entry in the tile above."""
AT_ONCE = 5_000
"""About how many events are sealed in one transaction, also of what was posted before the hub had a log."""

_POSTED_AT = """to_char(event.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_CONTENT = "encode(sha256(sealed.content_salt || event.content), 'hex')"
_RECORD = """encode(sha256(sealed.record_salt || convert_to(ROW(
        event.member_id, timestamptz_send(event.occurred_at), event.business_date - date '2000-01-01',
        event.amount_minor, event.currency, event.rate_version, event.expires_on - date '2000-01-01',
        event.matures_on - date '2000-01-01', event.store, event.terminal, event.channel, event.items,
        event.error_code, event.evidence_id, event.tx, event.refers_to, event.returned_before, event.priced_by,
        event.scheme_rule, event.details
    )::text, 'UTF8')), 'hex')"""
"""All that the row says besides; it does not depend on how a session writes days and instants."""
LEAF = f"""sha256('\\x00'::bytea || convert_to(concat_ws(E'\\n',
    'hansa-event-v1', event.partner_id, event.event_id, event.kind, event.status, event.points, {_POSTED_AT},
    {_CONTENT}, {_RECORD}), 'UTF8'))"""
"""The hash of an event's leaf (`partner_sdk.wire.leaves`), from its row and its posting's salts."""

_LOCK = """
    INSERT INTO hub.log_progress (size, seen) VALUES (0, '1:1:')
    ON CONFLICT (only_row) DO UPDATE SET only_row = true RETURNING only_row
"""
_OR_ELSE = "SELECT only_row FROM hub.log_progress FOR UPDATE SKIP LOCKED"
_IS_THERE = "SELECT EXISTS (SELECT FROM hub.log_progress)"
_PROGRESS = """
    SELECT coalesce(size, 0), coalesce(seen::text, '1:1:'), pg_current_snapshot()::text
    FROM (VALUES (true)) AS always (only_row) LEFT JOIN hub.log_progress USING (only_row)
"""
_PLANNED = "SET LOCAL enable_seqscan = off; SET LOCAL work_mem = '64MB'; SET LOCAL bytea_output = 'hex'"
"""The planner cannot know that what is not sealed is at the end of an index."""
_REPORTERS = "(SELECT partner_id FROM hub.partner UNION ALL SELECT 'coalition') AS reporter"
_UNSEALED = f"""(
    SELECT fresh.* FROM {_REPORTERS} CROSS JOIN LATERAL (
        SELECT partner_id, tx FROM hub.event WHERE partner_id = reporter.partner_id AND tx >= %(after)s::xid8
        ORDER BY tx LIMIT %(most)s
    ) AS fresh
    UNION ALL
    SELECT held.* FROM {_REPORTERS} CROSS JOIN LATERAL (
        SELECT partner_id, tx FROM hub.event WHERE partner_id = reporter.partner_id AND tx = ANY(%(open)s::xid8[])
        LIMIT %(most)s
    ) AS held
)"""
_ANY = f"SELECT EXISTS {_UNSEALED}"
_BOUNDS = f"""
    WITH unsealed AS MATERIALIZED {_UNSEALED}
    SELECT min(tx::text::bigint), (SELECT tx::text::bigint FROM unsealed ORDER BY tx OFFSET %(most)s - 1 LIMIT 1)
    FROM unsealed WHERE tx >= %(after)s::xid8
"""
_SEAL = f"""
WITH found AS MATERIALIZED (
    SELECT fresh.partner_id, fresh.tx, count(*) AS events
    FROM {_REPORTERS} CROSS JOIN LATERAL (
        SELECT partner_id, tx FROM hub.event WHERE partner_id = reporter.partner_id
           AND tx >= %(after)s::xid8 AND tx < %(until)s::xid8
        UNION ALL
        SELECT partner_id, tx FROM hub.event WHERE partner_id = reporter.partner_id AND tx = ANY(%(open)s::xid8[])
    ) AS fresh
    WHERE pg_visible_in_snapshot(fresh.tx, %(seen)s::pg_snapshot)
    GROUP BY fresh.partner_id, fresh.tx
), sealed AS MATERIALIZED (
    SELECT partner_id, tx, events, uuid_send(gen_random_uuid()) AS content_salt,
           uuid_send(gen_random_uuid()) AS record_salt,
           (%(size)s + sum(events) OVER (ORDER BY tx, partner_id COLLATE "C") - events)::bigint AS first_position
    FROM found
), kept AS (
    INSERT INTO hub.log_posting (partner_id, tx, first_position, events, content_salt, record_salt)
    SELECT partner_id, tx, first_position, events, content_salt, record_salt FROM sealed
), leaf AS MATERIALIZED (
    SELECT sealed.first_position, event.event_id, {LEAF} AS hash
    FROM sealed CROSS JOIN LATERAL (
        SELECT * FROM hub.event WHERE partner_id = sealed.partner_id AND tx = sealed.tx OFFSET 0
    ) AS event
), placed AS (
    SELECT event_id, hash, first_position - 1 + row_number() OVER (
               PARTITION BY first_position ORDER BY event_id COLLATE "C") AS position
    FROM leaf
)
INSERT INTO hub.log_tile AS tile (level, number, hashes, names)
SELECT 0, position / {TILE}, string_agg(hash, ''::bytea ORDER BY position), array_agg(event_id ORDER BY position)
FROM placed GROUP BY 2 ORDER BY 2
ON CONFLICT (level, number) DO UPDATE SET hashes = tile.hashes || excluded.hashes, names = tile.names || excluded.names
RETURNING number, hashes
"""
_APPEND = """
    INSERT INTO hub.log_tile AS tile (level, number, hashes)
    SELECT %(level)s, given.* FROM unnest(%(numbers)s::bigint[], %(hashes)s::bytea[]) AS given (number, hashes)
    ORDER BY given.number
    ON CONFLICT (level, number) DO UPDATE SET hashes = tile.hashes || excluded.hashes
    RETURNING number, hashes
"""
_TILES = """
    SELECT level, number, hashes FROM hub.log_tile
    JOIN unnest(%(levels)s::smallint[], %(numbers)s::bigint[]) AS wanted (level, number) USING (level, number)
"""
_ADD_HEAD = "INSERT INTO hub.log_head (size, root, sealed_at) VALUES (%(size)s, %(root)s, %(at)s) RETURNING size"
_GO_ON = "UPDATE hub.log_progress SET size = %(size)s, seen = %(seen)s::pg_snapshot RETURNING size"
_ENTRY = f"""
    SELECT event.kind, event.status, event.points, {_POSTED_AT}, {_CONTENT}, {_RECORD}, sealed.content_salt,
           (SELECT {TILE} * tile.number + entry.place - 1
            FROM hub.log_tile AS tile CROSS JOIN LATERAL unnest(tile.names) WITH ORDINALITY AS entry (name, place)
            WHERE tile.level = 0 AND entry.name = event.event_id
              AND tile.number BETWEEN sealed.first_position / {TILE}
                                  AND (sealed.first_position + sealed.events - 1) / {TILE}
              AND {TILE} * tile.number + entry.place - 1
                  BETWEEN sealed.first_position AND sealed.first_position + sealed.events - 1)
    FROM hub.event AS event LEFT JOIN hub.log_posting AS sealed USING (partner_id, tx)
    WHERE event.partner_id = %(partner_id)s AND event.event_id = %(event_id)s
"""
_IS_PARTY = """
    SELECT EXISTS (SELECT FROM settlement.obligation
                   WHERE partner_id = %(partner_id)s AND event_id = %(event_id)s AND %(party)s IN (issuer, redeemer))
"""
_HEAD = "SELECT size, root FROM hub.log_head ORDER BY size DESC LIMIT 1"

EMPTY_ROOT = sha256().digest()
"""The root over no entries (RFC 9162 section 2.1.1)."""
TileId = tuple[int, int]
"""Level and number of a tile."""


class Step(NamedTuple):
    """From where to where the log is to be carried on."""

    size: int
    """Entries that the log has."""
    after: str
    """The first transaction that the last snapshot did not see, besides those that were open."""
    open: Sequence[str]
    until: str
    seen: str
    """The snapshot that decides what is sealed."""


def has_unsealed(connection: Connection) -> bool:
    """Tell whether anything is committed and not in the log."""
    _, after, held_open, _ = _progress(connection)
    return bool(fetch(connection, _ANY, {"after": after, "open": held_open, "most": 1})[0][0])


def next_step(connection: Connection) -> Step:
    """Return the next step, of about `AT_ONCE` events if there are more."""
    size, after, held_open, now = _progress(connection)
    first, last = fetch(connection, _BOUNDS, {"after": after, "open": held_open, "most": AT_ONCE})[0]
    until, seen = _bounded(now, None if last is None else max(last, first + 1))
    return Step(size, after, held_open, until, seen)


def _progress(connection: Connection) -> tuple[int, str, list[str], str]:
    """Return the log's size, what its last snapshot did not see (see `Step`), and the snapshot of now."""
    size, before, now = fetch(connection, _PROGRESS, {})[0]
    _, after, held = before.split(":")
    return size, after, [one for one in held.split(",") if one], now


def _bounded(snapshot: str, until: int | None) -> tuple[str, str]:
    """Return where a snapshot ends, and the snapshot, made to end before the transaction ``until``."""
    least, most, held = snapshot.split(":")
    end = int(most) if until is None else min(int(most), until)
    held_open = ",".join(one for one in held.split(",") if one and int(one) < end)
    return str(end), f"{min(int(least), end)}:{end}:{held_open}"


def lock(connection: Connection) -> None:
    """Let nobody else seal until the transaction ends."""
    fetch(connection, _LOCK, {})
    connection.exec_driver_sql(_PLANNED)


def try_lock(connection: Connection) -> bool:
    """Do as `lock` if nobody seals at the moment, and tell whether that was so."""
    if fetch(connection, _IS_THERE, {})[0][0]:
        connection.exec_driver_sql(_PLANNED)
        return bool(fetch(connection, _OR_ELSE, {}))
    lock(connection)
    return True


def seal(connection: Connection, step: Step) -> list[tuple[int, bytes]]:
    """Write where the step's events are in the log, and their leaves; return the tiles of leaves that changed."""
    return _ordered(fetch(connection, _SEAL, step._asdict()))


def append(connection: Connection, level: int, hashes: Mapping[int, bytes]) -> list[tuple[int, bytes]]:
    """Add entries at the end of the tiles of a higher level; return the tiles as they are now."""
    values = {"level": level, "numbers": list(hashes), "hashes": list(hashes.values())}
    return _ordered(fetch(connection, _APPEND, values))


def _ordered(rows: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return sorted((number, bytes(hashes)) for number, hashes in rows)


def tiles(connection: Connection, wanted: Sequence[TileId]) -> dict[TileId, bytes]:
    """Return the hashes of those of these tiles that there are."""
    values = {"levels": [level for level, _ in wanted], "numbers": [number for _, number in wanted]}
    return {(level, number): bytes(hashes) for level, number, hashes in fetch(connection, _TILES, values)}


def add_head(connection: Connection, size: int, root: bytes, at: datetime) -> None:
    """Keep the root of a size."""
    fetch(connection, _ADD_HEAD, {"size": size, "root": root, "at": at})


def go_on(connection: Connection, size: int, seen: str) -> None:
    """Keep how far the log has come."""
    fetch(connection, _GO_ON, {"size": size, "seen": seen})


def head(connection: Connection) -> tuple[int, bytes]:
    """Return size and root of the log as it is now."""
    rows = fetch(connection, _HEAD, {})
    return (rows[0][0], bytes(rows[0][1])) if rows else (0, EMPTY_ROOT)


class Entry(NamedTuple):
    """An event as the log has it."""

    kind: str
    status: str
    points: int
    posted_at: str
    content: str
    record: str
    content_salt: bytes
    position: int | None
    """None while it is not sealed."""


def entry(connection: Connection, partner_id: str, event_id: str) -> Entry | None:
    """Return an event as the log has it, or None if there is none."""
    rows = fetch(connection, _ENTRY, {"partner_id": partner_id, "event_id": event_id})
    return Entry(*rows[0]) if rows else None


def is_party(connection: Connection, party: str, partner_id: str, event_id: str) -> bool:
    """Tell whether an event made somebody owe or be owed."""
    return bool(fetch(connection, _IS_PARTY, {"party": party, "partner_id": partner_id, "event_id": event_id})[0][0])
