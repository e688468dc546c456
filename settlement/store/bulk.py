"""Adding many rows with few statements: columns travel as arrays, which is several times faster than row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ARRAY, Connection, Table, bindparam, cast, func, insert, select

_ROWS = 20_000


def add_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert the rows, each with values for these columns; none of the columns is an array. Returns how many."""
    arrays = [cast(bindparam(name), ARRAY(table.c[name].type)) for name in columns]
    inserted = insert(table).from_select(
        [*columns], select(func.unnest(*arrays).table_valued(*columns).render_derived())
    )
    waiting, count = iter(rows), 0
    while part := list(islice(waiting, _ROWS)):
        values = zip(*part, strict=True)
        connection.execute(inserted, {name: [*column] for name, column in zip(columns, values, strict=True)})
        count += len(part)
    return count
