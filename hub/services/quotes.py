"""Quotes: what an earning, a redemption or an exchange would give now, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.errors import Refused
from hub.core.rules import Sale
from hub.services import earnings, exchange_quotes, members, redemptions, reimbursement, spending
from hub.services.context import Hub, Moment, Partner
from hub.store.database import Connection


def quote(hub: Hub, partner: Partner, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the quote for the one thing asked: ``earning``, ``redemption`` or ``exchange``.

    Raises:
        Refused: whatever the real request would be refused with, but for too few points, which is part of the
            answer (``enough``).
    """
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        if "earning" in asked:
            return {"earning": _earning(hub, connection, moment, partner, asked["earning"])}
        if "exchange" in asked:
            return {"exchange": exchange_quotes.give(hub, connection, moment, partner, asked["exchange"])}
        return {"redemption": _redemption(hub, connection, moment, partner, asked["redemption"])}


def _earning(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, sale: Mapping[str, Any]
) -> dict[str, Any]:
    earnings.check_time(sale["occurred_at"], moment.now)
    terms = earnings.terms_on(partner, sale["occurred_at"].date())
    points = earnings.price(terms, sale)
    member_id = members.resolve(hub, connection, [sale["member"]], None, moment.now).get(sale["member"])
    if member_id is None and not earnings.enrols_unknown(partner, moment):
        raise Refused("unknown_member", members.UNKNOWN)
    jurisdiction = members.jurisdictions(connection, partner, [member_id or 0]).get(member_id or 0)
    grant = terms.rate.grants(Sale(sale["amount"]["minor"]))[0]
    return {
        "points": points,
        **earnings.available_at(earnings.maturity(terms, moment.now), moment.now),
        "expires_on": str(terms.expires_on(grant, jurisdiction)),
        "rate_version": terms.rate.version,
    }


def _redemption(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, asked: Mapping[str, Any]
) -> dict[str, Any]:
    price = reimbursement.price_on(partner, moment)
    member_id = members.require(hub, connection, asked["member"], moment)
    purse = spending.look(connection, moment, member_id, asked)
    taken = purse.take(partner.partner_id, asked["points"], moment.scheme.burn_order)
    found = {
        "points": asked["points"],
        "available": sum(purse.available(partner.partner_id)),
        "enough": taken is not None,
    }
    if taken is None:
        return found
    full = redemptions.answer("", price.currency, redemptions.priced(taken, price))
    return found | {"value": full["value"], "lots": full["lots"]}
