"""An exported cycle as one Parquet file: the lines as rows, everything above them as JSON in the footer.

pyarrow is loaded only here and only when such a file is written or read.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settlement.core.numbering import NumberedLine
from settlement.errors import FileRefused
from settlement.formats.files import whole_file
from settlement.formats.records import (
    LEFT_OUT,
    ORIGIN_CYCLE,
    Export,
    Header,
    header_records,
    parse,
    read_header,
    typed_line,
    with_origin_cycle,
)

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"hansa.settlement"
_ROWS = 50_000
_MAX_FOOTER_BYTES = 512 * 1024 * 1024
_MAX_FOOTER_ITEMS = 1_000_000


def write(path: Path, header: Header, lines: Iterable[NumberedLine]) -> None:
    """Write the cycle; the file is there whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    above = json.dumps(list(header_records(header)), ensure_ascii=False, separators=(",", ":"))
    schema = _schema().append(_origin_cycle()).with_metadata({METADATA_KEY: above.encode()})
    rows = ((row.number, row.previous, *row.line, row.digest, row.origin_cycle) for row in lines)
    with whole_file(path) as beside, pq.ParquetWriter(beside, schema, compression="zstd") as file:
        while part := list(itertools.islice(rows, _ROWS)):
            columns = zip(*part, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            file.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Export]:
    """Read the header and then the lines as they are asked for; raises `FileRefused`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(
            path, thrift_string_size_limit=_MAX_FOOTER_BYTES, thrift_container_size_limit=_MAX_FOOTER_ITEMS
        ) as file:
            yield Export(_header(file.schema_arrow), _lines(file))
    except (pa.ArrowException, OSError, ValueError, OverflowError, TypeError) as error:
        raise FileRefused(f"is no readable Parquet file: {error!s:.200}") from error


def _header(schema: pa.Schema) -> Header:
    later = [*LEFT_OUT]
    known = [_without(_schema(), later[count:]) for count in (len(later), 1, 0)]
    place = schema.get_field_index(ORIGIN_CYCLE)
    stated = schema.remove(place) if place >= 0 and schema.field(place).equals(_origin_cycle()) else schema
    if not any(stated.equals(one, check_metadata=False) for one in known):
        raise FileRefused("has not the columns of an exported cycle")
    records = parse((schema.metadata or {}).get(METADATA_KEY, b"null"))
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise FileRefused("has no header in its footer")
    return read_header(records)


def _lines(file: Any) -> Iterator[NumberedLine]:
    for batch in file.iter_batches(batch_size=_ROWS):
        origin_cycles = [""] * batch.num_rows
        if ORIGIN_CYCLE in batch.schema.names:
            origin_cycles = batch.column(ORIGIN_CYCLE).to_pylist()
            batch = batch.drop_columns([ORIGIN_CYCLE])
        columns = [column.to_pylist() for column in batch.columns]
        for name, value in LEFT_OUT.items():
            if name not in batch.schema.names:
                columns.insert(-1, [value] * batch.num_rows)
        yield from map(with_origin_cycle, map(typed_line, zip(*columns, strict=True)), origin_cycles)


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number, small = pa.string(), pa.int64(), pa.int32()
    types = {
        "number": number,
        "previous": text,
        "partner_id": text,
        "event_id": text,
        "line": small,
        "issuer": text,
        "redeemer": text,
        "points": number,
        "amount_minor": number,
        "currency": text,
        "price_version": small,
        "price_numerator": number,
        "price_denominator": number,
        "business_date": pa.date32(),
        **dict.fromkeys(LEFT_OUT, text),
        "digest": pa.binary(32),
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])


def _origin_cycle() -> pa.Field:
    """The last column, which files from before it was told are without."""
    import pyarrow as pa

    return pa.field(ORIGIN_CYCLE, pa.string(), nullable=False)


def _without(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """The columns of files from before there were these."""
    for name in names:
        schema = schema.remove(schema.get_field_index(name))
    return schema
