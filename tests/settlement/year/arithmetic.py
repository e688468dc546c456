"""The sums that the model does, in fractions and by the words of the documents, apart from the code under test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

DAY = timedelta(days=1)


def shared_out(value: int, weights: Sequence[int]) -> list[int]:
    """A value by weight: whole parts first, what is left to the largest remainders, equal ones to the earlier."""
    quotas = [Fraction(value * weight, sum(weights)) for weight in weights]
    parts = [floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(quotas)), key=lambda place: (parts[place] - quotas[place], place))
    for place in by_remainder[: value - sum(parts)]:
        parts[place] += 1
    return parts


def half_up(exact: Fraction) -> int:
    """An amount of at least zero, halves upwards."""
    return floor(exact + Fraction(1, 2))


def by_rule(exact: Fraction, rule: str) -> int:
    """An amount by a contract's rule, the same way below zero as above."""
    rules: dict[str, Callable[[Fraction], int]] = {"half_even": round, "half_up": half_up, "down": floor, "up": ceil}
    return rules[rule](exact) if exact >= 0 else -rules[rule](-exact)


def between(minor: int, points: int, start: int, end: int) -> int:
    """What of a line's amount goes back for its points from one running total to another."""
    return round(Fraction(end * minor, points)) - round(Fraction(start * minor, points))


def month_end(day: date, months: int = 0) -> date:
    """The last day of the month that is so many months after a day's."""
    index = day.year * 12 + day.month + months
    return date(index // 12, index % 12 + 1, 1) - DAY


def ends(calendar: str, day: date) -> bool:
    """Whether a period of a calendar ends on a day."""
    if calendar == "weekly":
        return day.isoweekday() == 7
    days = {"monthly": (), "half_monthly": (15,), "forty_eight": (7, 15, 22)}[calendar]
    return day == month_end(day) or day.day in days
