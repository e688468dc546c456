"""Quotes: what an earning or a redemption would give now, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.burning import burn
from hub.core.content import instant
from hub.services import earnings, members, redemptions
from hub.services.context import Hub, Moment, Partner
from hub.store import lots
from hub.store.database import Connection


def quote(hub: Hub, partner: Partner, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the quote for the one thing asked: ``earning`` or ``redemption``.

    Raises:
        Refused: whatever the real request would be refused with, but for too few points, which is part of the
            answer (``enough``).
    """
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        if "earning" in asked:
            return {"earning": _earning(hub, connection, moment, partner, asked["earning"])}
        return {"redemption": _redemption(hub, connection, moment, partner, asked["redemption"])}


def _earning(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, sale: Mapping[str, Any]
) -> dict[str, Any]:
    earnings.check_time(sale["occurred_at"], moment.now)
    terms = earnings.terms_on(partner, sale["occurred_at"].date())
    points = earnings.price(terms, sale)
    if not earnings.enrols_unknown(partner, moment):
        members.require(hub, connection, sale["member"], moment)
    return {
        "points": points,
        "available_at": instant(moment.now),
        "expires_on": str(terms.expires_on),
        "rate_version": terms.rate.version,
    }


def _redemption(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, asked: Mapping[str, Any]
) -> dict[str, Any]:
    price = redemptions.price_on(partner, moment)
    member_id = members.require(hub, connection, asked["member"], moment)
    spendable = lots.spendable(connection, member_id, moment.day)
    taken = burn(spendable, asked["points"])
    found = {
        "points": asked["points"],
        "available": sum(lot.points for lot in spendable),
        "enough": taken is not None,
    }
    if taken is None:
        return found
    _, parts = redemptions.valued(price, taken)
    lines = [(lot.key.issuer, lot.points, minor) for lot, minor in zip(taken, parts, strict=True)]
    full = redemptions.answer("", price.currency, lines)
    return found | {"value": full["value"], "lots": full["lots"]}
