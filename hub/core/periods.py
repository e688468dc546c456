"""Periods of business days by name: in which month, quarter or year a day is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

PERIODS: Mapping[str, Callable[[date], str]] = MappingProxyType(
    {
        "month": lambda day: f"{day.year}-{day.month:02}",
        "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
        "year": lambda day: f"{day.year}",
    }
)
"""Kind of period -> the name of the one in which a day is."""


def name_of(period: str, day: date) -> str:
    """Return the name of the period in which a day is.

    >>> name_of("quarter", date(2017, 5, 31))
    '2017-Q2'
    """
    return PERIODS[period](day)
