"""Bulk files and their parts: what came, in which state it is, and what was found while it was looked through.

Nobody holds a transaction open while a file is looked through. Who does that holds an advisory lock on a connection
of his own, which PostgreSQL gives back when he is gone, however he went.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

RECEIVING, RECEIVED, WAITING, POSTING = "receiving", "received", "waiting", "posting"
POSTED, REFUSED, REVERSING, REVERSED = "posted", "refused", "reversing", "reversed"
STATES = (RECEIVING, RECEIVED, WAITING, POSTING, POSTED, REFUSED, REVERSING, REVERSED)
COUNTED = ("posted", "pending", "duplicate", "rejected", "quarantined")
"""What becomes of records, each a column of a chunk."""
MISSING_SHOWN = 100

_COLUMNS = (
    "partner_id, file_id, number, template, template_version, record, compression, bytes, parts, sha256, sequence, "
    "corrects, content, evidence_id, state, reasons, chunks, checked, bad, known, repeated, amount, points, digest, "
    "opened_at, changed_at"
)
_OPEN = """
    INSERT INTO hub.file (partner_id, file_id, template, template_version, record, compression, bytes, parts, sha256,
                          sequence, corrects, content, evidence_id, state, opened_at, changed_at)
    VALUES (%(partner_id)s, %(file_id)s, %(template)s, %(template_version)s, %(record)s, %(compression)s, %(bytes)s,
            %(parts)s, %(sha256)s, %(sequence)s, %(corrects)s, %(content)s, %(evidence_id)s, 'receiving',
            %(at)s, %(at)s)
    ON CONFLICT DO NOTHING RETURNING true
"""
_FIND = f"SELECT {_COLUMNS} FROM hub.file WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s"
_LIST = f"""
    SELECT {_COLUMNS} FROM hub.file
    WHERE %(partner_id)s IN ('', partner_id) AND %(state)s IN ('', state) ORDER BY number DESC LIMIT %(most)s
"""
_MOVE = """
    UPDATE hub.file SET state = %(state)s, reasons = %(reasons)s::jsonb, changed_at = %(at)s
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND state = ANY(%(before)s) RETURNING true
"""
_FOUND = """
    UPDATE hub.file SET digest = %(digest)s, repeated = %(repeated)s
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s
"""
_ADD_PART = """
    INSERT INTO hub.file_part (partner_id, file_id, number, bytes, sha256, sealed)
    SELECT partner_id, file_id, %(number)s, %(bytes)s, %(sha256)s, %(sealed)s FROM hub.file
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND state = 'receiving' FOR SHARE
    ON CONFLICT DO NOTHING RETURNING true
"""
_PART = """
    SELECT sha256, sealed FROM hub.file_part
    WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s AND number = %(number)s
"""
_MISSING = """
    SELECT number FROM generate_series(1, %(parts)s) AS wanted (number)
    WHERE NOT EXISTS (SELECT FROM hub.file_part AS part
        WHERE (part.partner_id, part.file_id, part.number) = (%(partner_id)s, %(file_id)s, wanted.number))
    ORDER BY number LIMIT %(most)s
"""
_ERASE = """
    WITH parts AS (DELETE FROM hub.file_part WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s RETURNING 1),
    chunks AS (DELETE FROM hub.file_chunk WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s RETURNING 1)
    SELECT count(*) FROM parts
"""
_AT_WORK = f"""
    SELECT {_COLUMNS} FROM hub.file AS file WHERE state = ANY(%(states)s::text[]) AND NOT EXISTS (
        SELECT FROM hub.file AS before WHERE before.partner_id = file.partner_id AND before.number < file.number
          AND before.state IN ('received', 'posting', 'reversing'))
    ORDER BY number
"""
_LEFT_LYING = f"SELECT {_COLUMNS} FROM hub.file WHERE state = 'receiving' AND opened_at < %(before)s ORDER BY number"
_NUMBERED = """
    SELECT coalesce(max(sequence), 0) FROM hub.file
    WHERE partner_id = %(partner_id)s AND template = %(template)s AND state IN ('posting', 'posted', 'waiting')
      AND file_id <> %(file_id)s
"""
_SET_SEQUENCE = """
    UPDATE hub.file SET sequence = %(sequence)s WHERE partner_id = %(partner_id)s AND file_id = %(file_id)s
"""
_SAME_BYTES = """
    SELECT file_id FROM hub.file WHERE partner_id = %(partner_id)s AND sha256 = %(sha256)s AND file_id <> %(file_id)s
       AND state NOT IN ('receiving', 'refused') AND number < %(number)s ORDER BY number LIMIT 1
"""
_FIGURES = """
    SELECT state, count(*), sum(checked)::bigint FROM hub.file GROUP BY state
"""
_DONE = f"""
    SELECT {", ".join(f"coalesce(sum({name}), 0)::bigint" for name in COUNTED)} FROM hub.file_chunk
