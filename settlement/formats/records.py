"""The records of an exported cycle, the same in every format, and how they are read from a stranger's file.

A file has one header, then a record for each position, net, statement total, due and charge, and for each contract and
rate of tax that charges follow from, then the lines. In JSON lines each
is a line; in Parquet all but the lines stand in the footer. The fields `origin`, `kind` and `points_of` of a line are
left out where they are usual, as in files from before there were corrections and kinds, and so is `origin_cycle`, the
cycle in which the origin was settled, which is no part of a line's text. Nothing in a file is trusted: a record with a
field missing, unknown, of the wrong type or out of range is refused, and the message says which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple, get_type_hints

from settlement.core.charges import Charge, TaxRate
from settlement.core.contracts import Contract
from settlement.core.dues import Due
from settlement.core.lines import FIELDS, Obligation, why_not_owed
from settlement.core.netting import Net
from settlement.core.numbering import NumberedLine
from settlement.core.positions import Position
from settlement.core.totals import StatementTotal
from settlement.core.verification import Claims
from settlement.errors import FileRefused

FORMAT = "hansa-settlement-export"
VERSION = 1
MAX_RECORDS = 1_000_000
_BIGINT = range(-(2**63), 2**63)

LEFT_OUT = {name: Obligation._field_defaults[name] for name in ("origin", "kind", "points_of")}
"""The fields that a file need not have, with what they then are."""
ORIGIN_CYCLE = "origin_cycle"

Record = dict[str, Any]
_Kind = type[Position] | type[Net] | type[StatementTotal] | type[Due] | type[Charge] | type[Contract] | type[TaxRate]
_KINDS: Mapping[str, _Kind] = {
    "position": Position,
    "net": Net,
    "statement": StatementTotal,
    "due": Due,
    "charge": Charge,
    "contract": Contract,
    "tax_rate": TaxRate,
}
_ROW_TYPES = {kind: get_type_hints(row) for kind, row in _KINDS.items()}
_OBJECT = _ROW_TYPES["contract"]["document"]
_HEADER_TYPES = {
    "format": str,
    "version": int,
    "cycle": str,
    "ends_on": date,
    "published_at": str,
    "digest": bytes,
    "lines": int,
    "last": str,
}
_LINE_NAMES = ("number", "previous", *FIELDS, "digest")
_LINE_TYPES = (int, str, str, str, int, str, str, int, int, str, int, int, int, date, str, str, str, bytes)
_LINE_TEXTS = itemgetter(*(place for place, kind in enumerate(_LINE_TYPES) if kind is str))
_LINE_NUMBERS = itemgetter(*(place for place, kind in enumerate(_LINE_TYPES) if kind is int))
_LINE_VALUES = itemgetter(*_LINE_NAMES)


class Header(NamedTuple):
    """What is stated about a cycle; `published_at` is RFC 3339, `last` names the last line ("" without lines)."""

    claims: Claims
    published_at: str
    last: str


class Export(NamedTuple):
    """A file while it is read: its header, and the lines as they come."""

    header: Header
    lines: Iterator[NumberedLine]


def header_records(header: Header) -> Iterator[Record]:
    """Everything but the lines, as records to be written as JSON."""
    claims = header.claims
    yield {
        "record": "header",
        "format": FORMAT,
        "version": VERSION,
        "cycle": claims.cycle,
        "ends_on": claims.ends_on.isoformat(),
        "published_at": header.published_at,
        "digest": claims.digest.hex(),
        "lines": claims.lines,
        "last": header.last,
    }
    above: Sequence[Sequence[Any]] = claims[4:]
    for kind, rows in zip(_KINDS, above, strict=True):
        for row in rows:
            yield {"record": kind, **_plain(row._asdict())}


def line_record(numbered: NumberedLine) -> Record:
    """A line as a record to be written as JSON."""
    place = {"record": "line", "number": numbered.number, "previous": numbered.previous}
    record = place | _plain(numbered.line._asdict()) | {"digest": numbered.digest.hex()}
    record[ORIGIN_CYCLE] = numbered.origin_cycle
    left_out = LEFT_OUT | {ORIGIN_CYCLE: ""}
    return {name: value for name, value in record.items() if name not in left_out or value != left_out[name]}


def read_header(records: Iterable[Record]) -> Header:
    """Read what `header_records` wrote; raises `FileRefused`."""
    rows: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    stated: Record = {}
    for count, record in enumerate(records):
        if count > MAX_RECORDS:
            raise FileRefused(f"states more than {MAX_RECORDS} positions, nets, totals, dues and charges")
        kind = record.get("record")
        if count == 0:
            stated = _read_stated(record)
        elif isinstance(kind, str) and kind in _KINDS:
            rows[kind].append(_KINDS[kind](**_fields(record, _ROW_TYPES[kind], f"{kind} {count}")))
        else:
            raise FileRefused(f"has a record of unknown kind {kind!r:.40} after its header")
    if not stated:
        raise FileRefused("has no header")
    figures = (stated["lines"], stated["digest"], *rows.values())
    return Header(Claims(stated["cycle"], stated["ends_on"], *figures), stated["published_at"], stated["last"])


def read_line(record: Record) -> NumberedLine:
    """Read what `line_record` wrote; raises `FileRefused`."""
    record = {**LEFT_OUT, **record}
    origin_cycle = record.pop(ORIGIN_CYCLE, "")
    try:
        number, previous, *fields, day, origin, kind, points_of, digest = _LINE_VALUES(record)
    except KeyError as missing:
        raise FileRefused(f"has a line without {missing}") from missing
    if len(record) != len(_LINE_NAMES) + 1:
        raise FileRefused(f"line {number!r:.20} has a field that is not known")
    line = typed_line((number, previous, *fields, _as_date(day), origin, kind, points_of, _as_digest(digest)))
    return with_origin_cycle(line, origin_cycle)


def typed_line(values: Sequence[Any]) -> NumberedLine:
    """Check a line's values, in the order number, previous, the fields of an obligation, digest."""
    if tuple(map(type, values)) != _LINE_TYPES or len(values[-1]) != 32:
        raise FileRefused(f"line {values[0]!r:.20} has a value of the wrong type")
    if not "".join(_LINE_TEXTS(values)).isprintable() or not all(number in _BIGINT for number in _LINE_NUMBERS(values)):
        raise FileRefused(f"line {values[0]!r:.20} has a value out of range")
    line = Obligation._make(values[2:-1])
    if line.price_numerator < 0 or line.price_denominator < 1:
        raise FileRefused(f"line {values[0]!r:.20} has a price out of range")
    reason = why_not_owed(line)
    if reason:
        raise FileRefused(f"line {values[0]!r:.20} has points, an amount or an origin out of range: {reason}")
    return NumberedLine(values[0], values[1], line, values[-1])


