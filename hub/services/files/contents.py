"""What a chunk holds: the rows that became records, as they are posted, and those that did not, with the reason.

A row that was refused keeps its line, its id where it has one, and the reason: nothing else of it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hub.core.errors import LedgerBroken
from hub.services.context import Hub
from hub.store.file_chunks import Chunk
from hub.store.files import File

OCCURRED = "occurred_at"
DAMAGED = "is not what was read from the file"


class Entry(NamedTuple):
    """One row: its record, or why it is none."""

    line: int
    record: Mapping[str, Any]
    """It fits its schema; its instant is a text until it is `read`. Of a refused row only ``event_id``, or nothing."""
    code: str = ""
    detail: str = ""


class Answer(NamedTuple):
    """What became of one row."""

    line: int
    record: str
    """The id that the record has in the file."""
    status: str
    points: int = 0
    code: str = ""
    detail: str = ""
    event_id: str = ""
    """The id under which it is in the ledger, where that is another one."""


def write(entries: Sequence[Entry]) -> bytes:
    """Return rows as text."""
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()


def read(hub: Hub, file: File, chunk: Chunk) -> list[Entry]:
    """Return the rows of a chunk.

    Raises:
        LedgerBroken: they are not those that were read from the file.
    """
    text = hub.keyring.unseal(chunk.sealed)
    if hashlib.sha256(text).digest() != chunk.digest:
        raise LedgerBroken(f"chunk {chunk.number} of the file {file.name} {DAMAGED}")
    return [_entry(*one) for one in json.loads(text)]


def _entry(line: int, record: dict[str, Any], code: str, detail: str) -> Entry:
    if not code:
        record[OCCURRED] = datetime.fromisoformat(record[OCCURRED]).astimezone(UTC)
    return Entry(line, record, code, detail)


def write_answers(answers: Sequence[Answer]) -> bytes:
    """Return answers as they are kept."""
    return zlib.compress(json.dumps(answers, separators=(",", ":"), ensure_ascii=False).encode(), 1)


def read_answers(chunk: Chunk) -> list[Answer]:
    """Return the answers of a chunk that was posted."""
    assert chunk.results is not None
    return [Answer(*one) for one in json.loads(zlib.decompress(chunk.results))]


def hash_of(event_id: str) -> int:
    """Return by what ids are compared before they are posted: the first 64 bits of a digest, as a signed number."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest(), signed=True)
