"""A partner's report as Parquet; decimals, whole numbers, texts and dates are taken as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from settlement.core.report_mapping import ReportForm
from settlement.errors import FileRefused

_ROWS = 50_000
_MAX_FOOTER_BYTES = 64 * 1024 * 1024
_MAX_FOOTER_ITEMS = 1_000_000


def rows(path: Path, form: ReportForm) -> Iterator[Mapping[str, Any]]:
    """Each row, with the columns that were announced; raises `FileRefused`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    limits = {"thrift_string_size_limit": _MAX_FOOTER_BYTES, "thrift_container_size_limit": _MAX_FOOTER_ITEMS}
    try:
        with pq.ParquetFile(path, **limits) as file:
            wanted = [name for name in dict.fromkeys(form.columns.values()) if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=_ROWS, columns=wanted):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError, TypeError) as error:
        raise FileRefused(f"is no readable Parquet file: {error!s:.200}") from error
