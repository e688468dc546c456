"""Bulk files and what became of their records."""

from dataclasses import dataclass

from partner_sdk.model.values import Failure, Readable


@dataclass(frozen=True, slots=True)
class FileCounts(Readable):
    """How many records became what so far, and the points that those posted gave."""

    posted: int
    pending: int
    duplicate: int
    rejected: int
    quarantined: int
    points: int


@dataclass(frozen=True, slots=True)
class BulkFile(Readable):
    """A file as it stands.

    `state` is receiving, received, posting and in the end posted; waiting when the operator looks at it, refused when
    nothing of it is posted, reversing and reversed when all of it is taken back. `reasons` say why. `records` are
    those that were read so far, `unreadable` the rows among them that are none, `missing` the first parts that have
    not come.
    """

    file_id: str
    template: str
    template_version: int
    record: str
    state: str
    bytes: int
    parts: int
    missing: tuple[int, ...]
    records: int
    unreadable: int
    counts: FileCounts
    reasons: tuple[Failure, ...]
    sequence: int | None = None
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class FileResult(Readable):
    """What became of one line: posted, pending, duplicate, rejected (with an `error`), quarantined or reversed.

    `event_id` is there where the record is in the ledger under another id than its own, since it corrects one.
    """

    line: int
    record: str
    status: str
    points: int
    error: Failure | None = None
    event_id: str | None = None
