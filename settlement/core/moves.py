"""The moves of a cycle, and the chain of digests that makes them one history.

    open -> cut_off -> calculated -> published

A month that nobody has touched is open and has no row. Each move says what it established by a digest (its
subject) and carries a digest over itself and the move before, so no move, cut-off or result can be changed
later without the chain saying so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

from settlement.core.verification import Claims

OPEN, CUT_OFF, CALCULATED, PUBLISHED = "open", "cut_off", "calculated", "published"
STATES = (OPEN, CUT_OFF, CALCULATED, PUBLISHED)
"""In order; the place of a state is the `seq` of the move into it."""


class Move(NamedTuple):
    """One move: `author` took `cycle` to `state` at the moment `at` (business time, with a zone)."""

    cycle: str
    seq: int
    state: str
    author: str
    at: datetime
    subject: bytes
    digest: bytes


def next_move(before: Move | None, cycle: str, author: str, at: datetime, subject: bytes) -> Move:
    """The move that follows `before`, with its place in the chain."""
    seq = before.seq + 1 if before else 1
    move = Move(cycle, seq, STATES[seq], author, at, subject, b"")
    return move._replace(digest=move_digest(before.digest if before else b"", move))


def move_digest(digest_before: bytes, move: Move) -> bytes:
    """SHA-256 that binds a move to the digest of the move before (empty for the first)."""
    moment = move.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (digest_before.hex(), move.cycle, move.seq, move.state, move.author, moment, move.subject.hex())
    return _sha256("hansa-settlement-move-1", fields)


def cut_off_subject(cycle: str, number: int, ends_on: date, snapshot: str) -> bytes:
    """What a cut-off establishes: which cycle it is, its last business date, and what had been committed."""
    return _sha256("hansa-settlement-cut-off-1", (cycle, number, ends_on, snapshot))


def result_subject(claims: Claims) -> bytes:
    """What a calculation establishes: cycle digest, number of lines, each position, net, statement total and due."""
    positions = ((*row[:-1], row.digest.hex()) for row in claims.positions)
    rows = sorted(" ".join(map(str, row)) for row in (*positions, *claims.nets, *claims.totals, *claims.dues))
    return _sha256("hansa-settlement-result-1", (claims.digest.hex(), claims.lines, *rows))


def _sha256(kind: str, fields: Iterable[object]) -> bytes:
    return hashlib.sha256("\n".join([kind, *map(str, fields)]).encode()).digest()
