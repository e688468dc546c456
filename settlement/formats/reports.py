"""A partner's own report as lines, in the format of the file's suffix; the formats are a table of one module each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from settlement.core.reconciliation import Line
from settlement.core.report_mapping import ReportForm, line_of
from settlement.errors import FileRefused, MappingRefused
from settlement.formats import report_csv, report_json, report_parquet

Rows = Callable[[Path, ReportForm], Iterator[Mapping[str, Any]]]
FORMATS: Mapping[str, Rows] = {
    ".csv": report_csv.rows,
    ".json": report_json.rows,
    ".parquet": report_parquet.rows,
}


def read(path: Path, form: ReportForm) -> Iterator[Line]:
    """The lines of a report, one a row, in the order of the file.

    Raises `FileRefused` with the row and the column that cannot be read, `MappingRefused` when a column that was
    announced is not there.
    """
    rows = FORMATS.get(path.suffix.lower())
    if rows is None:
        raise FileRefused(f"{path.name}: no format is called {path.suffix!r}; there are {', '.join(FORMATS)}")
    try:
        for number, row in enumerate(rows(path, form), 1):
            if number == 1:
                _check_columns(row, form)
            yield line_of(row, number, form)
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error


def _check_columns(row: Mapping[str, Any], form: ReportForm) -> None:
    for ours, theirs in form.columns.items():
        if theirs not in row:
            raise MappingRefused(
                f"there is no column {theirs!r} for {ours}; the report has {', '.join(map(repr, row))}"[:1000]
            )
