"""Taking an event in: checked, numbered in its terminal's order, and on the disk when the call returns."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from marshmallow import Schema

from partner_sdk.model import EarningResult, RefundResult
from partner_sdk.outbox.errors import RecordedOtherwise, Unrecordable
from partner_sdk.wire import strict_json
from partner_sdk.wire.returns import RefundSchema
from partner_sdk.wire.schemas import EarningSchema, InvalidRequest, validate

Result = EarningResult | RefundResult
REMEMBERED = 100_000
"""So many ids of delivered events are remembered whose reporters chose them."""


class Kind(NamedTuple):
    """How one kind of event goes to the hub: as an element of `member` in a POST to `path`."""

    path: str
    member: str
    schema: type[Schema]
    read: Callable[[Any], Result]


KINDS: Mapping[str, Kind] = {
    "earning": Kind("/v1/earnings", "earnings", EarningSchema, EarningResult.from_wire),
    "refund": Kind("/v1/refunds", "refunds", RefundSchema, RefundResult.from_wire),
}


def new_event_id(now_s: float) -> str:
    """An id that nobody else has; ids grow with time, which is kind to indexes, but nothing depends on it."""
    return f"{int(now_s * 1000):012x}{os.urandom(10).hex()}"


def written(kind: str, wire: dict[str, Any]) -> bytes:
    """An event as an element of its request; raises Unrecordable when no hub would take it."""
    try:
        validate(KINDS[kind].schema, wire)
    except InvalidRequest as refusal:
        raise Unrecordable(f"the {kind} was not recorded: {refusal}", refusal.errors) from None
    return strict_json.dumps(wire)


class Recorded(NamedTuple):
    """An event that is written. `follows` is one in whose wake it must be delivered, whatever its terminal; `named` is
    whether its reporter chose the id.
    """

    event_id: str
    kind: str
    terminal: str
    element: bytes
    recorded_at: float
    follows: str | None = None
    named: bool = False


def record(connection: sqlite3.Connection, event: Recorded) -> None:
    """Add an event to its terminal's, in one statement where the terminal is known: till after till, it mostly is."""
    event_id, kind, terminal, element, recorded_at, follows, named = event
    row = (event_id, kind, element, follows, recorded_at, named, terminal, terminal)
    try:
        connection.execute(_ADD, row)
    except sqlite3.IntegrityError:
        connection.execute("INSERT OR IGNORE INTO lane (terminal, sequence) VALUES (?, 0)", (terminal,))
        connection.execute(_ADD, row)


def record_named(connection: sqlite3.Connection, event: Recorded) -> None:
    """Add an event whose id its reporter chose: once, however often it is recorded; raises RecordedOtherwise.

    One that was set aside begins anew, perhaps corrected: the hub has not stored it.
    """
    waiting = connection.execute("SELECT kind, element FROM waiting WHERE event_id = ?", (event.event_id,)).fetchone()
    known = (waiting and digest(*waiting)) or _delivered(connection, event.event_id)
    if known is None:
        connection.execute("DELETE FROM set_aside WHERE event_id = ?", (event.event_id,))
        record(connection, event)
    elif known != digest(event.kind, event.element):
        raise RecordedOtherwise(f"{event.event_id} was recorded before, with other content; take another id")


def digest(kind: str, element: bytes) -> bytes:
    """What two recordings of one event have in common."""
    return hashlib.sha256(kind.encode() + b" " + element).digest()


def remember(connection: sqlite3.Connection, event_id: str, content: bytes) -> None:
    """Know by its digest that an event was delivered: recorded again it would get another number, and be refused."""
    connection.execute("INSERT OR REPLACE INTO delivered (event_id, digest) VALUES (?, ?)", (event_id, content))


def forget_oldest(connection: sqlite3.Connection) -> None:
    """Remember no more than so many."""
    connection.execute("DELETE FROM delivered WHERE number <= (SELECT max(number) FROM delivered) - ?", (REMEMBERED,))


def _delivered(connection: sqlite3.Connection, event_id: str) -> bytes | None:
    row = connection.execute("SELECT digest FROM delivered WHERE event_id = ?", (event_id,)).fetchone()
    return row[0] if row else None


def waits(connection: sqlite3.Connection, event_id: str) -> bool:
    """Whether an event is not delivered yet."""
    return connection.execute("SELECT 1 FROM waiting WHERE event_id = ?", (event_id,)).fetchone() is not None


_ADD = """INSERT INTO waiting (event_id, kind, element, follows, recorded_at, named, lane, sequence)
    VALUES (?, ?, ?, ?, ?, ?, (SELECT id FROM lane WHERE terminal = ?),
        (SELECT 1 + max(sequence, coalesce((SELECT max(sequence) FROM waiting WHERE lane = lane.id), 0))
         FROM lane WHERE terminal = ?))"""
"""One row of values: `INSERT ... SELECT` would first make a table of what it selects. Without a lane it fails."""