"""


class File(NamedTuple):
    """A file as it stands."""

    partner_id: str
    file_id: str
    number: int
    """Its place among all files, in the order in which they were opened."""
    template: str
    template_version: int
    record: str
    compression: str
    size: int
    """In bytes, as it is sent."""
    parts: int
    sha256: bytes
    sequence: int | None
    corrects: str | None
    content: bytes
    """The digest of the request that opened it."""
    evidence_id: bytes
    """That request, in which its partner signed the digest of all its bytes."""
    state: str
    reasons: Sequence[Mapping[str, str]]
    """Why it waits or was refused."""
    chunks: int
    checked: int
    bad: int
    known: int
    repeated: int
    amount: Decimal
    points: Decimal
    digest: bytes | None
    """Of all that was read from it, by which it is released."""
    opened_at: datetime
    changed_at: datetime

    @property
    def name(self) -> str:
        """How an operator calls it."""
        return f"{self.partner_id}/{self.file_id}"


class StateFigures(NamedTuple):
    """The files in one state."""

    state: str
    files: int
    rows: int


def _key(file: File) -> dict[str, Any]:
    return {"partner_id": file.partner_id, "file_id": file.file_id}


def open_file(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Add a file; False if there is one of its id."""
    return bool(fetch(connection, _OPEN, values))


def find(connection: Connection, partner_id: str, file_id: str, *, lock: bool = False) -> File | None:
    """Return a file, or None; ``lock`` holds it until the transaction ends."""
    statement = _FIND + (" FOR UPDATE" if lock else "")
    rows = fetch(connection, statement, {"partner_id": partner_id, "file_id": file_id})
    return File(*rows[0]) if rows else None


def listing(connection: Connection, partner_id: str, state: str, most: int) -> list[File]:
    """Return the newest files of a partner or of all (""), in one state or in any ("")."""
    rows = fetch(connection, _LIST, {"partner_id": partner_id, "state": state, "most": most})
    return [File(*row) for row in rows]


def move(
    connection: Connection,
    file: File,
    state: str,
    at: datetime,
    *,
    before: Sequence[str],
    reasons: Sequence[Mapping[str, str]] = (),
) -> bool:
    """Move a file on; False if it is in none of the states ``before`` any more."""
    values = {"state": state, "reasons": json.dumps(list(reasons)), "at": at, "before": list(before), **_key(file)}
    return bool(fetch(connection, _MOVE, values))


def note_found(connection: Connection, file: File, digest: bytes, repeated: int) -> None:
    """Note what looking through a whole file has found."""
    connection.exec_driver_sql(_FOUND, {"digest": digest, "repeated": repeated, **_key(file)})


def add_part(connection: Connection, file: File, number: int, size: int, sha256: bytes, sealed: bytes) -> bool:
    """Add a part of a file that is being received; False if it is there, or the file takes none any more."""
    values = {"number": number, "bytes": size, "sha256": sha256, "sealed": sealed, **_key(file)}
    return bool(fetch(connection, _ADD_PART, values))


def part(connection: Connection, file: File, number: int) -> tuple[bytes, bytes] | None:
    """Return the digest and the sealed bytes of a part, or None."""
    rows = fetch(connection, _PART, {"number": number, **_key(file)})
    return (bytes(rows[0][0]), bytes(rows[0][1])) if rows else None


def missing(connection: Connection, file: File) -> list[int]:
    """Return the numbers of the first parts that have not come yet."""
    rows = fetch(connection, _MISSING, {"parts": file.parts, "most": MISSING_SHOWN, **_key(file)})
    return [number for (number,) in rows]


def erase(connection: Connection, file: File) -> None:
    """Erase all that a refused file holds; that it was there, and why it was refused, stays."""
    fetch(connection, _ERASE, _key(file))


def at_work(connection: Connection, *states: str) -> list[File]:
    """Return the files in these states that are the first of their partners' to be worked on."""
    return [File(*row) for row in fetch(connection, _AT_WORK, {"states": list(states)})]


def left_lying(connection: Connection, before: datetime) -> list[File]:
    """Return the files that were opened before an instant and have not come whole."""
    return [File(*row) for row in fetch(connection, _LEFT_LYING, {"before": before})]


def last_sequence(connection: Connection, file: File) -> int:
    """Return the highest number among the partner's other files of the same template that counted."""
    rows = fetch(connection, _NUMBERED, {"template": file.template, **_key(file)})
    return int(rows[0][0])


def set_sequence(connection: Connection, file: File, sequence: int) -> None:
    """Note the number that a file's header says."""
    connection.exec_driver_sql(_SET_SEQUENCE, {"sequence": sequence, **_key(file)})


def same_bytes(connection: Connection, file: File) -> str | None:
    """Return the id of an earlier file with the very same bytes, or None."""
    rows = fetch(connection, _SAME_BYTES, {"sha256": file.sha256, "number": file.number, **_key(file)})
    return str(rows[0][0]) if rows else None


def figures(connection: Connection) -> tuple[list[StateFigures], dict[str, int]]:
    """Return how many files are in which state, and how many records became what."""
    states = [StateFigures(*row) for row in fetch(connection, _FIGURES, {})]
    return states, dict(zip(COUNTED, fetch(connection, _DONE, {})[0], strict=True))


@contextmanager
def alone(connection: Connection, file: File) -> Iterator[bool]:
    """Yield whether nobody else looks through a file, and keep others from it meanwhile."""
    lock = {"space": _SPACE, "number": file.number % 2**31}
    got = fetch(connection, "SELECT pg_try_advisory_lock(%(space)s, %(number)s)", lock)[0][0]
    try:
        yield bool(got)
    finally:
        if got:
            fetch(connection, "SELECT pg_advisory_unlock(%(space)s, %(number)s)", lock)


_SPACE = 0x66696C65
"""Of advisory locks: `file`."""
