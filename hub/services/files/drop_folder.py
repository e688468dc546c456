"""A folder into which a partner's files fall by other ways than the API, such as a bank's own transfer.

Nobody signed such a file, so what stands for it is the operator's word, signed with the hub's key: who took in which
bytes from whom. Whoever asks later why a member was given points is told so.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.core.notes import note
from hub.services.context import Hub, Partner
from hub.services.files import receiving, results
from hub.store import files
from partner_sdk.wire import strict_json
from partner_sdk.wire.files import PART_BYTES, FileRequest
from partner_sdk.wire.schemas import InvalidRequest, validate

TAKEN = "taken"
GZIP = ".gz"


def take(hub: Hub, partner_id: str, template: str, folder: Path, author: str) -> list[Path]:
    """Take in the files of a folder, in the order of their names; return them.

    Those whose names begin with a dot or end with ``.part`` are still being written, and are left.

    Raises:
        Refused: ``unknown_partner``, ``unknown_template``, ``event_conflict`` for a name that was used for another
            file, ``invalid_request`` for one that is no id of a file.
    """
    who = note(author, "author")
    with hub.database.connect() as connection:
        partner = hub.moment(connection).configuration.partner(partner_id)
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and _is_whole(path)]
    for path in found:
        _take(hub, partner, template, path, who)
    return found


def put_away(hub: Hub, partner_id: str, path: Path) -> dict[str, Any]:
    """Move a file that was taken in to the folder of those, with its results if it is posted; return how it stands."""
    state = receiving.view(hub, partner_id, path.name)
    taken = path.parent / TAKEN
    taken.mkdir(exist_ok=True)
    if state["state"] == files.POSTED:
        results.write(hub, f"{partner_id}/{path.name}", taken / f"{path.name}.results.csv")
    path.replace(taken / path.name)
    return {"file": path.name, "state": state["state"], **state["counts"], "reasons": state["reasons"]}


def _is_whole(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix != ".part"


def _take(hub: Hub, partner: Partner, template: str, path: Path, author: str) -> None:
    with path.open("rb") as stream:
        digest, size = hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
        asked = {"file_id": path.name, "template": template, "bytes": size, "sha256": digest,
                 "compression": "gzip" if path.suffix == GZIP else "none"}  # fmt: skip
        try:
            loaded = validate(FileRequest, asked)
        except InvalidRequest as error:
            raise Refused("invalid_request", f"{path.name}: {error}") from error
        receiving.open_file(hub, partner, _evidence(hub, partner, asked, author), loaded)
        with hub.database.connect() as connection:
            file = receiving.find(connection, partner.partner_id, path.name)
            while file.state == files.RECEIVING and (missing := files.missing(connection, file)):
                for number in missing:
                    stream.seek((number - 1) * PART_BYTES)
                    receiving.keep_part(hub, connection, file, number, stream.read(PART_BYTES))
    receiving.complete(hub, partner, path.name)


def _evidence(hub: Hub, partner: Partner, asked: dict[str, Any], author: str) -> Evidence:
    body = strict_json.dumps(asked | {"partner": partner.partner_id, "taken_by": author})
    signer, base = hub.signer(), b"hansa-file-taken\n" + body
    evidence_id = hashlib.sha256(base).digest()[:16]
    return Evidence(evidence_id, signer.keyid, hub.real_time(), base, signer.key.sign(base), hub.keyring.seal(body))
