"""Taking a whole file back, from its end to its beginning: each sale that it posted is refunded, whole, with whatever
its contract says of refunds; each record of a card as `hub.services.card_reversals` has it.

The records of a chunk are taken back some at a time, since each locks its member; the ids of what does so follow from
theirs, so that whoever goes on after a kill finds those that are there and does the others. A record that cannot be
taken back, because nothing of it is left, keeps its answer and is given the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.core.errors import Refused
from hub.services import card_reversals, refunds
from hub.services.context import Hub, Moment, Partner
from hub.services.files import contents
from hub.services.files.contents import Answer
from hub.services.files.decisions import REVERSAL
from hub.services.reporting import Reporter
from hub.store import events, file_chunks, files
from hub.store.database import Connection
from hub.store.file_chunks import Chunk
from hub.store.files import COUNTED, File
from settlement import approvals

AT_ONCE = 50
REVERSED = "reversed"
OF_CARDS = "card-record"
_Given = tuple[Answer, Mapping[str, Any] | None]
"""What a record became and, where it is one of a card, the record."""


def reverse_all(hub: Hub, file: File) -> int:
    """Take back the chunks of a file, and end it when none is left; return how many."""
    done = 0
    while _reverse_one(hub, file):
        done += 1

    def work(connection: Connection) -> None:
        if not file_chunks.is_left(connection, file, file_chunks.POSTED):
            files.move(connection, file, files.REVERSED, hub.moment(connection).now, before=(files.REVERSING,))

    hub.database.transact(work)
    return done


def _reverse_one(hub: Hub, file: File) -> bool:
    with hub.database.connect() as guard, files.alone(guard, file) as mine:
        if not mine:
            return False
        with hub.database.connect() as connection:
            chunk = file_chunks.last(connection, file, file_chunks.POSTED)
        if chunk is None:
            return False
        answers = contents.read_answers(chunk)
        records = {one.line: one.record for one in contents.read(hub, file, chunk)} if file.record == OF_CARDS else {}
        given = [(one, records.get(one.line)) for one in reversed(answers) if one.status in ("posted", "pending")]
        taken = {one.line: one for some in _some(given) for one in _taken_back(hub, file, some)}
        _finish(hub, file, chunk, [taken.get(answer.line, answer) for answer in answers])
    return True


def _some(given: Sequence[_Given]) -> Iterator[Sequence[_Given]]:
    for start in range(0, len(given), AT_ONCE):
        yield given[start : start + AT_ONCE]


def _taken_back(hub: Hub, file: File, given: Sequence[_Given]) -> list[Answer]:
    def work(connection: Connection) -> list[Answer]:
        moment = hub.moment(connection)
        partner = moment.configuration.partner(file.partner_id)
        by = _operators(connection, file)
        refunds.lock_members(connection, moment, partner, [_event_id(answer) for answer, _ in given])
        done = events.first_answers(connection, file.partner_id, [_own_id(answer) for answer, _ in given])
        taken = []
        for answer, record in given:
            try:
                if _own_id(answer) not in done:
                    with connection.begin_nested():
                        _take_back(hub, connection, moment, partner, by, answer, record)
            except Refused as refusal:
                taken.append(answer._replace(code=refusal.code, detail=refusal.detail))
            else:
                taken.append(answer._replace(status=REVERSED))
        return taken

    return hub.database.transact(work)


def _take_back(
    hub: Hub,
    connection: Connection,
    moment: Moment,
    partner: Partner,
    by: Reporter,
    answer: Answer,
    record: Mapping[str, Any] | None,
) -> None:
    if record is not None:
        card_reversals.take_back(hub, connection, moment, partner, by, record, _own_id(answer))
        return
    back = {"event_id": _own_id(answer), "refunds": _event_id(answer), "occurred_at": moment.now}
    refunds.refund(connection, moment, partner, by, back)


def _operators(connection: Connection, file: File) -> Reporter:
    """Return who takes the file back: the two people who decided it."""
    decided = approvals.of_subject(connection, REVERSAL, file.name)[-1]
    said = {"operator": f"{decided.maker}, {decided.decided_by}", "reason": f"the file {file.name} is taken back"}
    return Reporter(file.partner_id, None, said)


def _event_id(answer: Answer) -> str:
    return answer.event_id or answer.record


def _own_id(answer: Answer) -> str:
    return f"{_event_id(answer)}/reversal"


def _finish(hub: Hub, file: File, chunk: Chunk, answers: Sequence[Answer]) -> None:
    def work(connection: Connection) -> None:
        counts = {name: sum(1 for answer in answers if answer.status == name) for name in COUNTED}
        points = sum(answer.points for answer in answers if answer.status in ("posted", "pending"))
        results = contents.write_answers(answers)
        file_chunks.finish(connection, file, chunk, file_chunks.REVERSED, results, counts, points)

    hub.database.transact(work)
