"""A file that corrects another: a sale that was posted with other content is taken back whole, and posted anew.

Both happen in the transaction of the chunk. The new event has the old one's id with the number of the correcting file
behind it, since an id in the ledger is used once. A sale of which something was refunded is not corrected so: nobody
could say which part of the refund was of the old amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Evidence
from hub.services import refunds
from hub.services.context import Moment, Partner
from hub.services.files import contents
from hub.services.files.contents import Answer, Entry
from hub.services.reporting import by_partner
from hub.store import events, file_chunks, files
from hub.store.database import Connection
from hub.store.files import File
from partner_sdk.wire.values import IDENTIFIER


class _Wanted(NamedTuple):
    """A record that corrects a sale, and that sale as it stands in the ledger."""

    entry: Entry
    current: Any

    @property
    def differs(self) -> bool:
        """Tell whether there is anything to correct."""
        record = {**self.entry.record, "event_id": self.current.event_id}
        return content_digest("earning", record) != bytes(self.current.content)


def applied(
    connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, file: File, good: Sequence[Entry]
) -> tuple[list[Mapping[str, Any]], dict[int, Answer]]:
    """Take back what is corrected; return the records to post instead, and answers to what cannot be corrected."""
    records: dict[int, Mapping[str, Any]] = {entry.line: entry.record for entry in good}
    refused: dict[int, Answer] = {}
    wanted = _wanted(connection, partner, file, good)
    refunds.lock_members(connection, moment, partner, [one.current.event_id for one in wanted if one.differs])
    for entry, current in wanted:
        try:
            with connection.begin_nested():
                records[entry.line] = _replaced(connection, moment, partner, evidence, file, _Wanted(entry, current))
        except Refused as refusal:
            del records[entry.line]
            record = entry.record["event_id"]
            refused[entry.line] = Answer(entry.line, record, "rejected", 0, refusal.code, refusal.detail)
    return list(records.values()), refused


def _wanted(connection: Connection, partner: Partner, file: File, good: Sequence[Entry]) -> list[_Wanted]:
    """Return the records that are in the corrected file too, with what became of them there."""
    assert file.corrects is not None
    corrected = files.find(connection, file.partner_id, file.corrects)
    assert corrected is not None
    ids = [entry.record["event_id"] for entry in good]
    stored = events.first_answers(connection, partner.partner_id, [*ids, *(_anew(one, corrected) for one in ids)])
    found = []
    for entry in good:
        event_id = entry.record["event_id"]
        current = stored.get(_anew(event_id, corrected)) or stored.get(event_id)
        if current is not None and _is_of(connection, corrected, event_id):
            found.append(_Wanted(entry, current))
    return found


def _anew(event_id: str, file: File) -> str:
    return f"{event_id}~{file.number}"


def _is_of(connection: Connection, corrected: File, event_id: str) -> bool:
    hash_ = contents.hash_of(event_id)
    return file_chunks.holding(connection, corrected.partner_id, corrected.file_id, hash_) is not None


def _replaced(
    connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, file: File, wanted: _Wanted
) -> Mapping[str, Any]:
    """Take back the sale that a record corrects, and return the record under its new id.

    Raises:
        Refused: ``not_reversible`` if something of it was refunded, ``invalid_request`` for an id that is too long.
    """
    record, current = wanted.entry.record, wanted.current.event_id
    if not wanted.differs:
        return {**record, "event_id": current}
    anew = _anew(record["event_id"], file)
    if not IDENTIFIER.fullmatch(anew):
        raise Refused("invalid_request", "The id is too long to be corrected: a number is put behind it.")
    if any(one.kind == "refund" for one in events.referring(connection, partner.partner_id, current)):
        raise Refused("not_reversible", "Something of the sale was refunded; correct it by another refund.")
    back = {"event_id": f"{current}/correction", "refunds": current, "occurred_at": moment.now}
    refunds.refund(connection, moment, partner, by_partner(partner, evidence), back)
    return {**record, "event_id": anew}
