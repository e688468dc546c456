"""Extensions: the operator lets points of a group of members live longer, for a reason that he gives.

Each lot of the group moves whole to one that ends later; what is held of it is then held of that one. Members are
worked through in order, some hundred a transaction; run again under the same id it goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Lot, Posting, Transfer
from hub.core.point_kinds import is_spendable
from hub.services import accounts
from hub.services.accounts import Standing, as_json, moved
from hub.services.context import Hub, Moment
from hub.services.reporting import Reporter
from hub.store import events, holds, lots, posting
from hub.store.database import Connection
from hub.store.lots import Group as Group

MEMBERS_A_TRANSACTION = 500


class Extended(NamedTuple):
    """What an extension came to."""

    members: int
    points: int


def extend(
    hub: Hub,
    reporter: Reporter,
    extension_id: str,
    group: Group,
    until: date,
    progress: Callable[[int], None] = lambda members: None,
) -> Extended:
    """Let the lots of a group end on ``until``; return how many members and spendable points that concerned.

    Points whose last day is over already are left alone; `hub.services.reinstatements` gives those back.
    ``progress`` is told how many more members are done.

    Raises:
        Refused: ``not_allowed`` if that is not later than they end now; ``unknown_partner`` for the issuer.
    """
    if not group.first <= group.last < until:
        raise Refused("not_allowed", "Points are extended to a day after the last on which any of them ends now.")
    after, members, points = ledger.NO_MEMBER, 0, 0
    while True:
        start = after

        def work(connection: Connection, start: int = start) -> tuple[list[int], list[int]]:
            return _extend(hub, connection, reporter, extension_id, group, until, start)

        seen, done = hub.database.transact(work)
        if not seen:
            return Extended(members, points)
        after, members, points = seen[-1], members + len(done), points + sum(done)
        progress(len(seen))


def _extend(
    hub: Hub,
    connection: Connection,
    reporter: Reporter,
    extension_id: str,
    group: Group,
    until: date,
    after: int,
) -> tuple[list[int], list[int]]:
    """Extend the lots of the next members; return these members, and the points of each that had some."""
    moment = hub.moment(connection)
    moment.configuration.partner(group.issuer)
    seen = lots.members_ending(connection, group, after, MEMBERS_A_TRANSACTION)
    locked = accounts.lock(connection, moment, seen)
    done = [
        _extend_one(connection, moment, reporter, extension_id, standing, _of_group(moment, group, standing), until)
        for standing in {standing.member_id: standing for standing in locked.values()}.values()
    ]
    return seen, [points for points in done if points is not None]


def _of_group(moment: Moment, group: Group, standing: Standing) -> list[Lot]:
    return [
        lot
        for lot in standing.account.lots
        if lot.key.issuer == group.issuer
        and group.first <= lot.key.expires_on <= group.last
        and standing.last_day(lot.key) >= moment.day
    ]


def _extend_one(
    connection: Connection,
    moment: Moment,
    reporter: Reporter,
    extension_id: str,
    standing: Standing,
    due: list[Lot],
    until: date,
) -> int | None:
    """Extend lots of one member and return its points; None where there is nothing to do, or it was done before."""
    event_id = f"{extension_id}/{standing.member_id}"
    if not due or events.first_answers(connection, reporter.partner_id, [event_id]):
        return None
    points = sum(lot.points for lot in due if is_spendable(lot.key.kind))
    transfers: list[Transfer] = []
    for key, there in due:
        later = key._replace(expires_on=until)
        transfers += moved(event_id, len(transfers) + 1, standing.member_id, key, standing.member_id, later, there)
        holds.follow(connection, standing.member_id, key, until)
    content = content_digest("extension", {"event_id": event_id, "until": str(until)})
    event = Event(
        event_id, "extension", standing.member_id, "posted", points, moment.now, content,
        expires_on=until, details=as_json(dict(reporter.said)),
    )  # fmt: skip
    posting.post_new(connection, Posting(reporter.partner_id, moment.now, moment.day, [event], transfers))
    return points
