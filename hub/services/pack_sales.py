"""Packs as operators and partners see them: offered, bought, opened, closed before their end or at it, and shown.

What costs money needs two operators: one offers a pack, or proposes to take its rest back early, and a second one
approves that by the digest that was shown. What follows from what was agreed, refills and ends, happens by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.core.notes import note
from hub.services.context import Hub, Moment
from hub.services.packs import booking, look_after, terms_of
from hub.store import configuration
from hub.store.database import Connection
from settlement import approvals, packs
from settlement.core.contracts import COALITION, Terms
from settlement.core.packs import RETURNS, Offer, PackTerms, read_offer
from settlement.errors import PackRefused
from settlement.pack_views import PackView, view
from settlement.store.packs import Sold

RETURN = "pack_return"
"""The kind of all approvals of an early end."""


def sell(hub: Hub, partner_id: str, pack_id: str, document: Mapping[str, Any], author: str) -> dict[str, Any]:
    """Offer a pack to a partner, whose contract has terms about packs; return it with the digest to approve.

    Raises:
        Refused: ``unknown_partner``; ``not_allowed`` where the contract and the offer do not fit.
        settlement.errors.ContractRefused: the offer makes no sense.
        settlement.errors.PackRefused: another pack has this id.
        settlement.errors.ApprovalRefused: the author may not, or it was offered before.
    """
    maker = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        _check(moment, partner_id, read_offer(document))
        sold = packs.offer(
            connection, pack_id, partner_id, document, author=maker, at=hub.real_time(), registered=_registered(moment)
        )
        return shown(connection, sold)

    return hub.database.transact(work)


def _check(moment: Moment, partner_id: str, offer: Offer) -> None:
    """Refuse a pack that the partner's contract does not let it buy, or that would pay for itself when it expires."""
    partner = moment.configuration.partner(partner_id)
    contract = partner.contracts.on(moment.day)
    money = partner.money.get(contract.version) if contract else None
    if money is None or money.packs is None:
        raise Refused("not_allowed", f"The contract of {partner_id} says nothing about packs; agree on that first.")
    if offer.currency != money.currency:
        raise Refused("not_allowed", f"The contract of {partner_id} is in {money.currency}.")
    if money.breakage != COALITION and offer.amount_minor < offer.points * _dearest(money):
        raise Refused(
            "not_allowed",
            f"{partner_id} gets the issue price back for points that expire; a pack costs no less than that.",
        )


def _dearest(money: Terms) -> Fraction:
    return max(money.issue_prices[money.currency].values())


def approve(hub: Hub, pack_id: str, digest: str, author: str) -> dict[str, Any]:
    """Approve a pack by the digest that was shown (in hexadecimal): it is bought, and its price is owed.

    Raises:
        Refused: ``invalid_request``, ``not_allowed``, ``credit_limit_reached``.
        settlement.errors.SettlementError: there is no such pack, or the author may not approve it.
    """
    approver, stated = note(author, "author"), _digest(digest)

    def work(connection: Connection) -> dict[str, Any]:
        configuration.lock(connection)
        moment = hub.moment(connection)
        partner_id = packs.find(connection, pack_id).partner
        version, _ = _terms(moment, partner_id)
        booked = booking(connection, moment, version, approver)
        sold = packs.approve(connection, pack_id, stated, booked, registered=_registered(moment))
        configuration.announce(connection)
        return shown(connection, sold)

    return hub.database.transact(work)


def open_reserve(hub: Hub, pack_id: str, author: str) -> dict[str, Any]:
    """Let the points that a pack keeps back be given out too; raises settlement.errors.PackRefused."""
    opener = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        version, _ = _terms(moment, packs.find(connection, pack_id).partner)
        return shown(connection, packs.open_reserve(connection, pack_id, booking(connection, moment, version, opener)))

    return hub.database.transact(work)


def take_back(hub: Hub, pack_id: str, author: str, digest: str | None = None) -> dict[str, Any]:
    """Propose to close a pack before its end and pay its rest back; with ``digest`` approve that.

    Raises:
        Refused: ``invalid_request``; ``not_allowed`` where the contract does not give the rest back.
        settlement.errors.SettlementError: there is no such pack, it is not open, or the author may not.
    """
    by, stated = note(author, "author"), None if digest is None else _digest(digest)

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        sold = packs.find(connection, pack_id)
        version, terms = _terms(moment, sold.partner)
        if view(connection, sold).state != "open":
            raise PackRefused(f"{pack_id} is not open: it is not bought yet, or closed")
        if terms.rest != RETURNS:
            raise Refused("not_allowed", f"By its contract {sold.partner} does not get the rest of a pack back.")
        present = _state_digest(connection, sold)
        at, registered = hub.real_time(), _registered(moment)
        if stated is None:
            approvals.propose(connection, RETURN, pack_id, present, maker=by, at=at, registered=registered)
            return shown(connection, sold) | {"digest": present.hex()}
        approvals.approve(
            connection, RETURN, pack_id, stated=stated, present=present, approver=by, at=at, registered=registered
        )
        packs.close(connection, pack_id, terms, booking(connection, moment, version, by))
        configuration.announce(connection)
        return shown(connection, sold)

    return hub.database.transact(work)


