"""An exported cycle as JSON lines: a record a line, in UTF-8, the last one saying that the file is whole."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from settlement.core.numbering import NumberedLine
from settlement.errors import FileRefused
from settlement.formats.files import whole_file
from settlement.formats.records import (
    Export,
    Header,
    Record,
    header_records,
    line_record,
    parse,
    read_header,
    read_line,
)

MAX_RECORD_BYTES = 65_536
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def write(path: Path, header: Header, lines: Iterable[NumberedLine]) -> None:
    """Write the cycle; the file is there whole or not at all."""
    end = [{"record": "end", "lines": header.claims.lines}]
    records = itertools.chain(header_records(header), map(line_record, lines), end)
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_encode(record) + "\n" for record in records)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Export]:
    """Read the header and then the lines as they are asked for; raises `FileRefused`."""
    with path.open("rb") as file:
        records = _records(file)
        above: list[Record] = []
        first_line = next(_collect(records, above), None)
        header = read_header(above)
        yield Export(header, _lines(first_line, records))


def _collect(records: Iterator[Record], above: list[Record]) -> Iterator[Record]:
    """Put the records before the first line aside, then give that line or the end record."""
    for record in records:
        if record.get("record") in {"line", "end"}:
            yield record
            return
        above.append(record)


def _lines(first: Record | None, records: Iterator[Record]) -> Iterator[NumberedLine]:
    for record in itertools.chain([first] if first else [], records):
        kind = record.get("record")
        if kind == "end":
            _refuse_rest(records)
            return
        if kind != "line":
            raise FileRefused(f"has a record of kind {kind!r:.40} among its lines")
        yield read_line(record)
    raise FileRefused("is cut short: it stops without its end record")


def _refuse_rest(records: Iterator[Record]) -> None:
    if next(records, None) is not None:
        raise FileRefused("goes on after its end record")


def _records(file: BinaryIO) -> Iterator[Record]:
    for number in itertools.count(1):
        text = file.readline(MAX_RECORD_BYTES + 1)
        if not text:
            return
        if len(text) > MAX_RECORD_BYTES:
            raise FileRefused(f"line {number} of the file is longer than {MAX_RECORD_BYTES} bytes")
        if not text.endswith(b"\n"):
            raise FileRefused(f"is cut short in line {number} of the file")
        yield _record(text, number)


def _record(text: bytes, number: int) -> Record:
    try:
        record = parse(text)
    except FileRefused as refused:
        raise FileRefused(f"line {number} of the file {refused}") from refused
    if not isinstance(record, dict):
        raise FileRefused(f"line {number} of the file is no record")
    return record
