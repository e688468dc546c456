"""What an event's points are worth, and how that splits over its lines, in whole minor units.

The value is computed once for the whole event and rounded once, half to even; then it is split by largest
remainder, so the parts always add up to the value and each is less than one unit from its exact quota.
"""

from __future__ import annotations

from collections.abc import Sequence


def value_minor(points: int, numerator: int, denominator: int) -> int:
    """`points * numerator / denominator` in minor units, rounded half to even; `denominator` is above zero."""
    quotient, remainder = divmod(points * numerator, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def split_minor(value: int, points: Sequence[int]) -> list[int]:
    """Split `value` minor units over lines in proportion to their points (each above zero).

    Each line gets the whole part of its quota; the units left over go to the largest remainders, equal
    remainders to the earlier line.
    """
    total = sum(points)
    shares = [value * part // total for part in points]
    by_remainder = sorted(range(len(points)), key=lambda place: -(value * points[place] % total))
    for place in by_remainder[: value - sum(shares)]:
        shares[place] += 1
    return shares
