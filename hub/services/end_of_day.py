"""End of a business day: points that expire on that day or before go to breakage.

It can be run again at any time: what has expired already has nothing left. Members are worked through in
order, some thousand lots a transaction, so the hub goes on serving meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Lot, Posting, Transfer
from hub.services.context import Hub, Moment
from hub.store import lots, posting
from hub.store.database import Connection

LOTS_A_TRANSACTION = 2_000


def run(hub: Hub, day: date, progress: Callable[[int], None] = lambda members: None) -> int:
    """Expire what ends on ``day`` or before and return the points expired.

    ``progress`` is told how many more members are done. A ``live`` hub ends only days that are over; a
    ``sandbox`` may also end the current one.

    Raises:
        Refused: ``not_allowed`` if the day is not over.
    """
    run_id, after, expired = secrets.token_hex(4), ledger.NO_MEMBER, 0
    while True:
        start = after

        def work(connection: Connection, start: int = start) -> dict[int, list[Lot]]:
            return _expire(hub, connection, day, run_id, start)

        done = hub.database.transact(work)
        if not done:
            return expired
        after = max(done)
        expired += sum(lot.points for member in done.values() for lot in member)
        progress(len(done))


def _expire(hub: Hub, connection: Connection, day: date, run_id: str, after: int) -> dict[int, list[Lot]]:
    moment = hub.moment(connection)
    if day > moment.day or (day == moment.day and moment.environment != "sandbox"):
        raise Refused("not_allowed", f"{day} is not over; business time is {moment.now}.")
    due = lots.lock_due(connection, day, after, LOTS_A_TRANSACTION)
    if due:
        entry = _posting(moment, day, run_id, due)
        posting.post(connection, entry)
    return due


def _posting(moment: Moment, day: date, run_id: str, due: dict[int, list[Lot]]) -> Posting:
    events, transfers = [], []
    for member_id, member_lots in due.items():
        event_id = f"expiry-{day}-{member_id}-{run_id}"
        points = sum(lot.points for lot in member_lots)
        content = content_digest("expiry", {"event_id": event_id, "points": points})
        events.append(Event(event_id, "expiry", member_id, "posted", points, moment.now, content))
        transfers += [
            Transfer(event_id, line, member_id, ledger.AVAILABLE, ledger.BREAKAGE, *lot.key, lot.points)
            for line, lot in enumerate(member_lots, 1)
        ]
    return Posting(ledger.COALITION, moment.now, moment.day, events, transfers)
