"""No rate and no price is published by which somebody could gain by going round in a circle.

What is looked at are all terms that can be used at the same time on some day: the versions in force on that day,
and those in force the day before, because their quotes last up to a day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from hub.core.arbitrage import Edge, describe, edges_of, gaining_cycle
from hub.core.errors import Refused
from hub.core.exchange import ExchangeRate
from hub.core.terms import ReimbursementPrice, Timeline
from hub.services.context import Configuration, Moment
from hub.store import configuration
from hub.store.database import Connection

Offer = ExchangeRate | ReimbursementPrice
QUOTES_LAST = timedelta(days=1)
"""At most; see `hub.core.exchange.MAX_QUOTE_SECONDS`."""


class Line(NamedTuple):
    """What is versioned by itself: a partner's price, or its rates for one unit and direction."""

    partner_id: str
    kind: str
    unit: str | None


def refuse(connection: Connection, moment: Moment, real_now: datetime, partner_id: str, offer: Offer) -> None:
    """Refuse a new version that lets a cycle of exchanges, sales and redemptions gain on some day.

    The caller holds `hub.store.configuration.lock`, so that two versions do not slip past each other.

    Raises:
        Refused: ``not_allowed``; the detail shows the cycle.
    """
    before = _lines(moment.configuration)
    line = line_of(partner_id, offer)
    after = {**before, line: [*before.get(line, ()), offer]}
    recent = configuration.rates_added_since(connection, real_now - QUOTES_LAST)
    quoted = [one for known in before.items() for one in _lately(*known, recent, moment.day)]
    for day in _days(after.values(), max(offer.valid_from, moment.day)):
        used = [one for known in after.items() for one in _in_use(*known, day)]
        cycle = gaining_cycle(_edges([*used, *quoted] if day <= moment.day + QUOTES_LAST else used))
        if cycle is not None:
            raise Refused("not_allowed", f"On {day} somebody could gain by going round: {describe(cycle)}.")


def line_of(partner_id: str, offer: Offer) -> Line:
    """Return the line that a version belongs to."""
    if isinstance(offer, ExchangeRate):
        return Line(partner_id, f"exchange-{offer.direction}", offer.unit)
    return Line(partner_id, "reimbursement", None)


def _lines(settled: Configuration) -> dict[Line, Sequence[Offer]]:
    lines: dict[Line, Sequence[Offer]] = {}
    for partner_id, partner in settled.partners.items():
        offers: list[Sequence[Offer]] = [partner.prices.versions]
        offers += [timeline.versions for timeline in partner.exchanges.values()]
        lines |= {line_of(partner_id, versions[0]): versions for versions in offers if versions}
    return lines


Used = tuple[Line, Offer]


def _in_use(line: Line, versions: Iterable[Offer], day: date) -> list[Used]:
    """Return the versions that are in force on a day or were the day before."""
    timeline = Timeline(versions)
    found = timeline.on(day - QUOTES_LAST), timeline.on(day)
    return [(line, one) for one in found if one is not None]


def _lately(line: Line, versions: Sequence[Offer], recent: Collection[tuple[str, str, int]], today: date) -> list[Used]:
    """Return the versions that quotes may still be of: those in force today or yesterday, before some superseded them.

    A version of today may supersede another of today; so the versions that were added since yesterday are taken
    away again, one after another, and what was in force without them counts too.
    """
    found: list[Used] = []
    left = sorted(versions, key=lambda one: one.version)
    while left:
        found += _in_use(line, left, today)
        if (line.partner_id, line.kind, left.pop().version) not in recent:
            break
    return found


def _days(lines: Iterable[Sequence[Offer]], first: date) -> list[date]:
    """Return the days on which what is in force may change, from the first on."""
    return sorted({first, *(one.valid_from for versions in lines for one in versions if one.valid_from > first)})


def _edges(used: Iterable[Used]) -> list[Edge]:
    rates = [offer for _, offer in used if isinstance(offer, ExchangeRate)]
    prices = [(line.partner_id, offer) for line, offer in used if isinstance(offer, ReimbursementPrice)]
    return edges_of(rates, prices)
