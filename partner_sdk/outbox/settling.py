"""What the hub's word does to the events it is about: nothing else takes an event out of the queue."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from partner_sdk.outbox.leasing import Batch, Waiting
from partner_sdk.outbox.recording import Result, digest, forget_oldest, remember
from partner_sdk.wire.codes import CODES


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that the hub rejected or quarantined, with its reason; it stays on the list until it is retried.

    `status` is "rejected" (not stored: correct it and record it again under the same id, or retry it) or
    "quarantined" (the hub has it, and the operator decides). `content` is the element as it was sent.
    """

    event_id: str
    kind: str
    status: str
    code: str
    detail: str
    terminal: str | None
    recorded_at: datetime
    decided_at: datetime
    content: dict[str, Any]


class Reason(NamedTuple):
    """Why an event is set aside."""

    status: str
    code: str
    detail: str


def reason_of(result: Result) -> Reason | None:
    """Why an event with this result is to be set aside, or None when it is done."""
    if result.status in ("posted", "pending"):
        return None
    error = result.error
    return Reason(result.status, error.code if error else result.status, error.detail if error else "")


def may_pass_later(result: Result) -> bool:
    """Whether the hub refused an event for now only."""
    known = CODES.get(result.error.code) if result.error and result.status == "rejected" else None
    return known is not None and known.retryable


def settle(connection: sqlite3.Connection, batch: Batch, results: Sequence[Result], now_s: float) -> list[str]:
    """Take what is decided out of the queue; returns the ids of those that were rejected just now.

    What the hub posted is posted, whatever was thought of it before: it also leaves the list.
    """
    decided = [pair for pair in zip(batch.events, results, strict=True) if not may_pass_later(pair[1])]
    reasons = [(event, reason) for event, result in decided if (reason := reason_of(result))]
    rejected = set_aside(connection, reasons, now_s)
    done = [event for event, result in decided if reason_of(result) is None]
    connection.executemany(_UNLIST, [(event.event_id, event.lane, event.sequence) for event in done])
    for event in done:
        if event.named:
            remember(connection, event.event_id, digest(event.kind, event.element))
    forget_oldest(connection)
    delivered = _remove(connection, done)
    connection.execute("UPDATE tally SET delivered = delivered + ?", (delivered,))
    connection.executemany(_SERVED, [(lane,) for lane in {event.lane for event, _ in decided}])
    return rejected


def set_aside(connection: sqlite3.Connection, reasons: Iterable[tuple[Waiting, Reason]], now_s: float) -> list[str]:
    """Move events that still wait to the list; returns the ids of those that are rejected."""
    rejected = []
    for event, reason in reasons:
        moved = connection.execute(_SET_ASIDE, (*reason, now_s, event.lane, event.sequence)).rowcount
        _remove(connection, [event])
        if moved and reason.status == "rejected":
            rejected.append(event.event_id)
    return rejected


def listed(connection: sqlite3.Connection, event_ids: Sequence[str] | None = None) -> list[SetAside]:
    """What was set aside, all or some of it, in the order of recording."""
    rows = connection.execute(_LISTED).fetchall()
    wanted = None if event_ids is None else set(event_ids)
    return [_entry(row) for row in rows if wanted is None or row[0] in wanted]


def retry(connection: sqlite3.Connection, event_ids: Sequence[str] | None) -> int:
    """Let events that were rejected wait again, in their old places; all of them for None. Returns how many."""
    wanted = [one.event_id for one in listed(connection, event_ids) if one.status == "rejected"]
    connection.executemany(_WAIT_AGAIN, [(event_id,) for event_id in wanted])
    connection.executemany("DELETE FROM set_aside WHERE event_id = ?", [(event_id,) for event_id in wanted])
    return len(wanted)


def _remove(connection: sqlite3.Connection, events: Sequence[Waiting]) -> int:
    """Remove events from the queue; their terminals remember the highest number, so that none is given twice."""
    highest = {event.lane: event.sequence for event in sorted(events)}
    connection.executemany(_HIGHEST, [(sequence, lane) for lane, sequence in highest.items()])
    places = [(event.lane, event.sequence, event.event_id) for event in events]
    return connection.executemany(_REMOVE, places).rowcount if places else 0


def _entry(row: tuple[Any, ...]) -> SetAside:
    event_id, kind, status, code, detail, terminal, recorded_s, decided_s, element = row
    at, decided_at = (datetime.fromtimestamp(seconds, UTC) for seconds in (recorded_s, decided_s))
    return SetAside(event_id, kind, status, code, detail, terminal or None, at, decided_at, json.loads(element))


_REMOVE = "DELETE FROM waiting WHERE lane = ? AND sequence = ? AND event_id = ?"
_HIGHEST = "UPDATE lane SET sequence = max(sequence, ?) WHERE id = ?"
_UNLIST = "DELETE FROM set_aside WHERE event_id = ? AND lane = ? AND sequence = ?"
_SERVED = "UPDATE lane SET failures = 0, paused_until = 0, failure = NULL WHERE id = ?"
_SET_ASIDE = """INSERT OR REPLACE INTO set_aside
    (status, code, detail, decided_at, event_id, lane, sequence, kind, element, follows, recorded_at, named)
    SELECT ?, ?, ?, ?, event_id, lane, sequence, kind, element, follows, recorded_at, named
    FROM waiting WHERE lane = ? AND sequence = ?"""
_LISTED = """SELECT event_id, kind, status, code, detail, terminal, recorded_at, decided_at, element
    FROM set_aside JOIN lane ON lane.id = lane ORDER BY recorded_at, event_id"""
_WAIT_AGAIN = """INSERT INTO waiting (lane, sequence, event_id, kind, element, follows, recorded_at, named)
    SELECT lane, set_aside.sequence, event_id, kind, element, follows, recorded_at, named
    FROM set_aside WHERE event_id = ?"""
