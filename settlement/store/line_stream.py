"""The lines of a cycle out of the database as Arrow tables, as they arrive.

By COPY, since the server works on while we do and memory stays flat. As CSV, because pyarrow reads that on all
processors, where the rows of a binary COPY have to be taken apart one by one; it is five times as fast.
"""

from __future__ import annotations

import binascii
import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import ColumnElement, Connection, Select, func

from settlement.exports.lines import DIGEST

BLOCK_BYTES = 24 << 20
"""As much text is taken from the server before it is read: some hundred and fifty thousand lines."""


def line_tables(connection: Connection, query: Select[Any], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of a query that has the columns of a schema, in its order.

    The connection serves nothing else until the last row was taken.
    """
    columns = [_in_hexadecimal(one) if one.key == DIGEST else one for one in query.selected_columns]
    asked = query.with_only_columns(*columns).compile(dialect=connection.dialect)
    command = f"COPY ({asked}) TO STDOUT (FORMAT csv)"
    cursor = connection.connection.cursor()
    with contextlib.closing(cursor), cursor.copy(command, asked.params) as copy:
        for block in _blocks(copy):
            yield _table(block, schema)


def _in_hexadecimal(digest: ColumnElement[Any]) -> ColumnElement[Any]:
    """As text of 64 digits, whatever somebody has put there."""
    return func.lpad(func.encode(digest, "hex"), 64, "0")


def _blocks(copy: Any) -> Iterator[bytes]:
    rows, size = [], 0
    for row in copy:
        rows.append(bytes(row))
        size += len(row)
        if size >= BLOCK_BYTES:
            yield b"".join(rows)
            rows, size = [], 0
    if rows:
        yield b"".join(rows)


def _table(block: bytes, schema: pa.Schema) -> pa.Table:
    types = {field.name: pa.string() if field.name == DIGEST else field.type for field in schema}
    read = pyarrow.csv.read_csv(
        io.BytesIO(block),
        read_options=pyarrow.csv.ReadOptions(column_names=schema.names),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types),
    )
    place = read.schema.get_field_index(DIGEST)
    return read.set_column(place, schema.field(place), _digests(read.column(place))).cast(schema)


def _digests(column: pa.ChunkedArray) -> pa.Array:
    """Hexadecimal texts of one length, one after the other in memory, as bytes."""
    texts = column.combine_chunks()
    start = texts.offset * 64
    digests = binascii.unhexlify(memoryview(texts.buffers()[2])[start : start + len(texts) * 64])
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(texts), [None, pa.py_buffer(digests)])
