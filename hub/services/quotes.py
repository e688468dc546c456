"""Quotes: what an earning, a redemption or an exchange would give now, without doing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.granting import SALE, sale_of, spendable
from hub.core.terms import EarningRate
from hub.services import counting, exchange_quotes, members, redemptions, reimbursement, sale_terms, spending
from hub.services.context import Hub, Moment, Partner
from hub.store import accounts, counters
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
    sale_terms.check_time(sale["occurred_at"], moment.now)
    terms = sale_terms.terms_on(partner, sale["occurred_at"].date())
    member_id = members.resolve(hub, connection, [sale["member"]], None, moment.now).get(sale["member"])
    if member_id is None and not sale_terms.enrols_unknown(partner, moment):
        raise members.unknown()
    jurisdiction = members.jurisdictions(connection, partner, [member_id or 0]).get(member_id or 0)
    said = _said(connection, partner, terms.rate, sale, member_id)
    said |= sale_terms.foreign(partner, terms, sale["amount"]["currency"])
    priced = sale_of(sale["amount"]["minor"], {SALE: said} if said else None)
    grants = sale_terms.granted(terms, sale, priced)
    return {
        "points": spendable(grants),
        **sale_terms.available_at(sale_terms.maturity(terms, moment.now), moment.now),
        "expires_on": str(terms.expires_on(grants[0], jurisdiction)),
        "rate_version": terms.rate.version,
    }


def _said(
    connection: Connection, partner: Partner, rate: EarningRate, sale: Mapping[str, Any], member_id: int | None
) -> dict[str, Any]:
    """Return what rules look at beside the amount, with what was bought before in the periods of caps, as it is now."""
    said = {name: sale[name] for name in ("category", "partner") if name in sale}
    if rate.caps and member_id is not None:
        own = accounts.survivor(connection, member_id)
        found, day = counting.places(connection, partner, [own]), sale["occurred_at"].date()
        keys = counting.caps_of(counting.applying(rate, sale_of(0, {SALE: said})), day, own, found)
        stand = counters.peek(connection, partner.partner_id, keys.values())
        said["spent"] = {name: max(0, stand.get(key, 0)) for name, key in keys.items()}
    return said


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
