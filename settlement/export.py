"""Export: a published cycle as one file that anyone can recompute.

The file carries what was published and every line it rests on, numbered; `settlement.recompute` needs nothing else.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from settlement.core.lines import row_name
from settlement.core.numbering import number_lines
from settlement.formats import export_format
from settlement.formats.records import Header
from settlement.statements import load_published, rfc3339
from settlement.store.origins import stated_lines_of
from settlement.store.results import last_key, stream_stated_lines
from settlement.store.window import window_of


def write(connection: Connection, cycle: str, path: Path) -> None:
    """Write a published cycle to `path`, in the format of its suffix (.jsonl or .parquet); it is streamed.

    Raises `UnknownCycle`, `NotPublished`, and `FileRefused` for a suffix without a format.
    """
    written = export_format(path).write
    _, published, claims = load_published(connection, cycle)
    window = window_of(connection, cycle)
    last = last_key(connection, window)
    header = Header(claims, rfc3339(published.at), row_name(*last) if last else "")
    written(path, header, number_lines(stream_stated_lines(connection, stated_lines_of(window))))
