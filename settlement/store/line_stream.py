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
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection, Select

from settlement.exports.lines import DIGEST

_WRITTEN = 66
"""Signs of a digest."""
BLOCK_BYTES = 24 << 20
"""As much text is taken from the server before it is read: some hundred and fifty thousand lines."""


def line_tables(connection: Connection, query: Select[Any], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of a query that has the columns of a schema, in its order.

    The connection serves nothing else until the last row was taken.
    """
    connection.exec_driver_sql("SET LOCAL bytea_output = 'hex'")
    asked = query.compile(dialect=connection.dialect)
    command = f"COPY ({asked}) TO STDOUT (FORMAT csv)"
    cursor = connection.connection.cursor()
    with contextlib.closing(cursor), cursor.copy(command, asked.params) as copy:
        for block in _blocks(copy):
            yield _table(block, schema)


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
    """Digests as PostgreSQL writes bytes, ``\\x`` and hexadecimal digits, as 32 bytes each.

    Somebody may have put something else there: what is too short has zeros in front, what is too long loses its end.
    """
    texts = column.combine_chunks()
    if not pc.all(pc.equal(pc.binary_length(texts), _WRITTEN)).as_py():
        texts = pc.utf8_slice_codeunits(pc.utf8_lpad(pc.utf8_slice_codeunits(texts, 2), 64, "0"), 0, 64)
        texts = pc.binary_join_element_wise("\\x", texts, "")
    start = texts.offset * _WRITTEN
    written = memoryview(texts.buffers()[2])[start : start + len(texts) * _WRITTEN]
    digests = binascii.unhexlify(bytes(written).replace(b"\\x", b""))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(texts), [None, pa.py_buffer(digests)])
