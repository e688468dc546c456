"""A partner's report as JSON: a list of objects, or an object with one under `lines`.

Numbers with a fraction are taken as they are written, so that no amount goes through binary fractions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from settlement.core.report_mapping import ReportForm
from settlement.errors import FileRefused

MAX_BYTES = 512 * 1024**2


def rows(path: Path, form: ReportForm) -> Iterator[Mapping[str, Any]]:
    """Each object of the list; raises `FileRefused`."""
    if path.stat().st_size > MAX_BYTES:
        raise FileRefused(f"is larger than {MAX_BYTES:,} bytes; use CSV or Parquet for a report of this size")
    try:
        content = json.loads(
            path.read_bytes(), parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"is no JSON: {error!s:.200}") from error
    lines = content.get("lines") if isinstance(content, dict) else content
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise FileRefused('is neither a list of objects nor an object with a list of them under "lines"')
    yield from lines


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")
