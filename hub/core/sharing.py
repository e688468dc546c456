"""How whole points are split over shares: by largest remainder, always the same way, and never above a cap.

Household pools, partial refunds and partial captures all split points. They split them here, so that the parts
always add up and the same question always has the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hub.core.errors import TermsRefused


def split(points: int, weights: Sequence[int], caps: Sequence[int] | None = None) -> list[int]:
    """Split ``points`` in proportion to ``weights``; none gets more than its cap.

    Each share gets the whole part of its quota; the points left over go to the largest remainders, equal ones to
    the earlier place. What a capped share cannot take goes to the others by their weights.

    Raises:
        TermsRefused: a weight is not positive, something is negative, or the caps leave no room for all points.
    """
    _check(points, weights, caps)
    if len(weights) == 1:
        return [points]
    if caps is None:
        return _by_remainder(points, weights)
    return _capped(points, weights, caps)


def _check(points: int, weights: Sequence[int], caps: Sequence[int] | None) -> None:
    if points < 0 or any(weight <= 0 for weight in weights):
        raise TermsRefused("points to split cannot be negative, and every weight must be a whole number above zero")
    if points > 0 and not weights:
        raise TermsRefused("points can only be split over at least one share")
    if caps is None:
        return
    if len(caps) != len(weights) or any(cap < 0 for cap in caps):
        raise TermsRefused("each share needs one cap, and no cap can be negative")
    if sum(caps) < points:
        raise TermsRefused(f"the shares can take {sum(caps)} points together, not {points}")


def _capped(points: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Fill the shares whose quota reaches their cap, then split the rest over the others.

    Taken in order of cap by weight, one pass is enough: filling a share raises the quota of all others, so those
    before it stay full. Once a quota is below its cap, its whole part plus one is not above it, because caps are whole.
    """
    parts = list(caps)
    missing, weight_left = points, sum(weights)
    order = sorted(range(len(caps)), key=lambda place: (Fraction(caps[place], weights[place]), place))
    for position, place in enumerate(order):
        if caps[place] * weight_left > missing * weights[place]:
            still_open = sorted(order[position:])
            rest = _by_remainder(missing, [weights[one] for one in still_open])
            for one, part in zip(still_open, rest, strict=True):
                parts[one] = part
            break
        missing -= caps[place]
        weight_left -= weights[place]
    return parts


def _by_remainder(points: int, weights: Sequence[int]) -> list[int]:
    total = sum(weights)
    parts = [points * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(points * weights[place] % total))
    for place in by_remainder[: points - sum(parts)]:
        parts[place] += 1
    return parts
