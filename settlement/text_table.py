"""A table as plain text, for terminals and mails."""

from __future__ import annotations

import re
from collections.abc import Sequence

from settlement.core.findings import printable

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table; columns of numbers stand to the right."""
    cells = [[printable(str(value)) for value in row] for row in rows]
    columns = [list(column) for column in zip(titles, *cells, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    right = [all(map(_NUMBER.fullmatch, column[1:])) for column in columns]
    rule = ["-" * width for width in widths]
    return [_line(row, widths, right) for row in (titles, rule, *cells)]


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return "  ".join(cells).rstrip()
