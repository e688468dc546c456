"""Statement totals: what a partner's statement adds up to in one currency.

The database adds them up from the partner's lines; this module adds them up from the positions. That both
ways give the same figures is one of the self-checks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from settlement.core.positions import Position


class StatementTotal(NamedTuple):
    """Lines, points and minor units a partner receives for, pays for, and has with itself (on-us).

    Points and minor units are plain sums and may be below zero, where corrections outweigh the rest.
    """

    partner: str
    currency: str
    receive_lines: int
    receive_points: int
    receive_minor: int
    pay_lines: int
    pay_points: int
    pay_minor: int
    on_us_lines: int
    on_us_points: int
    on_us_minor: int


def totals_of(positions: Iterable[Position]) -> list[StatementTotal]:
    """The totals of every partner that takes part, sorted by partner and currency."""
    figures: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 9)
    for position in positions:
        amounts = position[3:6]
        if position.on_us:
            _add(figures[position.issuer, position.currency], 6, amounts)
        else:
            _add(figures[position.redeemer, position.currency], 0, amounts)
            _add(figures[position.issuer, position.currency], 3, amounts)
    return [StatementTotal(*key, *figures[key]) for key in sorted(figures)]


def _add(figures: list[int], start: int, amounts: Sequence[int]) -> None:
    for place, amount in enumerate(amounts, start):
        figures[place] += amount
