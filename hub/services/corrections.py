"""Corrections: what of an earlier event's lines a later one gives back, and the negative lines that say so.

What was taken last returns first. Each line gives back its amount in proportion, on the running total of what was
given back of it, so that all parts together give back exactly all (docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.core.ledger import Event
from hub.services.context import Moment
from hub.store.events import OwedLine
from settlement.core.parties import FUND, FUND_LINES
from settlement.core.pricing import value_minor
from settlement.intake import Obligation


class Part(NamedTuple):
    """What one line of an event gives back now: points, minor units, and how many of these the fund gets back."""

    owed: OwedLine
    points: int
    minor: int
    fund_minor: int = 0


def parts_of(lines: Sequence[OwedLine], before: int, points: int) -> list[Part]:
    """Return what each line gives back when ``points`` are reversed after ``before`` were, the last line first."""
    parts, later = [], 0
    for line in reversed(lines):
        start = min(max(before - later, 0), line.points)
        end = min(max(before + points - later, 0), line.points)
        if end > start:
            fund_minor = _between(line.fund_minor, line.points, start, end)
            rest_minor = _between(line.amount_minor - line.fund_minor, line.points, start, end)
            parts.append(Part(line, end - start, fund_minor + rest_minor, fund_minor))
        later += line.points
    return parts


def _between(minor: int, points: int, start: int, end: int) -> int:
    """Return what of a line's amount belongs to its points from ``start`` to ``end``."""
    return value_minor(end, minor, points) - value_minor(start, minor, points)


def corrections(moment: Moment, reporter: str, event: Event, parts: Sequence[Part]) -> list[Obligation]:
    """Return the negative lines that take back what was owed, each at the price it was owed at."""
    return [line for part in parts for line in _lines(moment, reporter, event, part)]


def _lines(moment: Moment, reporter: str, event: Event, part: Part) -> list[Obligation]:
    owed = part.owed
    whole = Obligation(
        partner_id=reporter,
        event_id=event.event_id,
        line=owed.line,
        issuer=owed.issuer,
        redeemer=owed.redeemer,
        points=-part.points,
        amount_minor=-(part.minor - part.fund_minor),
        currency=owed.currency,
        price_version=owed.price_version,
        price_numerator=owed.price_numerator,
        price_denominator=owed.price_denominator,
        business_date=moment.day,
        origin=f"{reporter}/{event.refers_to}",
        kind=owed.kind,
    )
    fund = whole._replace(
        line=owed.line + FUND_LINES, issuer=FUND, amount_minor=-part.fund_minor, points_of=owed.issuer
    )  # fmt: skip
    if owed.fund_points:
        return [fund]
    return [whole, fund._replace(points=0)] if part.fund_minor else [whole]
