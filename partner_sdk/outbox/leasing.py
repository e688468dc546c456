"""Who delivers what: a process takes whole terminals for a while, so that several can deliver and keep the order.

A lease ends by itself when the process that took it is gone. Its end is told in the machine's monotonic clock, which
all processes share, no clock setting moves and only a reboot resets; a lease that would end later than one can be
taken for is from before a reboot, and over. Should two ever deliver the same events, the hub does each once.
"""

import secrets
import sqlite3
from typing import NamedTuple

from partner_sdk.batches import MAX_BODY_BYTES

LEASE_S = 45.0
"""Longer than an attempt takes with the client's usual timeouts. One that takes longer may be made by two at once."""
MAX_LEASE_S = 300.0
MAX_PAUSE_S = 300.0
_AROUND_BYTES = 32
"""A comma and the number, in a body."""


class Waiting(NamedTuple):
    """An event that waits: `lane` and `sequence` say where. `numbered` tells whether the lane is a terminal's, so that
    the hub is told the number; `named` whether the reporter chose the id.
    """

    lane: int
    sequence: int
    event_id: str
    kind: str
    element: bytes
    numbered: bool
    named: bool

    def sent(self) -> bytes:
        """What goes to the hub; the same each time."""
        return b'%s,"sequence":%d}' % (self.element[:-1], self.sequence) if self.numbered else self.element


class Batch(NamedTuple):
    """Events of one kind that go in one request, each terminal's in order; their terminals are leased."""

    lease: int
    kind: str
    events: list[Waiting]
    lanes: list[int]


def claim(connection: sqlite3.Connection, now_s: float, most: int, lease_s: float = LEASE_S) -> Batch | None:
    """Lease terminals, those first that were served longest ago, and return what they have to deliver."""
    kind: str | None = None
    events: list[Waiting] = []
    lanes: list[int] = []
    room = MAX_BODY_BYTES
    limits = {"now": now_s, "lease": MAX_LEASE_S, "pause": MAX_PAUSE_S}
    for lane, numbered in connection.execute(_FREE, limits).fetchall():
        kind, taken = _head(connection, lane, bool(numbered), kind, most - len(events), room if events else None)
        if taken:
            events += taken
            lanes.append(lane)
            room -= sum(len(one.element) + _AROUND_BYTES for one in taken)
        if len(events) == most or room <= 0:
            break
    return _leased(connection, now_s + lease_s, kind, events, lanes) if kind and events else None


def _head(
    connection: sqlite3.Connection, lane: int, numbered: bool, kind: str | None, most: int, room: int | None
) -> tuple[str | None, list[Waiting]]:
    """The first events of a terminal that can go together: of one kind, with room, and what they follow delivered."""
    taken: list[Waiting] = []
    for sequence, event_id, own_kind, element, named, blocked in connection.execute(_HEAD, (lane, most)):
        left = (MAX_BODY_BYTES if room is None else room) - len(element) - _AROUND_BYTES
        if blocked or (left < 0 and room is not None) or (kind is not None and own_kind != kind):
            break
        kind, room = own_kind, left
        taken.append(Waiting(lane, sequence, event_id, own_kind, element, numbered, bool(named)))
    return kind, taken


def _leased(
    connection: sqlite3.Connection, until_s: float, kind: str, events: list[Waiting], lanes: list[int]
) -> Batch:
    lease = secrets.randbits(62)
    (turn,) = connection.execute("SELECT max(turn) + 1 FROM lane").fetchone()
    connection.executemany(_LEASE, [(lease, until_s, turn, lane) for lane in lanes])
    return Batch(lease, kind, events, lanes)


def release(connection: sqlite3.Connection, batch: Batch) -> None:
    """Give the terminals of a batch back, unless the lease is over and another has them."""
    connection.execute(_RELEASE, (batch.lease,))


def note_failure(connection: sqlite3.Connection, batch: Batch, failure: str) -> None:
    """Say at the terminals of a batch why it was not delivered."""
    connection.executemany("UPDATE lane SET failure = ? WHERE id = ?", [(failure, lane) for lane in batch.lanes])


def pause(connection: sqlite3.Connection, lane: int, until_s: float) -> None:
    """Let a terminal wait until its first event is tried again; others go on."""
    connection.execute("UPDATE lane SET failures = failures + 1, paused_until = ? WHERE id = ?", (until_s, lane))


def failures_of(connection: sqlite3.Connection, lane: int) -> int:
    """How often a terminal was paused since its last delivery."""
    return int(connection.execute("SELECT failures FROM lane WHERE id = ?", (lane,)).fetchone()[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing waits."""
    return connection.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is None


_FREE = """SELECT id, terminal <> '' FROM lane
    WHERE NOT (lease IS NOT NULL AND leased_until > :now AND leased_until <= :now + :lease)
    AND NOT (paused_until > :now AND paused_until <= :now + :pause)
    AND EXISTS (SELECT 1 FROM waiting WHERE lane = lane.id) ORDER BY turn, id"""
_HEAD = """SELECT sequence, event_id, kind, element, named,
    follows IS NOT NULL AND EXISTS (
        SELECT 1 FROM waiting AS earlier WHERE earlier.event_id = waiting.follows AND earlier.lane <> waiting.lane)
    FROM waiting WHERE lane = ? ORDER BY sequence LIMIT ?"""
_LEASE = "UPDATE lane SET lease = ?, leased_until = ?, turn = ? WHERE id = ?"
_RELEASE = "UPDATE lane SET lease = NULL, leased_until = 0 WHERE lease = ?"
