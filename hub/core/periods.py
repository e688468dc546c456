"""Periods by name, in which amounts are counted: in which month, quarter, year, statement or member's year a day is.

A statement's period ends with a day of the month, ``statement-25`` with the 25th. A member's year begins on the day of
the year on which the member joined; of the 29th of February that is the 1st of March where there is none.
"""

from __future__ import annotations

import re
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
"""Kind of period of the calendar -> the name of the one in which a day is."""
MEMBER_YEAR = "member_year"
STATEMENT = re.compile(r"statement-([1-9]|1[0-9]|2[0-8])")
WRITTEN = (*PERIODS, MEMBER_YEAR, "statement-1 to statement-28")
"""How kinds of periods are written, for messages."""


def is_period(value: object) -> bool:
    """Tell whether a term names a kind of period."""
    return isinstance(value, str) and (value in PERIODS or value == MEMBER_YEAR or bool(STATEMENT.fullmatch(value)))


def name_of(period: str, day: date, joined_on: date | None = None) -> str:
    """Return the name of the period in which a day is; ``joined_on`` is what a member's year goes by.

    >>> name_of("quarter", date(2017, 5, 31))
    '2017-Q2'
    >>> name_of("statement-25", date(2017, 12, 26))
    '2018-01-25'
    >>> name_of("member_year", date(2017, 5, 31), date(2015, 6, 1))
    '2016-06-01'
    """
    if period in PERIODS:
        return PERIODS[period](day)
    if statement := STATEMENT.fullmatch(period):
        return _statement(day, int(statement[1]))
    assert joined_on is not None
    begins = anniversary(joined_on, day.year)
    return str(begins if begins <= day else anniversary(joined_on, day.year - 1))


def _statement(day: date, closes_on: int) -> str:
    """Return the last day of the statement in which a day is."""
    months = day.year * 12 + day.month - 1 + (day.day > closes_on)
    return str(date(months // 12, months % 12 + 1, closes_on))


def year_number(joined_on: date, day: date) -> int:
    """Return which of a member's years a day is in, from 1.

    >>> year_number(date(2016, 2, 29), date(2017, 2, 28)), year_number(date(2016, 2, 29), date(2017, 3, 1))
    (1, 2)
    """
    return day.year - joined_on.year + (day >= anniversary(joined_on, day.year))


def anniversary(joined_on: date, year: int) -> date:
    """Return the day of a year on which a member's year begins."""
    is_missing = (joined_on.month, joined_on.day) == (2, 29) and (year % 4 or (not year % 100 and year % 400))
    return date(year, 3, 1) if is_missing else joined_on.replace(year=year)
