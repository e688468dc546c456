"""The lines of a cycle as Arrow tables: written to `lines.parquet` as they come, and read back in stretches.

A stretch is some hundred thousand lines that are looked at together. It ends where an event ends, so that all lines of
an event are in one stretch; so memory does not grow with the cycle.

Every line in a file has its number and the name of the line before it. When a line is gone, the next one still says
which; when one was put in, its number is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from settlement.core.event_lines import MAX_EVENT_LINES
from settlement.core.lines import FIELDS
from settlement.errors import FileRefused
from settlement.exports.tables import opened, refusing

NAME = "lines.parquet"
STRETCH_LINES = 250_000
NUMBER, PREVIOUS, DIGEST, ORIGIN_CYCLE = "number", "previous", "digest", "origin_cycle"

_TEXT, _NUMBER, _SMALL = pa.string(), pa.int64(), pa.int32()
_KINDS = {
    "line": _SMALL,
    "points": _NUMBER,
    "amount_minor": _NUMBER,
    "price_version": _SMALL,
    "price_numerator": _NUMBER,
    "price_denominator": _NUMBER,
    "business_date": pa.date32(),
}
LINE = pa.schema(
    [
        *(pa.field(name, _KINDS.get(name, _TEXT), nullable=False) for name in FIELDS),
        pa.field(DIGEST, pa.binary(32), nullable=False),
    ]
)
"""A line with its digest, as the self-checks look at it."""
OF_A_PAIR = pa.schema([LINE.field(name) for name in ("issuer", "redeemer", "currency", DIGEST)])
"""What a pair's digest is taken of."""
STATED = LINE.append(pa.field(ORIGIN_CYCLE, _TEXT, nullable=False))
"""Of a correction also the cycle in which its origin was settled; "" otherwise, or where it owed nothing itself."""
FILE = pa.schema(
    [pa.field(NUMBER, _NUMBER, nullable=False), pa.field(PREVIOUS, _TEXT, nullable=False), *STATED],
)
_OF_FEW_VALUES = ("partner_id", "issuer", "redeemer", "currency", "origin", "kind", "points_of", ORIGIN_CYCLE)
_SORTED = dict.fromkeys(("event_id", PREVIOUS), "DELTA_BYTE_ARRAY") | {NUMBER: "DELTA_BINARY_PACKED"}


_FIRST_DAY, _LAST_DAY = ((day - date(1970, 1, 1)).days for day in (date.min, date.max))


class Written:
    """What was written: how many lines, and what the last is called."""

    def __init__(self) -> None:
        self.lines, self.last = 0, ""


def write(path: Path, tables: Iterable[pa.Table]) -> Written:
    """Write lines of the schema `STATED` in the order given, numbered."""
    written = Written()
    options = {"compression": "zstd", "use_dictionary": [*_OF_FEW_VALUES], "column_encoding": _SORTED}
    with pq.ParquetWriter(path, FILE, **options) as file:
        for table in tables:
            file.write_table(_numbered(table, written))
    return written


def stretches_of(path: Path) -> Iterator[pa.Table]:
    """The lines of a file with their numbers, in stretches; raises `FileRefused`."""
    with refusing(path), opened(path) as file:
        if not file.schema_arrow.equals(FILE, check_metadata=False):
            raise FileRefused(f"{path.name} has not the columns of the lines of a cycle")
        columns = [name for name in FILE.names if name != PREVIOUS]
        batches = file.iter_batches(batch_size=STRETCH_LINES, columns=columns)
        yield from by_event(_whole(batch, path) for batch in batches)


def places_of(path: Path) -> Iterator[tuple[int, str, tuple[str, str, int]]]:
    """Each line's number, the name of the line before it, and its own key; for a file whose numbers are wrong."""
    with refusing(path), opened(path) as file:
        for batch in file.iter_batches(columns=[NUMBER, PREVIOUS, *FIELDS[:3]]):
            number, previous, *key = (column.to_pylist() for column in batch.columns)
            yield from zip(number, previous, zip(*key, strict=True), strict=True)


def by_event(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same lines cut anew, so that the lines of one event are together, unless they are too many for any event."""
    known: pa.Table | None = None
    for table in tables:
        if known is not None:
            cut = _start_of_last_event(known)
            if cut:
                yield known.slice(0, cut)
            table = pa.concat_tables([known.slice(cut), table])
        known = table
    if known is not None and known.num_rows:
        yield known


def names_of(table: pa.Table) -> pa.Array:
    """What each line is called."""
    partner_id, event_id, line = (table.column(name).combine_chunks() for name in FIELDS[:3])
    return pc.binary_join_element_wise(partner_id, event_id, line.cast(_TEXT), "/")


def _numbered(table: pa.Table, written: Written) -> pa.Table:
    names = names_of(table)
    previous = pa.concat_arrays([pa.array([written.last], _TEXT), names[:-1]]) if len(names) else names
    numbers = pa.array(range(written.lines + 1, written.lines + table.num_rows + 1), _NUMBER)
    if len(names):
        written.lines, written.last = written.lines + len(names), names[-1].as_py()
    return pa.Table.from_arrays([numbers, previous, *table.columns], schema=FILE)


def _whole(batch: pa.RecordBatch, path: Path) -> pa.Table:
    """The batch, without gaps and with texts that are texts, which no writer promises; raises `FileRefused`."""
    if any(column.null_count for column in batch.columns):
        raise FileRefused(f"{path.name} has a line without a value")
    days = batch.column("business_date").cast(pa.int32())
    if pc.any(pc.or_(pc.less(days, _FIRST_DAY), pc.greater(days, _LAST_DAY))).as_py():
        raise FileRefused(f"{path.name} has a line of a day that no calendar has")
    batch.validate(full=True)
    return pa.Table.from_batches([batch])


def _start_of_last_event(table: pa.Table) -> int:
    """Where the lines of the last event begin; the end of the table, if these are more than an event may have."""
    if not table.num_rows:
        return 0
    partner_id, event_id = table.column("partner_id"), table.column("event_id")
    last, place = (partner_id[-1], event_id[-1]), table.num_rows
    while place and (partner_id[place - 1], event_id[place - 1]) == last:
        place -= 1
    return int(table.num_rows) if table.num_rows - place > MAX_EVENT_LINES else place
