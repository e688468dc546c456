"""From the cells of a row to a record as the API would have it, by a template that was compiled once.

A row's cells are a list (csv, fixed) or an object (jsonl, Parquet). A value that is empty is left out; whether it may
be is the record's own schema to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from hub.core.files.faults import MALFORMED, MALFORMED_ROW, FileFault, RowRefused
from hub.core.files.records import MONEY, WHOLE
from hub.core.files.templates import EndLine, Field, Place, Template

Cells = Sequence[str] | Mapping[str, Any]
Read = Callable[[Any], str]
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


class Mapper:
    """Makes records of rows."""

    def __init__(self, template: Template, names: Sequence[str] | None) -> None:
        """``names`` are the columns' in a file that has a line of them.

        Raises:
            FileFault: a column that the template asks for is not there, or there twice.
        """
        self._fields = [(name, _compiled(field, names), name in WHOLE) for name, field in template.columns.items()]

    def record(self, cells: Cells) -> dict[str, Any]:
        """Return the record of a row.

        Raises:
            RowRefused: a cell is not as the template says; the message names the value that it is for.
        """
        record: dict[str, Any] = {}
        for name, read, is_whole in self._fields:
            try:
                value = read(cells)
            except RowRefused as refusal:
                raise RowRefused(refusal.code, f"{name} {refusal.detail}") from None
            except (KeyError, IndexError):
                raise RowRefused(MALFORMED_ROW, f"{name} is not there") from None
            if value:
                record[name] = _whole_number(name, value) if is_whole else value
        if not record.keys().isdisjoint(MONEY):
            record["amount"] = {name: record.pop(name) for name in MONEY if name in record}
        return record

    def peek(self, cells: Cells, name: str) -> str:
        """Return one value of a row that is no record, as far as it can be read; otherwise nothing."""
        for one, read, _ in self._fields:
            if one == name:
                try:
                    return read(cells)
                except (RowRefused, KeyError, IndexError):
                    return ""
        return ""


def end_values(end: EndLine, cells: Cells, what: str) -> dict[str, str]:
    """Return the fields of a header or a footer.

    Raises:
        FileFault: one is not there, or not as the template says.
    """
    try:
        return {name: _compiled(field, None)(cells) for name, field in end.fields.items()}
    except (RowRefused, KeyError, IndexError) as error:
        raise FileFault(MALFORMED, f"the {what} is not as the template says") from error


def _compiled(field: Field, names: Sequence[str] | None) -> Read:
    if not field.places:
        value = _through(field, field.constant)
        return lambda cells: value
    getters = [_getter(place, names) for place in field.places]
    first, made = getters[0], field.steps
    if len(getters) == 1 and not made:
        return first
    if len(getters) == 1 and len(made) == 1:
        [step] = made
        return lambda cells: step(first(cells))
    if len(getters) == 1:
        return lambda cells: _stepped(made, first(cells))
    return lambda cells: _stepped(made, " ".join(get(cells) for get in getters))


def _through(field: Field, value: str) -> str:
    try:
        return _stepped(field.steps, value)
    except RowRefused as refusal:
        raise FileFault(MALFORMED, f"a constant of the template {refusal.detail}") from refusal


def _stepped(steps: Sequence[Callable[[str], str]], value: str) -> str:
    for step in steps:
        value = step(value)
    return value


def _getter(place: Place, names: Sequence[str] | None) -> Read:
    if isinstance(place, tuple):
        start, length = place
        return lambda cells: cells[0][start - 1 : start - 1 + length].strip()
    if isinstance(place, int):
        return itemgetter(place - 1)
    if names is None:
        return lambda cells: text_of(cells[place])
    if names.count(place) != 1:
        raise FileFault(MALFORMED, f"the file has {names.count(place)} columns named {place!r}; one is expected")
    return itemgetter(names.index(place))


def text_of(value: object) -> str:
    """Return a value of JSON or Parquet as a text; binary fractions are refused, since they are not exact."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise RowRefused(MALFORMED_ROW, "is neither a text nor a whole number, exact decimal or time")


def _whole_number(name: str, value: str) -> int:
    if not _WHOLE.fullmatch(value):
        raise RowRefused(MALFORMED_ROW, f"{name} is no whole number of at most 18 digits")
    return int(value)
