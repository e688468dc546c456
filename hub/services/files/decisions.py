"""What people decide on a file: to let it be posted after all, to refuse it, to take all of it back.

Letting it pass and taking it back need two people, as settlement has it (`settlement.approvals`): the first proposes
and is given a digest, the second approves that digest, which is taken anew from what is stored. A file that was
exchanged in between has another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import islice
from typing import Any

from hub.core.errors import LedgerBroken, Refused
from hub.core.files.faults import FileFault
from hub.core.notes import MAX_REASON, note
from hub.services.context import Hub, Moment
from hub.services.files import contents, receiving, stored, validating
from hub.store import file_chunks, files
from hub.store.database import Connection
from hub.store.files import File
from settlement import approvals

RELEASE, REVERSAL = "file release", "file reversal"
_NEXT: Mapping[str, tuple[str, str]] = {
    RELEASE: (files.WAITING, files.POSTING),
    REVERSAL: (files.POSTED, files.REVERSING),
}
"""What is proposed -> the state that a file must be in, and the one that it comes to."""
FAULTS_SHOWN = 20


def listing(hub: Hub, partner_id: str = "", state: str = "", most: int = 100) -> list[dict[str, Any]]:
    """Return the newest files, a row each."""
    with hub.database.snapshot() as connection:
        return [_row(connection, file) for file in files.listing(connection, partner_id, state, most)]


def show(hub: Hub, name: str) -> dict[str, Any]:
    """Return a file named ``PARTNER/FILE_ID`` with what was found in it, its first bad rows, and its digest.

    Bad rows are not shown of chunks that are not what was read: those have one row that says so.

    Raises:
        Refused: ``unknown_file``.
    """
    with hub.database.snapshot() as connection:
        file = _find(connection, name)
        shown = {"partner": file.partner_id} | receiving.view_of(connection, file)
        found = {
            "repeated": file.repeated,
            "came_before": file.known,
            "amount": int(file.amount),
            "stated_points": int(file.points),
            "digest": bytes(file.digest).hex() if file.digest else None,
        }
        return shown | found | {"bad_rows": list(islice(_bad(hub, connection, file), FAULTS_SHOWN))}


def _bad(hub: Hub, connection: Connection, file: File) -> Any:
    for number, _ in file_chunks.digests(connection, file):
        chunk = file_chunks.read(connection, file, number)
        assert chunk is not None
        try:
            entries = contents.read(hub, file, chunk)
        except LedgerBroken as error:
            entries = [contents.Entry(0, {}, stored.CHANGED, f"{error}")]
        yield from ({"line": one.line, "code": one.code, "detail": one.detail} for one in entries if one.code)


def propose(hub: Hub, name: str, what: str, author: str) -> dict[str, Any]:
    """Propose to release a file that waits, or to reverse one that was posted; return it with the digest to approve.

    Raises:
        Refused: ``unknown_file``, ``file_closed``, ``not_reversible``, ``file_changed``.
        settlement.errors.ApprovalRefused: it is proposed already, or the author is no maker.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        file = _expect(connection, name, what)
        digest = _present(hub, connection, file, what)
        approvals.propose(connection, what, name, digest, maker=author, at=moment.now, registered=_registered(moment))
        return _row(connection, file) | {"proposed": what, "digest": digest.hex()}

    return hub.database.transact(work)


def approve(hub: Hub, name: str, digest: str, author: str) -> dict[str, Any]:
    """Approve what another operator proposed with this digest (in hexadecimal); the work on the file begins by itself.

    Raises:
        Refused: ``unknown_file``, ``file_closed``, ``invalid_request``, ``file_changed``.
        settlement.errors.ApprovalRefused: it is another digest, or the same person.
    """
    try:
        stated = bytes.fromhex(digest.strip())
    except ValueError as error:
        raise Refused("invalid_request", "A digest is written in hexadecimal, as the proposal printed it.") from error

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        what = RELEASE if _find(connection, name, lock=True).state == files.WAITING else REVERSAL
        file = _expect(connection, name, what)
        approvals.approve(
            connection, what, name, stated=stated, present=_present(hub, connection, file, what), approver=author,
            at=moment.now, registered=_registered(moment),
        )  # fmt: skip
        before, after = _NEXT[what]
        files.move(connection, file, after, moment.now, before=(before,))
        return _row(connection, _find(connection, name))

    return hub.database.transact(work)


def refuse(hub: Hub, name: str, author: str, reason: str) -> dict[str, Any]:
    """Refuse a file that waits and of which nothing was posted; what it held is erased. One person is enough.

    Raises:
        Refused: ``unknown_file``, ``file_closed``, ``invalid_request``.
    """
    who, why = note(author, "author"), note(reason, "reason", MAX_REASON)
    with hub.database.connect() as connection:
        file = _expect(connection, name, RELEASE)
        if sum(file_chunks.done(connection, file)):
            raise Refused("file_closed", "A part of the file is posted; release it, and reverse it then.")
    validating.refuse(hub, file, FileFault("not_allowed", f"refused by {who}: {why}"))
    with hub.database.connect() as connection:
        return _row(connection, _find(connection, name))


def _expect(connection: Connection, name: str, what: str) -> File:
    file, state = _find(connection, name, lock=True), _NEXT[what][0]
    if file.state != state:
        raise Refused("file_closed", f"The file is {file.state}; a {what} is for one that is {state}.")
    if what == REVERSAL and file.record == "refund":
        raise Refused("not_reversible", "A file of refunds cannot be taken back, since no refund can.")
    return file


def _find(connection: Connection, name: str, *, lock: bool = False) -> File:
    partner_id, _, file_id = name.partition("/")
    if not name.isprintable():
        raise Refused("unknown_file", "Name a file PARTNER/FILE_ID; 'hansa file list' has those that there are.")
    return receiving.find(connection, partner_id, file_id, lock=lock)


def _present(hub: Hub, connection: Connection, file: File, what: str) -> bytes:
    """Return the digest of what is stored now, every chunk read.

    Raises:
        Refused: ``file_changed``.
    """
    for number, digest in file_chunks.digests(connection, file):
        chunk = file_chunks.read(connection, file, number)
        assert chunk is not None
        if hashlib.sha256(hub.keyring.unseal(chunk.sealed)).digest() != digest:
            raise Refused("file_changed", f"Chunk {number} of the file {contents.DAMAGED}; refuse it.")
    digest = validating.digest_of(connection, file)
    if file.digest is None or digest != bytes(file.digest):
        raise Refused("file_changed", "What is stored of the file is not what was read from it; refuse it.")
    return hashlib.sha256(what.encode() + digest).digest()


def _registered(moment: Moment) -> bool:
    return moment.environment == "live"


def _row(connection: Connection, file: File) -> dict[str, Any]:
    done = file_chunks.done(connection, file)
    waits = "; ".join(f"{one['code']}: {one['detail']}" for one in file.reasons)
    return {
        "file": file.name, "template": f"{file.template}.{file.template_version}", "state": file.state,
        "rows": file.checked, "done": sum(done[:-1]), "rejected": done.rejected, "points": done.points,
        "reasons": waits,
    }  # fmt: skip
