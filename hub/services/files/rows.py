"""From lines to rows: what is a header, which cells a row has, where the footer is, in each format.

A row is a line. A quoted cell with a line break in it is therefore two rows that are refused, and an open quote takes
nothing with it but its own line; so every line of a file has its answer.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from hub.core import card_numbers
from hub.core.files.faults import MALFORMED, MALFORMED_ROW, TRUNCATED, FileFault, RowRefused
from hub.core.files.mapping import Cells, end_values
from hub.core.files.templates import MAX_CELLS, EndLine, Template
from partner_sdk.wire import strict_json
from partner_sdk.wire.strict_json import MalformedJson

CARD_NUMBER = "card_number"


class Row(NamedTuple):
    """One row: its line, and its cells or why it has none."""

    number: int
    cells: Cells | RowRefused
    texts: Sequence[str]
    """All that stands in it, apart, to be looked through."""


class Rows:
    """The rows of one file. ``header`` is there at once, ``footer`` when all rows were taken."""

    def __init__(self, template: Template, lines: Iterable[str]) -> None:
        """Read as far as the first row.

        Raises:
            FileFault: there is no header or no line of names, or not as the template says.
        """
        self.names: list[str] | None = None
        self.header: Mapping[str, str] = {}
        self.footer: Mapping[str, str] = {}
        self._template, self._split = template, _SPLIT[template.format](template)
        self._lines = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
        if template.header:
            self.header = self._end(template.header, next(self._lines, None), "header")
        if template.format == "csv" and template.names:
            self.names = self._named(next(self._lines, None))
        self._cells = len(self.names) if self.names else template.cells

    def __iter__(self) -> Iterator[Row]:
        template = self._template
        if template.footer is None:
            for number, line in self._lines:
                yield self._row(number, line)
            return
        last = next(self._lines, None)
        for following in self._lines:
            assert last is not None
            yield self._row(*last)
            last = following
        self.footer = self._end(template.footer, last, "footer")

    def _row(self, number: int, line: str) -> Row:
        try:
            cells = self._split(line)
        except RowRefused as refusal:
            return Row(number, refusal, [line])
        if isinstance(cells, Mapping):
            return Row(number, cells, [*cells, *map(str, cells.values())])
        if self._template.format == "csv":
            if not self._cells:
                self._cells = len(cells)
            if len(cells) != self._cells:
                detail = f"the row has {len(cells)} cells, and {self._cells} are expected"
                return Row(number, RowRefused(MALFORMED_ROW, detail), cells)
            return Row(number, cells, cells)
        return Row(number, cells, _apart(self._template, line))

    def _end(self, end: EndLine, found: tuple[int, str] | None, what: str) -> Mapping[str, str]:
        if found is None or not found[1].startswith(end.starts):
            fault = TRUNCATED if what == "footer" else MALFORMED
            raise FileFault(fault, f"the {what} is missing: the {_PLACE[what]} line is another one")
        number, line = found
        row = Row(number, [line], [line]) if self._template.format == "fixed" else self._unchecked(number, line)
        refuse_card_numbers([row], what)
        if isinstance(row.cells, RowRefused):
            raise FileFault(MALFORMED, f"the {what} cannot be read: {row.cells.detail}")
        return end_values(end, row.cells, what)

    def _unchecked(self, number: int, line: str) -> Row:
        try:
            cells = self._split(line)
        except RowRefused as refusal:
            return Row(number, refusal, [line])
        return Row(number, cells, list(map(str, cells.values())) if isinstance(cells, Mapping) else cells)

    def _named(self, found: tuple[int, str] | None) -> list[str]:
        if found is None:
            raise FileFault(TRUNCATED, "the line that names the columns is missing")
        try:
            names = [name.strip() for name in self._split(found[1])]
        except RowRefused as refusal:
            raise FileFault(MALFORMED, f"the line that names the columns cannot be read: {refusal.detail}") from refusal
        refuse_card_numbers([Row(found[0], names, names)], "line of names")
        return names


_PLACE = {"header": "first", "footer": "last"}


def refuse_card_numbers(rows: Sequence[Row], what: str = "row") -> None:
    """Refuse a file with a card number in it, by the place of that.

    Raises:
        FileFault: ``card_number``.
    """
    found = card_numbers.find_among(["\n".join(row.texts) for row in rows])
    if found is None:
        return
    row = rows[found.number]
    cell = card_numbers.find_among(row.texts)
    place = f"cell {cell.number + 1}" if cell and not isinstance(row.cells, Mapping) else "a member"
    raise FileFault(CARD_NUMBER, f"line {row.number} ({what}): a card number stands in {place}; send tokens instead")


def _csv(template: Template) -> Callable[[str], Any]:
    delimiter, quote = template.delimiter, template.quote

    def split(line: str) -> list[str]:
        if quote not in line and "\r" not in line:
            cells = line.split(delimiter)
        else:
            try:
                [cells] = csv.reader([line], delimiter=delimiter, quotechar=quote, strict=True)
            except (csv.Error, ValueError) as error:
                raise RowRefused(MALFORMED_ROW, "quotes or line breaks are not as in CSV (RFC 4180)") from error
        if len(cells) > MAX_CELLS:
            raise RowRefused(MALFORMED_ROW, f"the row has more than {MAX_CELLS} cells")
        return cells

    return split


def _fixed(template: Template) -> Callable[[str], Any]:
    least = max((start + length - 1 for start, length in _fixed_places(template)), default=0)

    def split(line: str) -> list[str]:
        if "\r" in line or "\x00" in line:
            raise RowRefused(MALFORMED_ROW, "control characters stand in the line")
        if len(line) < least:
            raise RowRefused(MALFORMED_ROW, f"the line has {len(line)} characters, and at least {least} are expected")
        return [line]

    return split


def _fixed_places(template: Template) -> list[tuple[int, int]]:
    return [place for field in template.columns.values() for place in field.places if isinstance(place, tuple)]


def _apart(template: Template, line: str) -> list[str]:
    """Return a line's columns and what is between them, so that digits of two columns are not one number."""
    starts = {start - 1 for start, _ in _fixed_places(template)}
    cuts = sorted({0, len(line), *starts, *(start - 1 + length for start, length in _fixed_places(template))})
    return [line[start:end] for start, end in pairwise(cuts)]


def _jsonl(template: Template) -> Callable[[str], Any]:
    def split(line: str) -> dict[str, Any]:
        try:
            found = strict_json.loads(line.encode())
        except (MalformedJson, UnicodeEncodeError) as error:
            raise RowRefused(MALFORMED_ROW, "the line is no strict JSON") from error
        if not isinstance(found, dict) or len(found) > MAX_CELLS:
            raise RowRefused(MALFORMED_ROW, f"the line is no JSON object of at most {MAX_CELLS} members")
        return found

    return split


_SPLIT: Mapping[str, Callable[[Template], Callable[[str], Any]]] = {"csv": _csv, "fixed": _fixed, "jsonl": _jsonl}
