"""The calendar of cycles: a cycle is a calendar month, named YYYY-MM."""

from __future__ import annotations

import re
from datetime import date, timedelta

from settlement.errors import UnknownCycle

_NAME = re.compile(r"([2-9][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)


def last_day(cycle: str) -> date:
    """The last business date of a cycle; raises `UnknownCycle` when the name is not one."""
    match = _NAME.fullmatch(cycle)
    if not match or cycle == "9999-12":
        raise UnknownCycle(f"a cycle is named YYYY-MM, not {cycle[:40]!r}")
    year, month = int(match[1]), int(match[2])
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def cycle_of(day: date) -> str:
    """The name of the cycle a business date lies in."""
    return f"{day:%Y-%m}"


def next_cycle(cycle: str) -> str:
    """The name of the month after."""
    return cycle_of(last_day(cycle) + timedelta(days=1))