def with_origin_cycle(numbered: NumberedLine, origin_cycle: object) -> NumberedLine:
    """A line with the cycle in which its origin was settled, which only a correction has; raises `FileRefused`."""
    if not isinstance(origin_cycle, str) or not origin_cycle.isprintable():
        raise FileRefused(f"line {numbered.number} has an origin cycle that is no printable text")
    if origin_cycle and not numbered.line.origin:
        raise FileRefused(f"line {numbered.number} has an origin cycle, but no origin")
    return numbered._replace(origin_cycle=origin_cycle)


def parse(text: bytes | str) -> Any:
    """JSON without doubled names and without fractions; raises `FileRefused`."""
    try:
        return json.loads(text, object_pairs_hook=_once_each, parse_float=_refuse_number, parse_constant=_refuse_number)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"is not well-formed JSON: {error!s:.100}") from error


def _read_stated(record: Record) -> Record:
    if record.get("record") != "header" or record.get("format") != FORMAT:
        raise FileRefused("does not begin with the header of an exported cycle")
    if record.get("version") != VERSION:
        raise FileRefused(f"is of version {record.get('version')!r:.20}; this program reads version {VERSION}")
    return _fields(record, _HEADER_TYPES, "header")


def _fields(record: Record, types: Mapping[str, type], where: str) -> Record:
    if record.keys() - {"record"} != types.keys():
        raise FileRefused(f"{where}: fields are missing or not known")
    return {name: _CONVERT[kind](record[name]) for name, kind in types.items()}


def _plain(fields: Record) -> Record:
    return {name: _JSON[type(value)](value) if type(value) in _JSON else value for name, value in fields.items()}


def _as_text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise FileRefused(f"has {value!r:.40} where a printable text is due")
    return value


def _as_number(value: Any) -> int:
    if type(value) is not int or value not in _BIGINT:
        raise FileRefused(f"has {value!r:.40} where a whole number is due")
    return value


def _as_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != value:
        raise FileRefused(f"has {value!r:.40} where a date is due")
    return day


def _as_digest(value: Any) -> bytes:
    try:
        digest = bytes.fromhex(value)
    except (TypeError, ValueError):
        digest = b""
    if len(digest) != 32:
        raise FileRefused(f"has {value!r:.40} where a digest is due")
    return digest


def _as_object(value: Any) -> Record:
    if not isinstance(value, dict):
        raise FileRefused(f"has {value!r:.40} where an object is due")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a name occurs twice")
    return record


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text:.20} is not a whole number")


_CONVERT: Mapping[type, Callable[[Any], Any]] = {
    str: _as_text,
    int: _as_number,
    date: _as_date,
    bytes: _as_digest,
    _OBJECT: _as_object,
}
_JSON: Mapping[type, Callable[[Any], str]] = {bytes: bytes.hex, date: date.isoformat}
