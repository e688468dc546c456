"""Rows of a Parquet file, read where they are: only the parts that hold the columns asked for come into memory.

The header and the footer of a template are the file's own key-value metadata. A file may not say that it unfolds to
more than a gzip file may, nor have row groups so large that one would not fit into memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hub.core.files.faults import MALFORMED, FileFault
from hub.core.files.mapping import end_values
from hub.core.files.templates import MAX_CELLS, EndLine, Template
from hub.services.files.rows import Row, refuse_card_numbers
from hub.services.files.unpacking import MAX_LINE, MAX_RATIO, RATIO_FROM_BYTES

ROWS_AT_ONCE = 1_000
MAX_GROUP_BYTES = 64 << 20
"""Most bytes of a row group, unfolded."""
_LIMITS = {"thrift_string_size_limit": 16 << 20, "thrift_container_size_limit": 1_000_000}
_FAULTS = (pa.ArrowException, OSError, ValueError, OverflowError, TypeError)


class ParquetRows:
    """The rows of one Parquet file; the same as `hub.services.files.rows.Rows`."""

    def __init__(self, template: Template, file: io.RawIOBase, size: int) -> None:
        """Read the file's own footer.

        Raises:
            FileFault: it is no such file, or one that is too large.
        """
        try:
            source = pa.PythonFile(file, mode="r")
            names = _texts(pq.ParquetFile(source, pre_buffer=False, **_LIMITS).schema_arrow)
            # A text that is written once and referred to a million times stays so in memory too.
            self._file = pq.ParquetFile(source, pre_buffer=False, read_dictionary=names, **_LIMITS)
        except _FAULTS as error:
            raise FileFault(MALFORMED, "it is no readable Parquet file") from error
        self.names: list[str] | None = None
        self._check(size)
        said = {
            name.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for name, value in (self._file.metadata.metadata or {}).items()
            if not name.startswith(b"ARROW:")
        }
        refuse_card_numbers([Row(0, said, [*said, *said.values()])], "metadata")
        self.header = _values(template.header, said, "header")
        self.footer = _values(template.footer, said, "footer")

    def __iter__(self) -> Iterator[Row]:
        number = 0
        try:
            for batch in self._file.iter_batches(batch_size=ROWS_AT_ONCE):
                _check_width(batch, number)
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(number, cells, [str(value) for value in cells.values()])
        except _FAULTS as error:
            raise FileFault(MALFORMED, f"the Parquet file cannot be read after row {number}") from error

    def _check(self, size: int) -> None:
        about = self._file.metadata
        groups = [about.row_group(number).total_byte_size for number in range(about.num_row_groups)]
        if about.num_columns > MAX_CELLS:
            raise FileFault(MALFORMED, f"the file has {about.num_columns} columns, and at most {MAX_CELLS} are taken")
        if max(groups, default=0) > MAX_GROUP_BYTES:
            raise FileFault(MALFORMED, f"a row group has more than {MAX_GROUP_BYTES} bytes; write smaller ones")
        if max(sum(groups), about.num_rows) > max(RATIO_FROM_BYTES, MAX_RATIO * size):
            raise FileFault("gzip_ratio", f"it unfolds to more than {MAX_RATIO} times its size")
        names: Sequence[str] = self._file.schema_arrow.names
        if len(set(names)) != len(names):
            raise FileFault(MALFORMED, "two columns of the file have one name")
        if any(pa.types.is_nested(column.type) for column in self._file.schema_arrow):
            raise FileFault(MALFORMED, "a column of the file holds lists or objects")
        refuse_card_numbers([Row(0, list(names), names)], "schema")


def _texts(schema: pa.Schema) -> list[str]:
    return [column.name for column in schema if pa.types.is_string(column.type) or pa.types.is_binary(column.type)]


def _check_width(batch: pa.RecordBatch, row: int) -> None:
    """Refuse rows that are longer than a line may be, before they are made into texts."""
    dictionaries = [column.dictionary for column in batch.columns if pa.types.is_dictionary(column.type)]
    if sum(pc.max(pc.binary_length(one)).as_py() or 0 for one in dictionaries) > MAX_LINE:
        raise FileFault(MALFORMED, f"rows after row {row} have more than {MAX_LINE} characters")


def _values(end: EndLine | None, said: Mapping[str, Any], what: str) -> Mapping[str, str]:
    return end_values(end, said, what) if end else {}
