"""Posting a file that may be posted: chunk by chunk, each in one transaction with the answers to its records.

So a chunk is posted and answered or neither, and whoever is killed leaves nothing to clean up. Ids of events are those
that the records have, so the ledger itself sees to it that none is posted twice, wherever else it may have come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hub.core.errors import LedgerBroken, Refused
from hub.core.ledger import Evidence
from hub.services.context import Hub, Moment, Partner
from hub.services.earnings import Within
from hub.services.files import contents, corrections, stored
from hub.services.files.contents import Answer, Entry
from hub.services.files.kinds import KINDS
from hub.store import file_chunks, files, reviews
from hub.store.database import Connection
from hub.store.file_chunks import Chunk
from hub.store.files import File

AT_A_TIME = 2
"""Chunks that a process posts at a time, so that it decides on one while the database writes the other."""


def post_all(hub: Hub, file: File) -> int:
    """Post the chunks of a file that nobody else posts, and end the file when none is left; return how many.

    What is stored and is not what came stops the file: it waits for a person, and what was posted stays.
    """
    workers = 1 if _in_order(file) else AT_A_TIME
    with ThreadPoolExecutor(workers) as pool:
        counts = list(pool.map(lambda _: _post_some(hub, file), range(workers)))
    _end(hub, file)
    return sum(counts)


def _in_order(file: File) -> bool:
    """Tell whether chunks must be posted one after the other, so that of two records with one id the first counts."""
    return KINDS[file.record].in_order or file.repeated > 0


def _post_some(hub: Hub, file: File) -> int:
    """Post chunks until there is none to take; return how many."""
    posted = 0
    try:
        while post_one(hub, file):
            posted += 1
    except LedgerBroken as error:
        _stop(hub, file, stored.CHANGED, f"{error}")
    except Refused as refusal:
        _stop(hub, file, refusal.code, refusal.detail)
    return posted


def post_one(hub: Hub, file: File) -> bool:
    """Post one chunk; False if there is none to take.

    Raises:
        Refused: ``partner_suspended``.
        LedgerBroken: it is not what was read from the file.
    """
    within: list[Within] = []

    def work(connection: Connection) -> bool:
        within.clear()
        chunk = file_chunks.take(connection, file, in_order=_in_order(file))
        if chunk is None:
            return False
        moment = hub.moment(connection)
        partner = moment.configuration.partner(file.partner_id)
        if partner.status == "suspended":
            raise Refused("partner_suspended", "The operator has suspended this partner.")
        evidence = reviews.evidence_of(connection, file.partner_id, bytes(file.evidence_id))
        entries = contents.read(hub, file, chunk)
        answers = _posted(hub, connection, moment, partner, evidence, file, entries, within)
        _finish(connection, file, chunk, answers)
        return True

    done = hub.database.transact(work)
    for one in within:
        one.look_after(hub)
    return done


def _posted(
    hub: Hub,
    connection: Connection,
    moment: Moment,
    partner: Partner,
    evidence: Evidence,
    file: File,
    entries: Sequence[Entry],
    within: list[Within],
) -> list[Answer]:
    good = [entry for entry in entries if not entry.code]
    records: list[Any] = [entry.record for entry in good]
    refused: dict[int, Answer] = {}
    if file.corrects:
        records, refused = corrections.applied(connection, moment, partner, evidence, file, good)
    posted = KINDS[file.record].post(hub, connection, moment, partner, evidence, records)
    within.append(posted)
    given = iter(posted.results)
    return [
        _refused(entry) if entry.code else refused.get(entry.line) or _answer(entry, next(given)) for entry in entries
    ]


def _refused(entry: Entry) -> Answer:
    return Answer(entry.line, entry.record.get("event_id", ""), "rejected", 0, entry.code, entry.detail)


def _answer(entry: Entry, result: dict[str, Any]) -> Answer:
    record, event_id = entry.record["event_id"], result["event_id"]
    status = "duplicate" if result.get("duplicate") else result["status"]
    error = result.get("error", {"code": "", "detail": ""})
    other = "" if event_id == record else event_id
    return Answer(entry.line, record, status, result["points"], error["code"], error["detail"], other)


def _finish(connection: Connection, file: File, chunk: Chunk, answers: Sequence[Answer]) -> None:
    counts = Counter(answer.status for answer in answers)
    points = sum(answer.points for answer in answers if answer.status in ("posted", "pending"))
    results = contents.write_answers(answers)
    file_chunks.finish(connection, file, chunk, file_chunks.POSTED, results, counts, points)


def _end(hub: Hub, file: File) -> None:
    def work(connection: Connection) -> None:
        if not file_chunks.is_left(connection, file, file_chunks.WAITING):
            files.move(connection, file, files.POSTED, hub.moment(connection).now, before=(files.POSTING,))

    hub.database.transact(work)


def _stop(hub: Hub, file: File, code: str, detail: str) -> None:
    def work(connection: Connection) -> None:
        reasons, at = [{"code": code, "detail": detail}], hub.moment(connection).now
        files.move(connection, file, files.WAITING, at, before=(files.POSTING,), reasons=reasons)

    hub.database.transact(work)
