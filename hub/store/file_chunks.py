"""Chunks of a file: some hundred records that are posted in one transaction, with what became of each.

Who posts takes a chunk that nobody else has (``SKIP LOCKED``) and writes the answers in the same transaction. So a
chunk is posted and answered, or neither, whenever its process ends; and several may post the same file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch
from hub.store.files import COUNTED, File
from settlement.store.arrays import array_of

WAITING, POSTED, REVERSED = "waiting", "posted", "reversed"

_ADD = """
    WITH added AS (
        INSERT INTO hub.file_chunk (partner_id, file_id, number, records, digest, hashes, sealed)
        VALUES (%(partner_id)s, %(file_id)s, %(number)s, %(records)s, %(digest)s, %(hashes)s::bigint[], %(sealed)s)
    )
    UPDATE hub.file SET chunks = %(number)s, checked = checked + %(rows)s, bad = bad + %(bad)s,
        known = known + %(known)s, amount = amount + %(amount)s::numeric, points = points + %(points)s::numeric
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND chunks = %(number)s - 1 AND state = 'received'
    RETURNING true
"""
_KNOWN = """
    SELECT count(*) FROM hub.event WHERE partner_id = %(partner_id)s AND event_id = ANY(%(event_ids)s::text[])
"""
_REPEATED = """
    SELECT coalesce(sum(times - 1), 0) FROM (
        SELECT count(*) AS times FROM hub.file_chunk, unnest(hashes) AS hash
        WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s GROUP BY hash HAVING count(*) > 1) AS more
"""
_ELSEWHERE = """
    SELECT count(*) FROM (
        SELECT DISTINCT hash FROM hub.file_chunk, unnest(hashes) AS hash
        WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s) AS own
    JOIN (
        SELECT DISTINCT hash FROM hub.file JOIN hub.file_chunk AS chunk USING (partner_id, file_id),
            unnest(hashes) AS hash
        WHERE partner_id = %(partner_id)s AND file_id <> %(file_id)s AND hub.file.state IN ('waiting', 'posting')
          AND chunk.state = 'waiting') AS other USING (hash)
"""
_CHUNK = "SELECT number, digest, sealed, results FROM hub.file_chunk"
_NEXT = f"""
    {_CHUNK} AS chunk
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND state = 'waiting' AND EXISTS (
        SELECT FROM hub.file AS file
        WHERE (file.partner_id, file.file_id) = (chunk.partner_id, chunk.file_id) AND file.state = 'posting')
    ORDER BY number LIMIT 1 FOR UPDATE OF chunk
"""
_LAST = f"""
    {_CHUNK} WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND state = %(state)s
    ORDER BY number DESC LIMIT 1
"""
_FINISH = f"""
    UPDATE hub.file_chunk SET state = %(state)s, results = %(results)s, points = %(points)s,
        {", ".join(f"{name} = %({name})s" for name in COUNTED)}
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND number = %(number)s
"""
_LEFT = """
    SELECT EXISTS (SELECT FROM hub.file_chunk
                   WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND state = %(state)s)
"""
_DONE = f"""
    SELECT {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in COUNTED)}, coalesce(sum(points), 0)::bigint
    FROM hub.file_chunk WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND state <> 'waiting'
"""
_READ = f"{_CHUNK} WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND number = %(number)s"
_HOLDING = f"""
    {_CHUNK} WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND %(hash)s = ANY(hashes)
    ORDER BY number LIMIT 1
