"""The few sums of a hub: what points are worth, how that splits over lots, and when points end.

They are the hub's own rules written again, since a merchant's wheel brings no hub; one list of scenarios is run
against both, so they cannot part.
"""

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime
from fractions import Fraction


def value_minor(points: int, numerator: int, denominator: int) -> int:
    """`points * numerator / denominator` in minor units, rounded half to even."""
    quotient, remainder = divmod(points * numerator, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def split_minor(value: int, points: Sequence[int]) -> list[int]:
    """Split a value over lots in proportion to their points, by largest remainder, the earlier of equal ones first."""
    total = sum(points)
    shares = [value * part // total for part in points]
    by_remainder = sorted(range(len(points)), key=lambda place: -(value * points[place] % total))
    for place in by_remainder[: value - sum(shares)]:
        shares[place] += 1
    return shares


def split_points(points: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Split points over weights, none above its cap: by largest remainder, what one cannot take going to the others."""
    places = list(range(len(caps)))
    for place in sorted(places, key=lambda one: (Fraction(caps[one], weights[one]), one)):
        open_weights = sum(weights[one] for one in places)
        if caps[place] * open_weights > points * weights[place]:
            break
        points -= caps[place]
        places.remove(place)
    parts = split_minor(points, [weights[one] for one in places]) if places else []
    shared = dict(zip(places, parts, strict=True))
    return [shared.get(place, cap) for place, cap in enumerate(caps)]


def months_end(day: date, months: int) -> date:
    """The last day of the month so many months after the month of a day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def instant(at: datetime) -> str:
    """An instant as RFC 3339 in UTC, with `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
