"""Sales from a table that a till or a spreadsheet wrote: CSV in whatever columns, encoding and delimiter it has.

A line that cannot be read is named by its number, with what is wrong, and the others go on.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from partner_sdk.amounts import minor_units
from partner_sdk.model import Earning
from partner_sdk.wire.schemas import EarningSchema, InvalidRequest, validate

NEEDED = ("event_id", "member", "occurred_at")
OPTIONAL = ("amount", "minor", "currency", "points", "store", "terminal", "channel")
_MOST_LINES = 20
_DELIMITERS = ",;\t|"
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


class TableRefused(ValueError):
    """The file as a whole cannot be read, or not with these columns."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is to be read. `columns` maps a field of an earning to the column that holds it.

    `scheme` comes before members that name none; `currency` is of all sales where no column says it; `utc_offset`
    is of times that name none, which `time_format` (as strptime has it) may describe.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    scheme: str = "card"
    utc_offset: timedelta | None = None
    time_format: str = ""
    comma: bool = False
    delimiter: str = ""
    encoding: str = ""


class Line(NamedTuple):
    """A line of the table, by the number of its first line in the file: a sale, or what is wrong with it."""

    number: int
    event_id: str
    earning: Earning | None
    fault: str = ""


class SalesFile:
    """A table that is open; its `lines` are read once."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        try:
            self._raw: IO[bytes] = path.open("rb")
            self._bytes = max(path.stat().st_size, 1)
        except OSError as error:
            raise TableRefused(f"{path}: {error.strerror}") from None

    @property
    def done(self) -> float:
        """The share of the file that was read, from 0 to 1."""
        return 1.0 if self._raw.closed else min(self._raw.tell() / self._bytes, 1.0)

    def lines(self) -> Iterator[Line]:
        """Every line but the first, which names the columns; raises TableRefused before the first if it cannot."""
        with self._raw, self._text() as text:
            heading = text.readline()
            delimiter = self.layout.delimiter or max(_DELIMITERS, key=heading.count)
            names = [name.strip() for name in next(csv.reader([heading], delimiter=delimiter), [])]
            where = _places(names, self.layout)
            for number, row in _records(text, delimiter, len(names)):
                if isinstance(row, str):
                    yield Line(number, "", None, row)
                elif row:
                    yield self._line(number, row, len(names), where)

    def _text(self) -> io.TextIOWrapper:
        start = self._raw.read(3)
        self._raw.seek(0)
        found = next((name for bom, name in _BOMS.items() if start.startswith(bom)), "utf-8")
        encoding = self.layout.encoding or found
        # A line that is not in this encoding is at fault by itself; surrogates mark where.
        errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
        try:
            return io.TextIOWrapper(self._raw, encoding, errors, newline="")
        except LookupError:
            raise TableRefused(f"there is no encoding {encoding!r}") from None

    def _line(self, number: int, row: list[str], width: int, where: Mapping[str, int]) -> Line:
        event_id = row[where["event_id"]].strip() if len(row) > where["event_id"] else ""
        try:
            if len(row) != width:
                raise ValueError(f"{len(row)} fields are here, and {width} in the first line")
            if any(map(_is_damaged, row)):
                raise ValueError("the text is not in the file's encoding; say which with --encoding")
            given = {name: row[place].strip() for name, place in where.items()}
            wire = validate(EarningSchema, _wire(given, self.layout))
            return Line(number, event_id, Earning.from_wire(wire))
        except (ValueError, InvalidRequest) as fault:
            return Line(number, event_id if event_id.isprintable() else "", None, str(fault))


def _is_damaged(text: str) -> bool:
    return "\ufffd" in text or any("\ud800" <= character <= "\udfff" for character in text)


def _records(text: Iterable[str], delimiter: str, width: int) -> Iterator[tuple[int, list[str] | str]]:
    """Each row with the number of its first line, or what is wrong with that line.

    A quoted field may go over several lines. One whose quote is never closed would swallow what follows; so where
    the lines together make no row, the first alone is at fault and the others are read again.
    """
    rest, number = iter(text), 2
    while together := _open_quotes(rest):
        row = _row(together, delimiter)
        if len(together) > 1 and (isinstance(row, str) or len(row) != width):
            row = _row(together[:1], delimiter)
            together, rest = together[:1], chain(together[1:], rest)
        yield number, row
        number += len(together)


def _open_quotes(lines: Iterator[str]) -> list[str]:
    """The next line, and as many more as the quotes that are open in it ask for."""
    together = list(islice(lines, 1))
    while together and "".join(together).count('"') % 2 and len(together) < _MOST_LINES:
        more = list(islice(lines, 1))
        if not more:
            break
        together += more
    return together


def _row(lines: list[str], delimiter: str) -> list[str] | str:
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as fault:
        return f"no CSV: {fault}"
    return rows[0] if len(rows) == 1 else "no CSV: a quote is not closed"


def _places(names: list[str], layout: Layout) -> dict[str, int]:
    """Where each field stands; raises TableRefused for a column that is not there or not said."""
    known = {name.casefold(): place for place, name in reversed(list(enumerate(names)))}
    where = {}
    for name in (*NEEDED, *OPTIONAL):
        column = layout.columns.get(name, name)
        if column.casefold() in known:
            where[name] = known[column.casefold()]
        elif name in layout.columns or name in NEEDED:
            raise TableRefused(f"no column {column!r} for {name}; there are: {', '.join(names)}")
    if len({"amount", "minor"} & set(where)) != 1:
        raise TableRefused(f"exactly one column must be mapped to amount or minor; there are: {', '.join(names)}")
    if "currency" not in where and not layout.currency:
        raise TableRefused("no column says the currency; map one, or give --currency for all")
    return where


def _wire(given: Mapping[str, str], layout: Layout) -> dict[str, Any]:
    currency = given.get("currency") or layout.currency
    member = given["member"] if ":" in given["member"] else f"{layout.scheme}:{given['member']}"
    wire: dict[str, Any] = {
        "event_id": given["event_id"],
        "member": member,
        "occurred_at": _instant(given["occurred_at"], layout).isoformat(),
        "amount": {"minor": _minor(given, currency, layout), "currency": currency},
    }
    wire |= {name: given[name] for name in ("store", "terminal", "channel") if given.get(name)}
    return wire | ({"points": _whole(given["points"], "points")} if given.get("points") else {})


def _minor(given: Mapping[str, str], currency: str, layout: Layout) -> int:
    if "minor" in given:
        return _whole(given["minor"], "minor")
    return minor_units(given["amount"], currency, comma=layout.comma)


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"{name} is a whole number, not {text!r}")
    return int(text)


def _instant(text: str, layout: Layout) -> datetime:
    at = _described(text, layout) if layout.time_format else datetime.fromisoformat(text)
    if at.tzinfo is None and layout.utc_offset is None:
        raise ValueError(f"{text!r} names no time zone; say which with --utc-offset")
    return at if at.tzinfo else at.replace(tzinfo=timezone(layout.utc_offset or timedelta()))


def _described(text: str, layout: Layout) -> datetime:
    """Read a time that is written in a format of its own; one that names no time zone must be told it."""
    if "%z" in layout.time_format:
        return datetime.strptime(text, layout.time_format).astimezone()
    if layout.utc_offset is None:
        raise ValueError(f"{text!r} names no time zone; say which with --utc-offset")
    return datetime.strptime(text, layout.time_format).replace(tzinfo=timezone(layout.utc_offset))
