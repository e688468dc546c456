"""A partner's report as CSV: RFC 4180 with any one-character delimiter, quotes, CRLF or LF, with or without a BOM."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from settlement.core.report_mapping import ReportForm
from settlement.errors import FileRefused, MappingRefused

_LIKELY = ",;\t|"


def rows(path: Path, form: ReportForm) -> Iterator[Mapping[str, str]]:
    """Each row by the names of the header; raises `FileRefused` and `MappingRefused`."""
    try:
        with path.open(encoding=_encoding(form), newline="") as file:
            yield from _rows(csv.reader(file, delimiter=form.delimiter, strict=True), form)
    except UnicodeDecodeError as error:
        raise FileRefused(
            f"is not written in {form.encoding}: byte {error.start} cannot be read; say --encoding"
        ) from error
    except csv.Error as error:
        raise FileRefused(f"is no CSV: {error}") from error
    except LookupError as error:
        raise MappingRefused(f"there is no encoding {form.encoding[:40]!r}") from error


def _encoding(form: ReportForm) -> str:
    return "utf-8-sig" if form.encoding.lower().replace("_", "-") in ("utf-8", "utf8") else form.encoding


def _rows(table: Iterator[list[str]], form: ReportForm) -> Iterator[Mapping[str, str]]:
    header = [name.strip() for name in next(table, [])]
    _check(header, form)
    for number, row in enumerate(table, 1):
        if not row:
            continue
        if len(row) != len(header):
            raise FileRefused(f"row {number}: has {len(row)} fields, the header has {len(header)}")
        yield dict(zip(header, row, strict=True))


def _check(header: list[str], form: ReportForm) -> None:
    twice = sorted({name for name in header if header.count(name) > 1 and name in form.columns.values()})
    if twice:
        raise FileRefused(f"has the column {twice[0]!r} twice")
    likely = [sign for sign in _LIKELY if len(header) == 1 and sign != form.delimiter and sign in header[0]]
    if likely:
        raise MappingRefused(
            f"the header is one column, {header[0][:80]!r}; say --delimiter {likely[0]!r} if it is several"
        )
