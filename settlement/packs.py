"""Packs: points that partners buy in advance, drawn on in the transaction that gives them out.

One operator offers a pack and a second one approves it by its digest; from then on its price is owed to the fund, and
its points cover what their issuer would otherwise owe the fund for each of them. What is left lies in stripes
(`settlement.store.stripes`): many draw at once, and no point is drawn twice. When too few are left, or fewer than was
agreed, a pack is refilled, by whoever holds all its stripes, so once and not more often than was agreed. At its end the
rest expires, or its price is paid back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from settlement import approvals
from settlement.core.lines import Obligation
from settlement.core.packs import PACK_ID, RETURNS, Draw, Pack, PackTerms, offer_digest, read_offer, refill_price
from settlement.core.parties import FUND, OPERATOR, PACK
from settlement.core.pricing import value_minor
from settlement.errors import PackRefused
from settlement.pack_views import bought_in, paid_in, reserved_in
from settlement.store import packs
from settlement.store.packs import (
    BOUGHT,
    ENDS,
    EXPIRED,
    OPENED,
    REFILLED,
    RESERVED,
    RETURNED,
    TOLD,
    Move,
    Sold,
    came_back,
    draws_of,
    listing,
    of_event,
    record,
    watched,
)

__all__ = [
    "Booking", "Looked", "Taken", "approve", "came_back", "close", "draws_of", "find", "give_back", "listing", "look",
    "of_event", "offer", "open_reserve", "record", "take", "watched",
]  # fmt: skip
SUBJECT = "pack"
"""The kind of all approvals of packs."""
HUB = "hub"
"""The author of what follows from what was agreed."""


class Booking(NamedTuple):
    """By whom and when something is booked, and where what is owed goes."""

    day: date
    at: datetime
    contract_version: int
    owe: Callable[[Sequence[Obligation]], None]
    """Hands lines to intake in the same transaction; may refuse them."""
    author: str = HUB


class Taken(NamedTuple):
    """What was taken of a pack, and what of it is left as far as is known."""

    points: int
    left: int
    refilled: bool = False


class Looked(NamedTuple):
    """What a look at a pack found left, whether it refilled it, and by which move the partner is told, if it is low."""

    left: int
    refilled: bool = False
    told: int | None = None


def offer(
    connection: Connection,
    pack_id: str,
    partner: str,
    document: Mapping[str, Any],
    *,
    author: str,
    at: datetime,
    registered: bool,
) -> Sold:
    """Offer a pack, which a second operator approves; the same again is the same.

    Raises `ContractRefused` for an offer that makes no sense, `PackRefused` when another one has its id, and
    `ApprovalRefused`.
    """
    read_offer(document)
    if not PACK_ID.fullmatch(pack_id):
        raise PackRefused("a pack is named by 1 to 64 characters of A-Z a-z 0-9 . _ ~ : -, a letter or digit first")
    sold = Sold(pack_id, partner, document, offer_digest(pack_id, partner, document))
    if not packs.add(connection, sold):
        if (before := packs.find(connection, pack_id)) is None or before.digest != sold.digest:
            raise PackRefused(f"another pack is named {pack_id}; choose another name")
        return before
    approvals.propose(connection, SUBJECT, pack_id, sold.digest, maker=author, at=at, registered=registered)
    return sold


def approve(connection: Connection, pack_id: str, stated: bytes, booking: Booking, *, registered: bool) -> Sold:
    """Approve a pack by its digest: it is bought, and its price is owed.

    Raises `PackRefused` when there is none, or its window is over, and `ApprovalRefused`.
    """
    sold = _find(connection, pack_id)
    terms = read_offer(sold.document)
    if terms.valid_until < booking.day:
        raise PackRefused(f"the points of {pack_id} could be given out until {terms.valid_until}; offer another pack")
    present = offer_digest(pack_id, sold.partner, sold.document)
    approvals.approve(
        connection, SUBJECT, pack_id, stated=stated, present=present, approver=booking.author, at=booking.at,
        registered=registered,
    )  # fmt: skip
    packs.LEFT.make(connection, {"pack_id": pack_id})
    packs.LEFT.lock(connection, {"pack_id": pack_id})
    move = _move(connection, pack_id, BOUGHT, terms.points, terms.amount_minor, booking)
    if terms.reserve_points:
        _move(connection, pack_id, RESERVED, -terms.reserve_points, 0, booking)
    packs.LEFT.share_out(connection, {"pack_id": pack_id}, terms.points - terms.reserve_points)
    booking.owe([_line(sold.partner, terms.currency, move, booking)])
    return sold


def take(connection: Connection, pack: Pack, wanted: int, booking: Booking) -> Taken:
    """Take so many points of a pack, or all there are; it is refilled if there are too few and that was agreed."""
    named = {"pack_id": pack.pack_id}
    left = packs.LEFT.take(connection, named, wanted)
    if left is not None:
        return Taken(wanted, left)
    if not pack.can_refill and not packs.LEFT.sum(connection, named):
        return Taken(0, 0)
    left, refilled = packs.LEFT.lock(connection, named) or 0, False
    while left < wanted and (more := _refill(connection, pack, booking)):
        left, refilled = left + more, True
    taken = min(left, wanted)
    packs.LEFT.share_out(connection, named, left - taken)
    return Taken(taken, left - taken, refilled)


def look(connection: Connection, pack: Pack, booking: Booking) -> Looked:
    """Do what is due of a pack that was drawn on: refill it, and note that the partner is told that it is low."""
    named = {"pack_id": pack.pack_id}
    left = packs.LEFT.lock(connection, named) or 0
    present = next((one for one in watched(connection).get(pack.partner, ()) if one.pack_id == pack.pack_id), None)
    if present is None:
        return Looked(0)
    refill, more = present.offer.refill, 0
    if refill is not None and left < refill.below_points:
        more = _refill(connection, present, booking)
        packs.LEFT.share_out(connection, named, left + more)
    is_low = left + more < present.offer.low_points and not (present.is_told and not more)
    told = _move(connection, pack.pack_id, TOLD, 0, 0, booking).number if is_low else None
    return Looked(left + more, bool(more), told)


def give_back(
    connection: Connection,
    partner_id: str,
    draws: Sequence[Draw],
    event: tuple[str, str],
    booking: Booking,
    terms: PackTerms,
) -> None:
    """Bring points back to the packs that covered them; of a closed pack they end as its rest did.

    `event` is the id of the event that brings them back and the origin that it takes them from.
    """
    back = [draw._replace(event_id=event[0], points=-draw.points) for draw in draws]
    record(connection, partner_id, back, booking.day, event[1])
    for draw in draws:
        named = {"pack_id": draw.pack_id}
        if packs.LEFT.take(connection, named, -draw.points) is None:
            left = packs.LEFT.lock(connection, named) or 0
            packs.LEFT.share_out(connection, named, left + draw.points)
        if any(move.kind in ENDS for move in packs.moves(connection, draw.pack_id)[draw.pack_id]):
            _end(connection, _find(connection, draw.pack_id), terms, booking)


def open_reserve(connection: Connection, pack_id: str, booking: Booking) -> Sold:
    """Let the points that were kept back be drawn; raises `PackRefused` when none are."""
    sold = _bought(connection, pack_id)
    left = packs.LEFT.lock(connection, {"pack_id": pack_id}) or 0
    reserved = reserved_in(packs.moves(connection, pack_id)[pack_id])
    if not reserved:
        raise PackRefused(f"no points of {pack_id} are kept back")
    _move(connection, pack_id, OPENED, reserved, 0, booking)
    packs.LEFT.share_out(connection, {"pack_id": pack_id}, left + reserved)
    return sold


def close(connection: Connection, pack_id: str, terms: PackTerms, booking: Booking) -> Sold:
    """Close a pack whose window is over, or before: its rest expires or is paid back; raises `PackRefused`."""
    sold = _bought(connection, pack_id)
    if any(move.kind in ENDS for move in packs.moves(connection, pack_id)[pack_id]):
        raise PackRefused(f"{pack_id} is closed")
    _end(connection, sold, terms, booking)
    return sold


def _end(connection: Connection, sold: Sold, terms: PackTerms, booking: Booking) -> None:
    """Take what is left out of a pack, the reserve too, and owe its price where the contract gives that back."""
    named = {"pack_id": sold.pack_id}
    left = packs.LEFT.lock(connection, named) or 0
    before = packs.moves(connection, sold.pack_id)[sold.pack_id]
    if reserved := reserved_in(before):
        _move(connection, sold.pack_id, OPENED, reserved, 0, booking)
    rest, returns = left + reserved, terms.rest == RETURNS
    minor = value_minor(rest, paid_in(before), bought_in(before)) if returns else 0
    move = _move(connection, sold.pack_id, RETURNED if returns else EXPIRED, -rest, -minor, booking)
    packs.LEFT.share_out(connection, named, 0)
    if minor:
        booking.owe([_line(sold.partner, read_offer(sold.document).currency, move, booking)])


def _refill(connection: Connection, pack: Pack, booking: Booking) -> int:
    """Refill a pack whose stripes the caller holds, if that was agreed and is left; return by how much."""
    refill = pack.offer.refill
    before = packs.moves(connection, pack.pack_id)[pack.pack_id]
    is_closed = any(move.kind in ENDS for move in before)
    if refill is None or is_closed or sum(move.kind == REFILLED for move in before) >= refill.most:
        return 0
    move = _move(connection, pack.pack_id, REFILLED, refill.points, refill_price(pack.offer), booking)
    booking.owe([_line(pack.partner, pack.offer.currency, move, booking)])
    return refill.points


def _move(connection: Connection, pack_id: str, kind: str, points: int, minor: int, booking: Booking) -> Move:
    number = len(packs.moves(connection, pack_id)[pack_id]) + 1
    move = Move(pack_id, number, kind, points, minor, booking.day, booking.author, booking.at)
    packs.add_move(connection, move)
    return move


def _line(partner: str, currency: str, move: Move, booking: Booking) -> Obligation:
    """The line by which a move's price is owed to the fund, or by it."""
    points, minor = abs(move.points), abs(move.paid_minor)
    comes_back = move.paid_minor < 0
    return Obligation(
        partner_id=OPERATOR,
        event_id=f"pack-{move.pack_id}-{move.number}",
        line=1,
        issuer=FUND if comes_back else partner,
        redeemer=partner if comes_back else FUND,
        points=points,
        amount_minor=minor,
        currency=currency,
        price_version=booking.contract_version,
        price_numerator=minor,
        price_denominator=points,
        business_date=booking.day,
        kind=PACK,
        points_of=partner if comes_back else "",
    )


def find(connection: Connection, pack_id: str) -> Sold:
    """A pack, offered or bought; raises `PackRefused`."""
    return _find(connection, pack_id, hold=False)


def _find(connection: Connection, pack_id: str, *, hold: bool = True) -> Sold:
    sold = packs.find(connection, pack_id, hold=hold)
    if sold is None:
        raise PackRefused(f"there is no pack {pack_id}; 'hansa pack list' names them all")
    return sold


def _bought(connection: Connection, pack_id: str) -> Sold:
    sold = _find(connection, pack_id)
    if not packs.moves(connection, pack_id)[pack_id]:
        raise PackRefused(f"{pack_id} is not bought yet; a second operator has to approve it")
    return sold
