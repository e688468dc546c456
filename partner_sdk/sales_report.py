"""Reporting a table of sales: batch by batch, with a result file that has a line for each line.

It can be interrupted and started again as often as need be: all of it is reported again, and what was reported
before is answered as a duplicate. The result file always tells of the last run.
"""

import csv
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from partner_sdk.client import Client
from partner_sdk.model import EarningResult
from partner_sdk.sales_file import Line, SalesFile
from partner_sdk.wire.schemas import MAX_BATCH

COLUMNS = ("line", "event_id", "status", "points", "duplicate", "code", "detail")
UNREADABLE = "unreadable"
_REDRAW_S = 0.2
_BAR_CHARS = 30


@dataclass(slots=True)
class Progress:
    """A line that tells how far a file is, on a terminal and nowhere else."""

    stream: IO[str] = field(default_factory=lambda: sys.stderr)
    _drawn_at: float = 0.0
    _width: int = 0

    def show(self, done: float, lines: int, *, ended: bool = False) -> None:
        """Draw the line anew, but not all the time; wipe it at the end."""
        now = time.monotonic()
        if not self.stream.isatty() or (not ended and now - self._drawn_at < _REDRAW_S):
            return
        self._drawn_at = now
        filled = round(done * _BAR_CHARS)
        text = "" if ended else f"[{'#' * filled:<{_BAR_CHARS}}] {done:4.0%}  {lines:,} lines"
        self.stream.write("\r" + text.ljust(self._width) + ("\r" if ended else ""))
        self.stream.flush()
        self._width = len(text)


def report(client: Client, sales: SalesFile, results: Path, progress: Progress) -> dict[str, int]:
    """Report every line that can be read and write what became of each; returns how many became what.

    Raises TransportError or Refused when no more can be reported; what is in the result file by then is done.
    """
    counts: Counter[str] = Counter()
    with results.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for batch in _batches(sales.lines()):
            for row in _reported(client, batch):
                writer.writerow(row)
                counts[row[2]] += 1
                counts["duplicates"] += row[4] == "yes"
            file.flush()
            progress.show(sales.done, sum(counts.values()) - counts["duplicates"])
    progress.show(1.0, 0, ended=True)
    return dict(counts)


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while batch := list(islice(rest, MAX_BATCH)):
        yield batch


def _reported(client: Client, batch: list[Line]) -> Iterator[tuple[Any, ...]]:
    answers = iter(_results(client, batch))
    for line in batch:
        if line.earning is None:
            yield line.number, line.event_id, UNREADABLE, 0, "", "", line.fault
        else:
            yield line.number, *_row(next(answers))


def _results(client: Client, batch: list[Line]) -> list[EarningResult]:
    earnings = [line.earning for line in batch if line.earning is not None]
    return client.earn(earnings)


def _row(result: EarningResult) -> tuple[Any, ...]:
    code, detail = (result.error.code, result.error.detail) if result.error else ("", "")
    return result.event_id, result.status, result.points, "yes" if result.duplicate else "", code, detail
