"""What a sale gives, seen as the part of a purchase that it is.

Rules count a purchase from its first minor unit. Three things make a sale another part of one: what was presented again
after a chargeback lies above what was left of the purchase; what had no purchase to be refunded from is made good by
the next one; and a bonus is given whole or not at all. What was bought in a foreign currency is converted as a whole
from its first unit, so that its parts add up. Each is kept with the event, so that the same is found again
when the sale is refunded, checked or explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.core.point_kinds import BONUS, is_spendable
from hub.core.rounding import half_even
from hub.core.rules import Grant, Grants, Sale

SALE = "sale"
"""The detail of an event that says what rules look at beside the amount."""


def sale_of(amount_minor: int, details: Mapping[str, Any] | None) -> Sale:
    """Return so much of the sale of an event with these details."""
    said = details.get(SALE) if details else None
    return Sale(amount_minor, **said) if said else Sale(amount_minor)


def given(grants: Grants, sale: Sale) -> list[Grant]:
    """Return what a sale gives, line by line."""
    if sale == Sale(sale.amount_minor):
        return grants(sale)
    whole = _up_to(grants, sale, sale.above_minor + sale.amount_minor)
    below = _up_to(grants, sale, sale.above_minor) if sale.above_minor else None
    rest, parts = {True: sale.withheld, False: sale.withheld_qualifying}, []
    for place, grant in enumerate(whole):
        points = max(0, grant.points - (below[place].points if below else 0))
        less = min(points, rest[is_spendable(grant.kind)])
        rest[is_spendable(grant.kind)] -= less
        parts.append(grant._replace(points=points - less))
    return parts


def spendable(grants: list[Grant]) -> int:
    """Return the points among grants that can be spent."""
    return sum(one.points for one in grants if is_spendable(one.kind))


def counted_minor(sale: Sale) -> int:
    """Return what a sale is in the currency of its rate: what counters count."""
    return _converted(sale, sale.above_minor + sale.amount_minor) - _converted(sale, sale.above_minor)


def _converted(sale: Sale, minor: int) -> int:
    if sale.foreign is None:
        return minor
    return half_even(minor * int(sale.foreign["numerator"]), int(sale.foreign["denominator"]))


def _up_to(grants: Grants, sale: Sale, minor: int) -> list[Grant]:
    """Return what the first ``minor`` units of the purchase give."""
    counted = max(0, _converted(sale, minor) - sale.credited_minor)
    if sale.bonus:
        return [Grant(sale.bonus if counted else 0, BONUS)]
    return grants(sale._replace(amount_minor=counted))
