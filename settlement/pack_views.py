"""Packs as they stand: bought, left, kept back and given out, and what was paid for points not given out yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from settlement.core.packs import Offer, read_offer
from settlement.core.pricing import value_minor
from settlement.store import packs
from settlement.store.packs import BOUGHT, ENDS, OPENED, REFILLED, RESERVED, Move, Sold

__all__ = ["PackView", "bought_in", "paid_in", "reserved_in", "view"]


class PackView(NamedTuple):
    """A pack as it stands. `state` is `offered`, `open` or `closed`."""

    sold: Sold
    offer: Offer
    state: str
    moves: Sequence[Move]
    bought_points: int
    paid_minor: int
    """Less what was paid back."""
    left_points: int
    reserved_points: int
    drawn_points: int
    deferred_minor: int
    """What was paid for points that have not been given out: a contract liability (IFRS 15.106)."""


def view(connection: Connection, sold: Sold) -> PackView:
    """A pack with what became of it."""
    moves = packs.moves(connection, sold.pack_id)[sold.pack_id]
    left = packs.LEFT.sum(connection, {"pack_id": sold.pack_id})
    kept, bought = reserved_in(moves), bought_in(moves)
    return PackView(
        sold,
        read_offer(sold.document),
        "closed" if any(move.kind in ENDS for move in moves) else "open" if moves else "offered",
        moves,
        bought,
        sum(move.paid_minor for move in moves),
        left,
        kept,
        sum(move.points for move in moves) - left,
        value_minor(left + kept, paid_in(moves), bought) if bought else 0,
    )


def reserved_in(moves: Sequence[Move]) -> int:
    """The points that are kept back."""
    return -sum(move.points for move in moves if move.kind in (RESERVED, OPENED))


def bought_in(moves: Sequence[Move]) -> int:
    """The points that were bought, refills too."""
    return sum(move.points for move in moves if move.kind in (BOUGHT, REFILLED))


def paid_in(moves: Sequence[Move]) -> int:
    """What was paid for them, in minor units."""
    return sum(move.paid_minor for move in moves if move.kind in (BOUGHT, REFILLED))
