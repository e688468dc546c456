"""End of a business day: points that expire on that day or before go to breakage.

It can be run again at any time: what has expired already has nothing left. Members are worked through in
order, some thousand a transaction, so the hub goes on serving meanwhile.
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

MEMBERS_A_TRANSACTION = 1_000


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

        def work(connection: Connection, start: int = start) -> tuple[list[int], int]:
            return _expire(hub, connection, day, run_id, start)

        members, points = hub.database.transact(work)
        if not members:
            return expired
        after = members[-1]
        expired += points
        progress(len(members))


def _expire(hub: Hub, connection: Connection, day: date, run_id: str, after: int) -> tuple[list[int], int]:
    """Expire the lots of the next members; return these members and the points expired."""
    moment = hub.moment(connection)
    if day > moment.day or (day == moment.day and moment.environment != "sandbox"):
        raise Refused("not_allowed", f"{day} is not over; business time is {moment.now}.")
    members = lots.members_due(connection, day, after, MEMBERS_A_TRANSACTION)
    # What a redemption took in the meantime is gone from these; a member may have nothing left to expire.
    due = lots.lock_due(connection, day, members)
    if due:
        posting.post(connection, _posting(moment, day, run_id, due))
    return members, sum(lot.points for member in due.values() for lot in member)


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