"""
_DIGESTS = """
    SELECT number, digest FROM hub.file_chunk
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s ORDER BY number
"""


class Chunk(NamedTuple):
    """One chunk: its records and, once they are posted, the answers."""

    number: int
    digest: bytes
    sealed: bytes
    results: bytes | None


class NewChunk(NamedTuple):
    """A chunk as it was read from a file."""

    number: int
    records: int
    digest: bytes
    hashes: Sequence[int]
    sealed: bytes
    rows: int
    bad: int
    known: int
    amount: int
    points: int


class Done(NamedTuple):
    """How many records of a file became what, and the points that it gave."""

    posted: int
    pending: int
    duplicate: int
    rejected: int
    quarantined: int
    points: int


def _key(file: File) -> dict[str, str]:
    return {"partner_id": file.partner_id, "file_id": file.file_id}


def add(connection: Connection, file: File, chunk: NewChunk) -> bool:
    """Add the next chunk, and to its file what was counted in it; False if that is elsewhere by now."""
    values = {**chunk._asdict(), **_key(file), "hashes": array_of(chunk.hashes), "amount": str(chunk.amount),
              "points": str(chunk.points)}  # fmt: skip
    return bool(fetch(connection, _ADD, values))


def known(connection: Connection, partner_id: str, event_ids: Sequence[str]) -> int:
    """Return how many of these events are posted already."""
    return int(fetch(connection, _KNOWN, {"partner_id": partner_id, "event_ids": array_of(event_ids)})[0][0])


def repeated(connection: Connection, file: File) -> int:
    """Return how many records of a file have the id of an earlier one."""
    return int(fetch(connection, _REPEATED, _key(file))[0][0])


def elsewhere(connection: Connection, file: File) -> int:
    """Return how many ids of a file are in other files of its partner that are not posted yet."""
    return int(fetch(connection, _ELSEWHERE, _key(file))[0][0])


def take(connection: Connection, file: File, *, in_order: bool) -> Chunk | None:
    """Take a chunk that is to be posted and nobody else has, until the transaction ends; None if the file was stopped.

    ``in_order`` waits for whoever has the first, and then returns None: there may be more.
    """
    rows = fetch(connection, _NEXT if in_order else f"{_NEXT} SKIP LOCKED", _key(file))
    return _chunk(rows[0]) if rows else None


def last(connection: Connection, file: File, state: str) -> Chunk | None:
    """Return the last chunk in a state, or None."""
    rows = fetch(connection, _LAST, {"state": state, **_key(file)})
    return _chunk(rows[0]) if rows else None


def finish(
    connection: Connection, file: File, chunk: Chunk, state: str, results: bytes, counts: Mapping[str, int], points: int
) -> None:
    """Note what became of a chunk's records."""
    counted = {name: counts.get(name, 0) for name in COUNTED}
    values = {"number": chunk.number, "state": state, "results": results, "points": points, **counted, **_key(file)}
    connection.exec_driver_sql(_FINISH, values)


def is_left(connection: Connection, file: File, state: str) -> bool:
    """Tell whether a chunk of a file is in a state, also one that somebody has taken."""
    return bool(fetch(connection, _LEFT, {"state": state, **_key(file)})[0][0])


def done(connection: Connection, file: File) -> Done:
    """Return what became of a file's records so far."""
    return Done(*fetch(connection, _DONE, _key(file))[0])


def read(connection: Connection, file: File, number: int) -> Chunk | None:
    """Return a chunk by its number from 1, or None."""
    rows = fetch(connection, _READ, {"number": number, **_key(file)})
    return _chunk(rows[0]) if rows else None


def holding(connection: Connection, partner_id: str, file_id: str, hash_: int) -> Chunk | None:
    """Return the first chunk with a record whose id has this hash, or None."""
    rows = fetch(connection, _HOLDING, {"partner_id": partner_id, "file_id": file_id, "hash": hash_})
    return _chunk(rows[0]) if rows else None


def digests(connection: Connection, file: File) -> list[tuple[int, bytes]]:
    """Return number and digest of each chunk, in order."""
    return [(int(number), bytes(digest)) for number, digest in fetch(connection, _DIGESTS, _key(file))]


def _chunk(row: tuple[object, ...]) -> Chunk:
    number, digest, sealed, results = row
    return Chunk(int(str(number)), bytes(digest), bytes(sealed), bytes(results) if results is not None else None)  # type: ignore[call-overload]
