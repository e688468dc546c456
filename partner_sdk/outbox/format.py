"""The outbox's file: its tables, their versions, and how a file of an older version becomes one of this.

`PRAGMA user_version` is the version; a step is added for each change and none is ever altered, so a till that was
off for a year brings its file along. A file of a newer version is left alone: what it means is not known here.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from partner_sdk.outbox.errors import OutboxCorrupt, OutboxTooNew

APPLICATION_ID = 0x48414E53
"""`PRAGMA application_id` of every outbox: HANS."""

Step = tuple[str, ...]
STEPS: tuple[Step, ...] = (
    (
        "CREATE TABLE owner (partner TEXT NOT NULL)",
        # One row a terminal; `sequence` is the highest number of an event that no longer waits. Leases and pauses
        # are in seconds of the machine's monotonic clock.
        """CREATE TABLE lane (
            id INTEGER PRIMARY KEY, terminal TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL,
            turn INTEGER NOT NULL DEFAULT 0, lease INTEGER, leased_until REAL NOT NULL DEFAULT 0,
            failures INTEGER NOT NULL DEFAULT 0, paused_until REAL NOT NULL DEFAULT 0, failure TEXT)""",
        """CREATE TABLE waiting (
            lane INTEGER NOT NULL, sequence INTEGER NOT NULL, event_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
            element BLOB NOT NULL, follows TEXT, recorded_at REAL NOT NULL,
            PRIMARY KEY (lane, sequence)) WITHOUT ROWID""",
        """CREATE TABLE set_aside (
            event_id TEXT PRIMARY KEY, lane INTEGER NOT NULL, sequence INTEGER NOT NULL, kind TEXT NOT NULL,
            element BLOB NOT NULL, follows TEXT, recorded_at REAL NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
            detail TEXT NOT NULL, decided_at REAL NOT NULL) WITHOUT ROWID""",
        "CREATE TABLE tally (delivered INTEGER NOT NULL)",
        "INSERT INTO tally VALUES (0)",
    ),
    (
        # `named`: the reporter chose the id, and may record the event again, also after it was delivered.
        "ALTER TABLE waiting ADD COLUMN named INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE set_aside ADD COLUMN named INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE delivered (number INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL)",
    ),
)


def bring_up(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Give an empty file its tables, and an older one those that came since; raises OutboxTooNew, OutboxCorrupt."""
    if _version(connection, path, steps) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    for step in steps[_version(connection, path, steps) :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(steps)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> int:
    application, version = (_pragma(connection, name) for name in ("application_id", "user_version"))
    if application == 0 and version == 0 and not _pragma(connection, "schema_version"):
        return 0
    if application != APPLICATION_ID:
        raise OutboxCorrupt(f"outbox {path}: this is a database, but no outbox; name another file")
    if version > len(steps):
        raise OutboxTooNew(
            f"outbox {path}: a newer SDK made it (format {version}, this one knows {len(steps)}); upgrade this one"
        )
    return version


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
