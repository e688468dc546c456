"""Looking through a file before anything of it is posted: shape, totals, repetition, sequence, card numbers.

What can be read is put into chunks on the way, one short transaction each, so that memory stays the same whatever the
file's size and whoever is killed goes on where he was. Rows that are no records are kept as such and answered; more of
them than the template allows, or a gap in the sequence, let the whole file wait for a person. What makes all of it
doubtful (totals, digest, sequence, a card number) refuses the file, and all that it held is erased.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from hub.core.errors import LedgerBroken
from hub.core.files.faults import FileFault, RowRefused
from hub.core.files.mapping import Mapper
from hub.core.files.templates import Template
from hub.core.files.totals import Totals, check
from hub.services.context import Hub
from hub.services.files import contents, stored, templates, unpacking
from hub.services.files.contents import Entry
from hub.services.files.kinds import KINDS
from hub.services.files.rows import Row, Rows, refuse_card_numbers
from hub.store import file_chunks, files
from hub.store.database import Connection
from hub.store.file_chunks import NewChunk
from hub.store.files import File
from partner_sdk.wire.fields import WireSchema
from partner_sdk.wire.schemas import InvalidRequest, validate
from partner_sdk.wire.values import IDENTIFIER

if TYPE_CHECKING:
    from hub.services.files.parquet import ParquetRows

REPEATED_FILE, REPEATED_SEQUENCE, GAP, TOO_MANY_BAD = (
    "file_repeated", "sequence_repeated", "sequence_gap", "too_many_bad",
)  # fmt: skip
_NUMBER = re.compile("-?[0-9]{1,18}", re.ASCII)
_WRONG_RECORD = "invalid_request"

_UNDECIDED = (files.RECEIVING, files.RECEIVED, files.WAITING)

Reasons = list[dict[str, str]]


def look_through(hub: Hub, file: File) -> bool:
    """Look through a file that came whole, unless somebody else does; False if so."""
    with hub.database.connect() as guard, files.alone(guard, file) as mine:
        if mine:
            with hub.database.connect() as connection:
                _look_through(hub, connection, file)
    return mine


def _look_through(hub: Hub, connection: Connection, named: File) -> None:
    file = files.find(connection, named.partner_id, named.file_id)
    if file is None or file.state != files.RECEIVED:
        return
    try:
        if (same := files.same_bytes(connection, file)) is not None:
            raise FileFault(REPEATED_FILE, f"the same bytes came as {same}")
        stored.check_bytes(hub, connection, file)
        rows = _chunked(hub, connection, file)
        _end(hub, connection, file, rows)
    except FileFault as fault:
        refuse(hub, file, fault)


def refuse(hub: Hub, file: File, fault: FileFault) -> None:
    """Refuse a file and erase what it held, unless it is what somebody changed, and shows how."""

    def work(connection: Connection) -> None:
        at = hub.moment(connection).now
        reasons = [{"code": fault.code, "detail": fault.detail}]
        moved = files.move(connection, file, files.REFUSED, at, before=_UNDECIDED, reasons=reasons)
        if moved and fault.code != stored.CHANGED:
            files.erase(connection, file)

    hub.database.transact(work)


def _chunked(hub: Hub, connection: Connection, file: File) -> Rows | ParquetRows:
    """Put all rows that are not in chunks yet into some; return the rows, whose footer is known then."""
    template = templates.of_file(connection, file)
    rows = _rows(hub, connection, file, template)
    kind, numbers = KINDS[file.record], iter(range(file.chunks + 1, 2**31))
    mapper = Mapper(template, rows.names)
    rest = islice(rows, file.checked, None)
    while some := list(islice(rest, kind.at_once)):
        refuse_card_numbers(some)
        read = [_Record.of(mapper, kind.schema, row) for row in some]
        chunk = _chunk(hub, connection, file, next(numbers), read)
        if not hub.database.transact(lambda transaction, new=chunk: file_chunks.add(transaction, file, new)):  # type: ignore[misc]
            raise LedgerBroken(f"the file {file.name} was changed while it was looked through")
    return rows


def _rows(hub: Hub, connection: Connection, file: File, template: Template) -> Rows | ParquetRows:
    if template.format == "parquet":
        # Only here: what reads them takes a third of a hub's memory, and most hubs are never sent one.
        from hub.services.files.parquet import ParquetRows

        return ParquetRows(template, stored.StoredFile(hub, connection, file), file.size)
    pieces: Iterable[bytes] = stored.parts(hub, connection, file)
    if file.compression == "gzip":
        pieces = unpacking.inflated(pieces)
    return Rows(template, unpacking.lines(pieces, template.encoding))


class _Record:
    """A row that was read: its entry, and what it adds to the totals."""

    __slots__ = ("amount", "entry", "points")

    def __init__(self, entry: Entry, amount: int, points: int) -> None:
        self.entry, self.amount, self.points = entry, amount, points

    @classmethod
    def of(cls, mapper: Mapper, schema: WireSchema, row: Row) -> _Record:
        """Read one row."""
        if isinstance(row.cells, RowRefused):
            return cls(Entry(row.number, {}, row.cells.code, row.cells.detail), 0, 0)
        try:
            record = mapper.record(row.cells)
            validate(schema, record)
        except RowRefused as refusal:
            return cls._refused(mapper, row, refusal.code, refusal.detail)
        except InvalidRequest as error:
            return cls._refused(mapper, row, _WRONG_RECORD, _first(error))
        amount = record.get("amount")
        return cls(Entry(row.number, record), amount["minor"] if amount else 0, record.get("points", 0))

    @classmethod
    def _refused(cls, mapper: Mapper, row: Row, code: str, detail: str) -> _Record:
        assert not isinstance(row.cells, RowRefused)
        event_id, amount, points = (mapper.peek(row.cells, name) for name in ("event_id", "minor", "points"))
        named = {"event_id": event_id} if IDENTIFIER.fullmatch(event_id) else {}
        return cls(Entry(row.number, named, code, detail), _whole(amount), _whole(points))


def _first(error: InvalidRequest) -> str:
    """Return the first of a schema's complaints with the value's name; they never say what stands there."""
    fault = error.errors[0]
    return f"{fault['pointer'].lstrip('/').replace('/', '.')}: {fault['detail']}"


def _whole(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def _chunk(hub: Hub, connection: Connection, file: File, number: int, read: Sequence[_Record]) -> NewChunk:
    entries = [one.entry for one in read]
    text = contents.write(entries)
    ids = [entry.record["event_id"] for entry in entries if not entry.code]
    return NewChunk(
        number, len(entries), hashlib.sha256(text).digest(), [contents.hash_of(event_id) for event_id in ids],
        hub.keyring.seal(text), len(entries), sum(1 for entry in entries if entry.code),
        file_chunks.known(connection, file.partner_id, ids), sum(one.amount for one in read),
        sum(one.points for one in read),
    )  # fmt: skip


def _end(hub: Hub, connection: Connection, before: File, rows: Rows | ParquetRows) -> None:
    """Decide on a file that is in chunks."""
    file = files.find(connection, before.partner_id, before.file_id)
    assert file is not None
    if not file.checked and "count" not in rows.footer:
        raise FileFault("file_truncated", "it holds no records, and no footer says that it should hold none")
    check(rows.footer, Totals(file.checked, int(file.amount), int(file.points)))
    if rows.header.get("file_id", file.file_id) != file.file_id:
        raise FileFault("file_malformed", "the header names another file")
    template = templates.of_file(connection, file)
    gap = _sequence(connection, file, rows.header)
    repeated = file_chunks.repeated(connection, file)
    reasons = gap + _too_many(connection, file, template, repeated)

    def work(transaction: Connection) -> None:
        files.note_found(transaction, file, digest_of(transaction, file), repeated)
        state = files.WAITING if reasons else files.POSTING
        files.move(transaction, file, state, hub.moment(transaction).now, before=(files.RECEIVED,), reasons=reasons)

    hub.database.transact(work)


def _sequence(connection: Connection, file: File, header: Mapping[str, str]) -> Reasons:
    """Note the file's number and return what is missing before it.

    Raises:
        FileFault: ``sequence_repeated``, or ``file_malformed`` for a number that is none or another one.
    """
    said = header.get("sequence")
    number = file.sequence if said is None else int(said) if _NUMBER.fullmatch(said) else None
    if number is None:
        if said is None:
            return []
        raise FileFault("file_malformed", "the header's sequence is no whole number")
    if file.sequence not in (None, number):
        raise FileFault("file_malformed", "the header has another sequence than the one announced")
    last = files.last_sequence(connection, file)
    if number <= last:
        raise FileFault(REPEATED_SEQUENCE, f"it has the sequence {number}, and {last} was the last")
    files.set_sequence(connection, file, number)
    if last and number > last + 1:
        return [{"code": GAP, "detail": f"it has the sequence {number}, and {last} was the last"}]
    return []


def _too_many(connection: Connection, file: File, template: Template, repeated: int) -> Reasons:
    elsewhere = 0 if file.corrects else file.known + file_chunks.elsewhere(connection, file)
    bad = file.bad + repeated + elsewhere
    if bad * 100 <= template.bad_percent * file.checked:
        return []
    detail = (
        f"of {file.checked} rows {file.bad} cannot be read, {repeated} are repeated and {elsewhere} came before: "
        f"more than {template.bad_percent} %"
    )
    return [{"code": TOO_MANY_BAD, "detail": detail}]


def digest_of(connection: Connection, file: File) -> bytes:
    """Return the digest of all that was read from a file: its bytes, its template, every chunk in order."""
    digest = hashlib.sha256(f"{file.name} {file.template} {file.template_version} ".encode() + bytes(file.sha256))
    for _, chunk in file_chunks.digests(connection, file):
        digest.update(chunk)
    return digest.digest()
