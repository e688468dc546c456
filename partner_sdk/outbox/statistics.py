"""What an outbox holds, in figures."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Stats:
    """How an outbox does. `waiting` events are undecided, `delivered` were posted since the file was made, `rejected`
    and `quarantined` are on the list. `failure` is why the last attempt failed that nothing was delivered after.
    """

    waiting: int
    delivered: int
    rejected: int
    quarantined: int
    terminals: int
    oldest_recorded_at: datetime | None
    failure: str | None


def count(connection: sqlite3.Connection) -> Stats:
    """Count what a file holds."""
    waiting, oldest_s = connection.execute("SELECT count(*), min(recorded_at) FROM waiting").fetchone()
    (delivered,) = connection.execute("SELECT delivered FROM tally").fetchone()
    aside = dict(connection.execute("SELECT status, count(*) FROM set_aside GROUP BY status").fetchall())
    (terminals,) = connection.execute("SELECT count(DISTINCT lane) FROM waiting").fetchone()
    failure = connection.execute(_FAILURE).fetchone()
    return Stats(
        waiting=waiting,
        delivered=delivered,
        rejected=aside.get("rejected", 0),
        quarantined=aside.get("quarantined", 0),
        terminals=terminals,
        oldest_recorded_at=None if oldest_s is None else datetime.fromtimestamp(oldest_s, UTC),
        failure=failure[0] if failure else None,
    )


_FAILURE = "SELECT failure FROM lane WHERE failure IS NOT NULL ORDER BY turn DESC LIMIT 1"
