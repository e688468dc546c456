"""What can go wrong with an outbox's file, and what to do about each.

    HansaError
    └── OutboxError           nothing was recorded and nothing lost; what the file held it still holds
        ├── Unrecordable      the event is malformed: correct it (`errors` points at what is wrong)
        ├── RecordedOtherwise the event id waits already, with other content: take another id
        ├── OutboxFull        the disk is full, or a limit on sizes reached: make room, record again
        ├── OutboxReadOnly    the file or its folder cannot be written: mend its permissions
        ├── OutboxLocked      another process holds the file for too long: record again
        ├── OutboxCorrupt     the file is damaged, or is no outbox: put it aside and keep it, begin a new one
        ├── OutboxTooNew      a newer version of this SDK made the file: upgrade this one
        ├── OutboxOfAnother   the file is another partner's
        ├── OutboxFailed      the disk or the system failed otherwise
        └── OutboxClosed      it was closed by this program

After any of them the same `record_...` with the same `event_id` is safe.
"""

import sqlite3
from pathlib import Path

from partner_sdk.errors import HansaError


class OutboxError(HansaError):
    """The outbox could not do what it was asked to."""


class Unrecordable(OutboxError):
    """An event that no hub would take; `errors` is [{"pointer", "detail"}] (RFC 6901)."""

    def __init__(self, detail: str, errors: list[dict[str, str]]) -> None:
        super().__init__(detail)
        self.errors = errors


class RecordedOtherwise(OutboxError):
    """The event id waits for delivery already, with other content."""


class OutboxFull(OutboxError):
    """There is no room for the file to grow."""


class OutboxReadOnly(OutboxError):
    """The file cannot be opened for writing."""


class OutboxLocked(OutboxError):
    """Another process held the file for too long."""


class OutboxCorrupt(OutboxError):
    """The file is damaged, or it is no outbox."""


class OutboxTooNew(OutboxError):
    """The file's format is of a newer version of this SDK."""


class OutboxOfAnother(OutboxError):
    """The file's events are another partner's."""


class OutboxFailed(OutboxError):
    """The disk or the system failed."""


class OutboxClosed(OutboxError):
    """The outbox was closed."""


_KINDS: dict[int, tuple[type[OutboxError], str]] = {
    sqlite3.SQLITE_FULL: (OutboxFull, "there is no room left for it; make room and record again"),
    sqlite3.SQLITE_IOERR_WRITE: (OutboxFull, "it cannot grow (disk full, quota or size limit); make room"),
    sqlite3.SQLITE_IOERR_SHMSIZE: (OutboxFull, "it cannot grow (disk full, quota or size limit); make room"),
    sqlite3.SQLITE_READONLY: (OutboxReadOnly, "it cannot be written; mend the permissions of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: (OutboxReadOnly, "it cannot be opened or made; is its folder there, and writable?"),
    sqlite3.SQLITE_PERM: (OutboxReadOnly, "it cannot be opened; mend its permissions"),
    sqlite3.SQLITE_BUSY: (OutboxLocked, "another process holds it for too long; record again"),
    sqlite3.SQLITE_LOCKED: (OutboxLocked, "another process holds it for too long; record again"),
    sqlite3.SQLITE_CORRUPT: (OutboxCorrupt, "it is damaged; put it aside, keep it, and begin a new one"),
    sqlite3.SQLITE_NOTADB: (OutboxCorrupt, "it is no outbox, or damaged; put it aside, keep it, and begin a new one"),
}


def outbox_error(path: Path, error: sqlite3.Error) -> OutboxError:
    """The error of the tree for what SQLite said about a file."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    default = OutboxFailed, "the disk or the system failed"
    kind, advice = _KINDS.get(code) or _KINDS.get(code & 0xFF) or default
    return kind(f"outbox {path}: {advice} ({error})")
