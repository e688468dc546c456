"""Taking a whole file back: each sale that it posted is refunded, whole, with whatever its contract says of refunds.

The refunds of a chunk are posted some at a time, since each locks its member; their ids follow from those of the
sales, so that whoever goes on after a kill finds those that are there and does the others. A sale that cannot be
refunded, because nothing of it is left, keeps its answer and is given the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.core.errors import Refused
from hub.services import refunds
from hub.services.context import Hub
from hub.services.files import contents
from hub.services.files.contents import Answer
from hub.services.files.decisions import REVERSAL
from hub.services.reporting import Reporter
from hub.store import file_chunks, files
from hub.store.database import Connection
from hub.store.file_chunks import Chunk
from hub.store.files import COUNTED, File
from settlement import approvals

AT_ONCE = 50
REVERSED = "reversed"


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
            chunk = file_chunks.first(connection, file, file_chunks.POSTED)
        if chunk is None:
            return False
        answers = contents.read_answers(chunk)
        given = [answer for answer in answers if answer.status in ("posted", "pending")]
        taken = {one.line: one for some in _some(given) for one in _taken_back(hub, file, some)}
        _finish(hub, file, chunk, [taken.get(answer.line, answer) for answer in answers])
    return True


def _some(given: Sequence[Answer]) -> Iterator[Sequence[Answer]]:
    for start in range(0, len(given), AT_ONCE):
        yield given[start : start + AT_ONCE]


def _taken_back(hub: Hub, file: File, given: Sequence[Answer]) -> list[Answer]:
    def work(connection: Connection) -> list[Answer]:
        moment = hub.moment(connection)
        partner = moment.configuration.partner(file.partner_id)
        by = _operators(connection, file)
        refunds.lock_members(connection, moment, partner, [_event_id(answer) for answer in given])
        taken = []
        for answer in given:
            back = {
                "event_id": f"{_event_id(answer)}/reversal", "refunds": _event_id(answer), "occurred_at": moment.now,
            }  # fmt: skip
            try:
                with connection.begin_nested():
                    refunds.refund(connection, moment, partner, by, back)
            except Refused as refusal:
                taken.append(answer._replace(code=refusal.code, detail=refusal.detail))
            else:
                taken.append(answer._replace(status=REVERSED))
        return taken

    return hub.database.transact(work)


def _operators(connection: Connection, file: File) -> Reporter:
    """Return who takes the file back: the two people who decided it."""
    decided = approvals.of_subject(connection, REVERSAL, file.name)[-1]
    said = {"operator": f"{decided.maker}, {decided.decided_by}", "reason": f"the file {file.name} is taken back"}
    return Reporter(file.partner_id, None, said)


def _event_id(answer: Answer) -> str:
    return answer.event_id or answer.record


def _finish(hub: Hub, file: File, chunk: Chunk, answers: Sequence[Answer]) -> None:
    def work(connection: Connection) -> None:
        counts = {name: sum(1 for answer in answers if answer.status == name) for name in COUNTED}
        points = sum(answer.points for answer in answers if answer.status in ("posted", "pending"))
        results = contents.write_answers(answers)
        file_chunks.finish(connection, file, chunk, file_chunks.REVERSED, results, counts, points)

    hub.database.transact(work)
