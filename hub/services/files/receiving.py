"""How a file comes in: it is opened, its parts come in any order and as often as need be, and then it is complete.

The request that opens it is signed and names the digest of all its bytes, so it is the evidence behind every record:
whoever holds it and the bytes can show what the partner reported. Each step can be repeated; what is repeated with
other content is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from hub.core.content import content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Evidence, Posting
from hub.services.context import Hub, Moment, Partner
from hub.services.files import templates
from hub.store import file_chunks, files, posting
from hub.store.database import Connection
from hub.store.files import File
from partner_sdk.wire.files import PART_BYTES

OTHER = "This file was opened before with other content; nothing was changed."


def open_file(hub: Hub, partner: Partner, evidence: Evidence, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Open a file and return it as it stands; again, whatever it has come to.

    Raises:
        Refused: ``unknown_template``, ``unknown_file`` for one that it is to correct, ``invalid_request``,
            ``event_conflict``.
    """
    content = content_digest("file", asked)

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        found = files.find(connection, partner.partner_id, asked["file_id"])
        if found is None and _open(connection, moment, partner, evidence, asked, content):
            kept = Posting(partner.partner_id, moment.now, moment.day, [], [], [evidence])
            posting.post(connection, kept)
        found = files.find(connection, partner.partner_id, asked["file_id"])
        assert found is not None
        if bytes(found.content) != content:
            raise Refused("event_conflict", OTHER)
        return view_of(connection, found)

    return hub.database.transact(work)


def _open(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    evidence: Evidence,
    asked: Mapping[str, Any],
    content: bytes,
) -> bool:
    version, template = templates.newest(connection, partner.partner_id, asked["template"])
    if template.format == "parquet" and asked["compression"] != "none":
        raise Refused("invalid_request", "A Parquet file is compressed inside; it is sent as it is.")
    if "corrects" in asked:
        _expect_correctable(connection, partner, asked["corrects"], template.record)
    return files.open_file(connection, {
        "partner_id": partner.partner_id, "file_id": asked["file_id"], "template": asked["template"],
        "template_version": version, "record": template.record, "compression": asked["compression"],
        "bytes": asked["bytes"], "parts": -(-asked["bytes"] // PART_BYTES), "sha256": bytes.fromhex(asked["sha256"]),
        "sequence": asked.get("sequence"), "corrects": asked.get("corrects"), "content": content,
        "evidence_id": evidence.evidence_id, "at": moment.now,
    })  # fmt: skip


def _expect_correctable(connection: Connection, partner: Partner, file_id: str, record: str) -> None:
    found = files.find(connection, partner.partner_id, file_id)
    if found is None or found.state != files.POSTED:
        raise Refused("unknown_file", "The file to correct is not one that was posted.")
    if (found.record, record) != ("earning", "earning"):
        raise Refused("invalid_request", "Only files of earnings correct files of earnings.")


def add_part(hub: Hub, partner: Partner, file_id: str, number: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Keep one part of a file; again, the same.

    Raises:
        Refused: ``unknown_file``, ``invalid_request``, ``event_conflict`` for other bytes, ``file_closed``.
    """
    content = _decoded(asked["content"])
    with hub.database.connect() as connection:
        file = find(connection, partner.partner_id, file_id)
        place = _place(file, number)
        is_new = keep_part(hub, connection, file, place, content)
    return {"file_id": file_id, "number": place} | ({} if is_new else {"duplicate": True})


def keep_part(hub: Hub, connection: Connection, file: File, place: int, content: bytes) -> bool:
    """Keep the bytes of one part; False if they are kept already. Raises as `add_part`."""
    if len(content) != min(PART_BYTES, file.size - (place - 1) * PART_BYTES):
        raise Refused("invalid_request", f"Each part has {PART_BYTES} bytes, and the last one what is left.")
    digest = hashlib.sha256(content).digest()
    if files.add_part(connection, file, place, len(content), digest, hub.keyring.seal(content)):
        return True
    known = files.part(connection, file, place)
    if known is None:
        raise Refused("file_closed", f"The file is {file.state} and takes no parts.")
    if known[0] != digest:
        raise Refused("event_conflict", "This part came before with other bytes; nothing was changed.")
    return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refused("invalid_request", "The content of a part is base64.") from error


def _place(file: File, number: str) -> int:
    if not (number.isascii() and number.isdecimal() and len(number) < 10 and 1 <= int(number) <= file.parts):
        raise Refused("invalid_request", f"The parts of this file are numbered from 1 to {file.parts}.")
    return int(number)


def complete(hub: Hub, partner: Partner, file_id: str) -> dict[str, Any]:
    """Say that all parts of a file have come, so that it is looked through; again, return it as it stands.

    Raises:
        Refused: ``unknown_file``, ``parts_missing``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        file = find(connection, partner.partner_id, file_id, lock=True)
        if file.state == files.RECEIVING:
            missing = files.missing(connection, file)
            if missing:
                raise Refused("parts_missing", f"Parts have not come yet, the first is {missing[0]}.", missing=missing)
            now = hub.moment(connection).now
            files.move(connection, file, files.RECEIVED, now, before=(files.RECEIVING,))
        return view_of(connection, find(connection, partner.partner_id, file_id))

    return hub.database.transact(work)


def find(connection: Connection, partner_id: str, file_id: str, *, lock: bool = False) -> File:
    """Return a partner's file.

    Raises:
        Refused: ``unknown_file``.
    """
    found = files.find(connection, partner_id, file_id, lock=lock) if file_id.isprintable() else None
    if found is None:
        raise Refused("unknown_file", "The partner has opened no file of this id.")
    return found


def view(hub: Hub, partner_id: str, file_id: str) -> dict[str, Any]:
    """Return a file as it stands.

    Raises:
        Refused: ``unknown_file``.
    """
    with hub.database.snapshot() as connection:
        return view_of(connection, find(connection, partner_id, file_id))


def view_of(connection: Connection, file: File) -> dict[str, Any]:
    """Return a file as its partner sees it."""
    done = file_chunks.done(connection, file)
    optional = {"sequence": file.sequence, "corrects": file.corrects}
    return {
        "file_id": file.file_id,
        "template": file.template,
        "template_version": file.template_version,
        "record": file.record,
        "state": file.state,
        "bytes": file.size,
        "sha256": bytes(file.sha256).hex(),
        "parts": file.parts,
        "missing": files.missing(connection, file) if file.state == files.RECEIVING else [],
        **{name: value for name, value in optional.items() if value is not None},
        "records": file.checked,
        "unreadable": file.bad,
        "counts": done._asdict(),
        "reasons": list(file.reasons),
        "opened_at": instant(file.opened_at),
        "changed_at": instant(file.changed_at),
    }
