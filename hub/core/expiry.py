"""When points expire: end of the last day of month M+n for points earned in month M."""

from __future__ import annotations

import calendar
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=1_024)
def end_of_month_plus(earned_on: date, months: int) -> date:
    """Return the last day of the month that lies ``months`` after the month of ``earned_on``.

    >>> end_of_month_plus(date(2017, 1, 15), 6)
    datetime.date(2017, 7, 31)
    """
    index = earned_on.year * 12 + earned_on.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def is_month_end(day: date) -> bool:
    """Tell whether ``day`` is the last day of its month."""
    return day == end_of_month_plus(day, 0)