def close_ended(hub: Hub) -> list[dict[str, Any]]:
    """Close the packs whose last day is over, and do what is due of the others; return those that were closed."""
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        bought = [pack for own in moment.configuration.packs.values() for pack in own]
        ended = [pack for pack in bought if pack.offer.valid_until < moment.day]
        look_after(hub, connection, [pack for pack in bought if pack not in ended])
    return [hub.database.transact(partial(_close, hub, pack_id=pack.pack_id)) for pack in ended]


def _close(hub: Hub, connection: Connection, *, pack_id: str) -> dict[str, Any]:
    moment = hub.moment(connection)
    sold = packs.find(connection, pack_id)
    version, terms = terms_of(moment, sold.partner) or (0, PackTerms())
    if view(connection, sold).state == "open":
        packs.close(connection, pack_id, terms, booking(connection, moment, version))
        configuration.announce(connection)
    return shown(connection, sold)


def listing(hub: Hub, partner_id: str | None = None) -> list[dict[str, Any]]:
    """Return all packs, or those of a partner, as they stand."""
    with hub.database.snapshot() as connection:
        return [shown(connection, sold) for sold in packs.listing(connection, partner_id)]


def open_packs(hub: Hub) -> list[dict[str, Any]]:
    """Return the packs that are bought and not closed; where nobody has any the database is not asked."""
    with hub.database.snapshot() as connection:
        names = [pack.pack_id for own in hub.moment(connection).configuration.packs.values() for pack in own]
        return [shown(connection, packs.find(connection, name)) for name in names]


def of_partner(hub: Hub, partner_id: str) -> list[dict[str, Any]]:
    """Return a partner's packs as the wire has them."""
    return [_wired(one) for one in listing(hub, partner_id)]


def _wired(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = (
        "pack", "state", "points", "left_points", "drawn_points", "reserved_points", "low_points", "valid_from",
        "valid_until", "products", "classes",
    )  # fmt: skip
    paid = {"minor": one["paid_minor"], "currency": one["currency"]}
    return {name: one[name] for name in kept if name in one} | {"paid": paid}


def show(hub: Hub, pack_id: str) -> dict[str, Any]:
    """Return a pack with all that became of it; raises settlement.errors.PackRefused."""
    with hub.database.snapshot() as connection:
        sold = packs.find(connection, pack_id)
        moves = view(connection, sold).moves
        told = [
            {"kind": one.kind, "points": one.points, "paid_minor": one.paid_minor, "day": str(one.business_date),
             "author": one.author, "at": instant(one.at)}
            for one in moves
        ]  # fmt: skip
        return shown(connection, sold) | {"moves": told}


def shown(connection: Connection, sold: Sold) -> dict[str, Any]:
    """Return a pack as it is shown to operators and to its partner."""
    found = view(connection, sold)
    offer = found.offer
    restricted = {"products": sorted(offer.products), "classes": sorted(offer.classes)}
    return {
        "pack": sold.pack_id,
        "partner": sold.partner,
        "state": found.state,
        "currency": offer.currency,
        "valid_from": str(offer.valid_from),
        "valid_until": str(offer.valid_until),
        "points": found.bought_points or offer.points,
        "paid_minor": found.paid_minor,
        "price_minor": offer.amount_minor,
        "left_points": found.left_points,
        "reserved_points": found.reserved_points,
        "drawn_points": found.drawn_points,
        "deferred_minor": found.deferred_minor,
        "low_points": offer.low_points,
        **{name: names for name, names in restricted.items() if names},
        **_refills(found),
        "digest": sold.digest.hex(),
    }


def _refills(found: PackView) -> dict[str, Any]:
    refill = found.offer.refill
    if refill is None:
        return {}
    done = sum(move.kind == "refilled" for move in found.moves)
    return {"refills": {"done": done, **refill._asdict()}}


def _terms(moment: Moment, partner_id: str) -> tuple[int, PackTerms]:
    found = terms_of(moment, partner_id)
    if found is None:
        raise Refused("not_allowed", f"The contract of {partner_id} says nothing about packs now.")
    return found


def _state_digest(connection: Connection, sold: Sold) -> bytes:
    moves = len(view(connection, sold).moves)
    return hashlib.sha256(f"hansa-pack-return-1\n{sold.digest.hex()}\n{moves}".encode()).digest()


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError as error:
        raise Refused("invalid_request", "A digest is written in hexadecimal.") from error


def _registered(moment: Moment) -> bool:
    return moment.environment == "live"
