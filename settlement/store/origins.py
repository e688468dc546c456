"""Corrections against what they correct: together they never take back more than was owed.

A correction may be in a later cycle than its origin, and an origin may be corrected many times. So the sums go over
all lines of the origin and all corrections of it in this cycle and those before, by issuer, redeemer and currency. A
correction whose origin has no such line takes back from nothing, which is too much as well. Adjustments are no
corrections of the points; `settlement.dispute_check` holds them against the decisions they come from.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, Connection, Select, and_, false, func, or_, select, true, union_all

from settlement.core.findings import KEPT, Finding
from settlement.core.parties import ADJUSTMENT
from settlement.core.positions import pair_name
from settlement.store.tables import obligation
from settlement.store.window import Window, seen_by, within


def taken_back_too_much(connection: Connection, window: Window) -> list[Finding]:
    """Findings for each event corrected in this cycle that gives back more than its lines came to."""
    is_correction = and_(obligation.c.origin != "", obligation.c.kind != ADJUSTMENT)
    corrected = select(obligation.c.origin).where(within(obligation, window), is_correction)
    rows = connection.execute(_overdrawn(corrected.distinct().cte("corrected"), window))
    return [
        Finding("origin", origin, f"{pair_name(*pair)}: its corrections leave {points} points, {minor} minor units")
        for origin, *pair, points, minor in rows
    ]


def _overdrawn(corrected: CTE, window: Window) -> Select[Any]:
    lines = union_all(_lines_of_origins(corrected, window), _corrections(corrected, window)).subquery()
    group = [lines.c.origin, lines.c.issuer, lines.c.redeemer, lines.c.currency]
    sums = [func.sum(amount) for amount in (lines.c.points, lines.c.amount_minor)]
    taken = [func.sum(amount).filter(lines.c.corrects) for amount in (lines.c.points, lines.c.amount_minor)]
    too_much = or_(*(and_(back < 0, left < 0) for back, left in zip(taken, sums, strict=True)))
    return select(*group, *sums).group_by(*group).having(too_much).order_by(*group).limit(KEPT)


def _lines_of_origins(corrected: CTE, window: Window) -> Select[Any]:
    lines = obligation.alias()
    slash = func.strpos(corrected.c.origin, "/")
    is_origin = and_(
        lines.c.partner_id == func.left(corrected.c.origin, slash - 1),
        lines.c.event_id == func.substr(corrected.c.origin, slash + 1),
    )
    terms = (lines.c.issuer, lines.c.redeemer, lines.c.currency, lines.c.points, lines.c.amount_minor)
    found = select(corrected.c.origin, *terms, false().label("corrects"))
    return found.select_from(corrected.join(lines, is_origin)).where(seen_by(lines, window.at))


def _corrections(corrected: CTE, window: Window) -> Select[Any]:
    lines = obligation.alias()
    terms = (lines.c.issuer, lines.c.redeemer, lines.c.currency, lines.c.points, lines.c.amount_minor)
    found = select(corrected.c.origin, *terms, true().label("corrects"))
    same_origin = and_(lines.c.origin == corrected.c.origin, lines.c.origin != "", lines.c.kind != ADJUSTMENT)
    return found.select_from(corrected.join(lines, same_origin)).where(seen_by(lines, window.at))
