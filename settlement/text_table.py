"""A table as plain text, for terminals and mails."""

from __future__ import annotations

from collections.abc import Sequence

from settlement.core.findings import printable


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table; numbers stand to the right, with a space between thousands."""
    cells = [list(titles), *([_text(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [bool(rows) and isinstance(value, int) for value in (rows[0] if rows else titles)]
    rule = ["-" * width for width in widths]
    return [_line(row, widths, right) for row in (cells[0], rule, *cells[1:])]


def _text(value: object) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else printable(str(value))


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return "  ".join(cells).rstrip()
