"""The result file: what became of each line, in order, with totals; as pages for the API, as a table for people."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.core.errors import Refused
from hub.services import cursors
from hub.services.context import Hub, Partner
from hub.services.files import contents, receiving
from hub.services.files.contents import Answer
from hub.store import file_chunks, files
from hub.store.database import Connection
from hub.store.files import File
from settlement.formats.cells import harmless

COLUMNS = ("line", "record", "status", "points", "code", "detail", "event_id")
_READY = (files.POSTED, files.REVERSING, files.REVERSED)


def page(hub: Hub, partner: Partner, file_id: str, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of a file's results; a page ends at the latest where a chunk does.

    Raises:
        Refused: ``unknown_file``, ``file_not_posted``, ``cursor_invalid``.
    """
    scope = f"file {partner.partner_id}/{file_id}"
    number, offset = cursors.read(hub.keyring.blind, scope, cursor) if cursor else (1, 0)
    with hub.database.connect() as connection:
        file = _ready(connection, partner.partner_id, file_id)
        chunk = file_chunks.read(connection, file, number)
    answers = contents.read_answers(chunk) if chunk else []
    shown = answers[offset : offset + limit]
    is_over = offset + len(shown) >= len(answers)
    after = [number + (1 if is_over and chunk else 0), 0 if is_over else offset + len(shown)]
    return {
        "results": [_plain(answer) for answer in shown],
        "next_cursor": cursors.write(hub.keyring.blind, scope, after),
        "more": after[0] <= file.chunks,
    }


def _ready(connection: Connection, partner_id: str, file_id: str) -> File:
    file = receiving.find(connection, partner_id, file_id)
    if file.state not in _READY:
        raise Refused("file_not_posted", f"The file is {file.state}; results are there once it is posted.")
    return file


def _plain(answer: Answer) -> dict[str, Any]:
    shown = {"line": answer.line, "record": answer.record, "status": answer.status, "points": answer.points}
    if answer.event_id:
        shown["event_id"] = answer.event_id
    if answer.code:
        shown["error"] = {"code": answer.code, "detail": answer.detail}
    return shown


def write(hub: Hub, name: str, path: Path) -> dict[str, int]:
    """Write the results of a file named ``PARTNER/FILE_ID`` as CSV, its last line the totals; return these.

    Raises:
        Refused: ``unknown_file``, ``file_not_posted``.
    """
    partner_id, _, file_id = name.partition("/")
    with hub.database.connect() as connection, path.open("w", encoding="utf-8", newline="") as stream:
        file = _ready(connection, partner_id, file_id)
        table, counts, points = csv.writer(stream), Counter[str](), 0
        table.writerow(COLUMNS)
        for answer in _all(connection, file):
            table.writerow([one if isinstance(one, int) else harmless(one) for one in answer])
            counts[answer.status] += 1
            points += answer.points if answer.status in ("posted", "pending") else 0
        said = " ".join(f"{status}={count}" for status, count in sorted(counts.items()))
        table.writerow(["total", counts.total(), said, points, "", "", ""])
    return {**counts, "points": points}


def _all(connection: Connection, file: File) -> Iterator[Answer]:
    for number in range(1, file.chunks + 1):
        chunk = file_chunks.read(connection, file, number)
        assert chunk is not None
        yield from contents.read_answers(chunk)
