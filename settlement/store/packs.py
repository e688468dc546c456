"""Packs in their tables: offers, moves, the points that are left in stripes, and the draws on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql

from settlement.core.packs import Draw, Pack, read_offer
from settlement.store.bulk import add_rows
from settlement.store.pack_tables import pack, pack_draw, pack_move
from settlement.store.stripes import stripes_of

BOUGHT, REFILLED, RESERVED, OPENED, TOLD = "bought", "refilled", "reserved", "opened", "told"
EXPIRED, RETURNED = ENDS = ("expired", "returned")
LEFT = stripes_of("settlement.pack_left", ("pack_id",), "left_points")


class Sold(NamedTuple):
    """A pack as it was offered, bought or not."""

    pack_id: str
    partner: str
    document: Mapping[str, Any]
    digest: bytes


class Move(NamedTuple):
    """What became of a pack's points and of what was paid for them."""

    pack_id: str
    number: int
    kind: str
    points: int
    paid_minor: int
    business_date: date
    author: str
    at: datetime


_SOLD = [pack.c[name] for name in Sold._fields]
_MOVE = [pack_move.c[name] for name in Move._fields]


def add(connection: Connection, sold: Sold) -> bool:
    """Add a pack; False if its id is taken."""
    added = postgresql.insert(pack).on_conflict_do_nothing().returning(pack.c.pack_id)
    return connection.execute(added, sold._asdict()).first() is not None


def find(connection: Connection, pack_id: str, *, hold: bool = False) -> Sold | None:
    """A pack, which with `hold` nobody else decides on until the transaction ends."""
    query = select(*_SOLD).where(pack.c.pack_id == pack_id)
    row = connection.execute(query.with_for_update() if hold else query).first()
    return Sold._make(row)._replace(digest=bytes(row.digest)) if row else None


def listing(connection: Connection, partner: str | None = None) -> list[Sold]:
    """All packs, or those of a partner, by id."""
    query = select(*_SOLD).order_by(pack.c.pack_id)
    rows = connection.execute(query if partner is None else query.where(pack.c.partner == partner))
    return [Sold._make(row)._replace(digest=bytes(row.digest)) for row in rows]


def moves(connection: Connection, *pack_ids: str) -> dict[str, list[Move]]:
    """The moves of these packs, or of all, in order."""
    query = select(*_MOVE).order_by(pack_move.c.pack_id, pack_move.c.number)
    found: defaultdict[str, list[Move]] = defaultdict(list)
    for row in connection.execute(query.where(pack_move.c.pack_id.in_(pack_ids)) if pack_ids else query):
        found[row.pack_id].append(Move._make(row))
    return found


def add_move(connection: Connection, move: Move) -> None:
    """Add a move; whoever calls holds the pack's stripes, so its number is the next."""
    connection.execute(insert(pack_move), move._asdict())


def watched(connection: Connection) -> dict[str, tuple[Pack, ...]]:
    """The packs that are bought and not closed, by partner."""
    by_pack = moves(connection)
    found: defaultdict[str, list[Pack]] = defaultdict(list)
    for sold in listing(connection) if by_pack else ():
        kinds = [move.kind for move in by_pack.get(sold.pack_id, ())]
        if kinds and not set(kinds) & set(ENDS):
            told = TOLD in kinds and REFILLED not in kinds[_last(kinds, TOLD) :]
            offer = read_offer(sold.document)
            found[sold.partner].append(Pack(sold.pack_id, sold.partner, offer, kinds.count(REFILLED), told))
    return {partner: tuple(packs) for partner, packs in found.items()}


def _last(kinds: Sequence[str], kind: str) -> int:
    return len(kinds) - 1 - kinds[::-1].index(kind)


def record(connection: Connection, partner_id: str, draws: Sequence[Draw], day: date, origin: str = "") -> None:
    """Record which points of a reporter's events packs cover; below zero what comes back of an earlier event's."""
    columns = ("partner_id", *Draw._fields, "origin", "business_date")
    add_rows(connection, pack_draw, columns, ((partner_id, *draw, origin, day) for draw in draws))


def of_event(connection: Connection, partner_id: str, event_id: str) -> list[Draw]:
    """What covers the points that an event gave, or goes back because of it, in the order of its lines."""
    columns = [pack_draw.c[name] for name in Draw._fields]
    named = (pack_draw.c.partner_id == partner_id, pack_draw.c.event_id == event_id)
    query = select(*columns).where(*named).order_by(pack_draw.c.line, pack_draw.c.pack_id)
    return [Draw._make(row) for row in connection.execute(query)]


def draws_of(connection: Connection, partner_id: str, event_id: str) -> list[Draw]:
    """What covers the points that an event gave, in the order of its lines."""
    return [one for one in of_event(connection, partner_id, event_id) if one.points > 0]


def came_back(connection: Connection, origin: str) -> dict[str, int]:
    """The points that came back of an event's draws so far, by pack."""
    query = select(pack_draw.c.pack_id, func.sum(pack_draw.c.points)).group_by(pack_draw.c.pack_id)
    rows = connection.execute(query.where(pack_draw.c.origin == origin, pack_draw.c.origin != ""))
    return {pack_id: -int(points) for pack_id, points in rows}
