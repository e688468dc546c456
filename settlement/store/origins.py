"""Corrections against what they correct: together they never take back more than was owed.

A correction may be in a later cycle than its origin, and an origin may be corrected many times. So the sums go over
all lines of the origin and all corrections of it in this cycle and those before, by issuer, redeemer and currency. A
correction whose origin has no such line takes back from nothing, which is too much as well. Adjustments are no
corrections of the points; `settlement.disputes.dispute_check` holds them against the decisions they come from.

A statement says of each correction in which cycle its origin was settled. That follows from the cut-offs, as it does
for every line, so nothing is stored of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Label,
    Select,
    and_,
    case,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)

from settlement.core.findings import KEPT, Finding
from settlement.core.parties import ADJUSTMENT
from settlement.core.positions import pair_name
from settlement.store.tables import cycle as cycle_table
from settlement.store.tables import obligation
from settlement.store.window import Window, lines_of, seen_by, within


def taken_back_too_much(connection: Connection, window: Window) -> list[Finding]:
    """Findings for each event corrected in this cycle that gives back more than its lines came to."""
    is_correction = and_(obligation.c.origin != "", obligation.c.kind != ADJUSTMENT)
    corrected = select(obligation.c.origin).where(within(obligation, window), is_correction)
    rows = connection.execute(_overdrawn(corrected.distinct().cte("corrected"), window))
    return [
        Finding("origin", origin, f"{pair_name(*pair)}: its corrections leave {points} points, {minor} minor units")
        for origin, *pair, points, minor in rows
    ]


def stated_lines_of(window: Window, *more: ColumnElement[Any]) -> Select[Any]:
    """The obligations of a cycle as `lines_of` has them, with the column `origin_cycle`."""
    return lines_of(window, *more).add_columns(_origin_cycle())


def _origin_cycle() -> Label[Any]:
    """The first cycle that could see a line of the origin; "" where there is no origin, or it owed nothing itself."""
    lines, slash = obligation.alias(), func.strpos(obligation.c.origin, "/")
    seen = and_(
        lines.c.business_date <= cycle_table.c.ends_on,
        func.pg_visible_in_snapshot(lines.c.tx, cycle_table.c.cutoff_snapshot),
    )
    is_origin = and_(
        lines.c.partner_id == func.left(obligation.c.origin, slash - 1),
        lines.c.event_id == func.substr(obligation.c.origin, slash + 1),
    )
    settled = select(cycle_table.c.cycle).select_from(lines.join(cycle_table, seen)).where(is_origin)
    first = settled.order_by(cycle_table.c.number).limit(1).correlate(obligation).scalar_subquery()
    return case((obligation.c.origin == "", ""), else_=func.coalesce(first, "")).label("origin_cycle")


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
