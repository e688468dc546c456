"""The files of an exported cycle beside its lines, a row of ours each, and how they are read from a stranger.

A file has exactly the columns of its row, in order: texts, whole numbers of 64 bits, dates, digests of 32 bytes, and
documents as JSON. Whatever else a file holds, it is refused with the name of the file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from settlement.core.books.rows import BookedRow
from settlement.core.charges import Charge, TaxRate
from settlement.core.contracts import Contract
from settlement.core.decided_lines import DecidedLine
from settlement.core.dues import Due
from settlement.core.netting import Net
from settlement.core.positions import Position
from settlement.core.statement_balances import PartnerMovement
from settlement.core.totals import StatementTotal
from settlement.errors import FileRefused
from settlement.exports.strict_json import parse

ROWS: Mapping[str, type[Any]] = {
    "positions.parquet": Position,
    "nets.parquet": Net,
    "statements.parquet": StatementTotal,
    "movements.parquet": PartnerMovement,
    "dues.parquet": Due,
    "charges.parquet": Charge,
    "contracts.parquet": Contract,
    "tax_rates.parquet": TaxRate,
    "books.parquet": BookedRow,
    "disputes.parquet": DecidedLine,
}
"""Each file with the row that it is made of."""
MAX_ROWS = 1_000_000
MAX_FOOTER_BYTES = 64 << 20
MAX_FOOTER_ITEMS = 1_000_000

_TYPES: Mapping[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    date: pa.date32(),
    bytes: pa.binary(32),
}
_DOCUMENT = get_type_hints(Contract)["document"]


class Column(NamedTuple):
    """A column by its name, and whether it holds documents, which are written as JSON."""

    name: str
    kind: pa.DataType
    document: bool


def write(path: Path, rows: Sequence[Any]) -> None:
    """Write the rows of one file."""
    columns = _columns(ROWS[path.name])
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array(map(_written, own), column.kind) for own, column in zip(values, columns, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=_schema(columns)), path, compression="zstd")


def read(path: Path) -> list[Any]:
    """Read the rows of one file; raises `FileRefused`."""
    row, columns = ROWS[path.name], _columns(ROWS[path.name])
    with refusing(path), opened(path) as file:
        if not file.schema_arrow.equals(_schema(columns), check_metadata=False):
            raise FileRefused(f"{path.name} has not the columns {', '.join(column.name for column in columns)}")
        if file.metadata.num_rows > MAX_ROWS:
            raise FileRefused(f"{path.name} has more than {MAX_ROWS} rows")
        values = [own.to_pylist() for own in file.read().columns]
        return [row(*_checked(path, found, columns)) for found in zip(*values, strict=True)]


def rows_in(path: Path) -> int:
    """How many rows a file has; raises `FileRefused`."""
    with refusing(path), opened(path) as file:
        return int(file.metadata.num_rows)


def opened(path: Path, **options: Any) -> pq.ParquetFile:
    """A Parquet file, whose footer may not ask for more memory than an honest one needs."""
    limits = {"thrift_string_size_limit": MAX_FOOTER_BYTES, "thrift_container_size_limit": MAX_FOOTER_ITEMS}
    return pq.ParquetFile(path, pre_buffer=False, **limits, **options)


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns what pyarrow says of a file that it cannot read into `FileRefused` with the file's name."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError, TypeError) as error:
        raise FileRefused(f"{path.name} is no readable Parquet file: {error!s:.200}") from error


def _columns(row: type[Any]) -> list[Column]:
    hints: dict[str, object] = get_type_hints(row)
    return [Column(name, _TYPES.get(hints[name], pa.string()), hints[name] == _DOCUMENT) for name in row._fields]


def _schema(columns: Iterable[Column]) -> pa.Schema:
    return pa.schema([pa.field(column.name, column.kind, nullable=False) for column in columns])


def _written(value: object) -> object:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return value


def _checked(path: Path, values: Sequence[Any], columns: Sequence[Column]) -> Iterator[Any]:
    for value, column in zip(values, columns, strict=True):
        if value is None or (isinstance(value, str) and not column.document and not value.isprintable()):
            raise FileRefused(f"{path.name} has {value!r:.40} as {column.name}, where a printable text is due")
        yield _document(path, value) if column.document else value


def _document(path: Path, text: str) -> Mapping[str, Any]:
    found = parse(text)
    if not isinstance(found, dict):
        raise FileRefused(f"{path.name} has a document that is no object")
    return found
