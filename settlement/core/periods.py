"""The calendars of cycles: which business dates a cycle has, and how it is called.

    monthly       2017-01                    a calendar month
    half_monthly  2017-01-H1, -H2            ends on the 15th and on the month's last day
    forty_eight   2017-01-Q1 ... -Q4         ends on the 7th, 15th, 22nd and last day: 48 a year
    weekly        2017-W05                   Monday to Sunday, numbered as in ISO 8601

A name says its calendar, so first and last day follow from the name alone. Which calendar holds is a dated setting of
the coalition, its timetable. A change takes effect on a day on which cycles of both calendars begin; so every day is
in exactly one cycle, whatever was changed.
"""

from __future__ import annotations

import re
from bisect import bisect
from datetime import date, timedelta
from typing import NamedTuple

from settlement.errors import CalendarRefused, UnknownCycle

MONTHLY, WEEKLY, HALF_MONTHLY, FORTY_EIGHT = "monthly", "weekly", "half_monthly", "forty_eight"
CALENDARS = (MONTHLY, WEEKLY, HALF_MONTHLY, FORTY_EIGHT)

_NAME = re.compile(r"([2-9][0-9]{3})-(?:W([0-9]{2})|(0[1-9]|1[0-2])(?:-([HQ])([1-4]))?)", re.ASCII)
_STARTS = {MONTHLY: (1,), HALF_MONTHLY: (1, 16), FORTY_EIGHT: (1, 8, 16, 23)}
"""The days of a month on which its cycles begin."""
_LETTERS = {HALF_MONTHLY: "H", FORTY_EIGHT: "Q"}
_BY_LETTER: dict[str | None, str] = {None: MONTHLY, **{letter: calendar for calendar, letter in _LETTERS.items()}}
_DAY = timedelta(days=1)
_FORMS = "a cycle is named YYYY-MM, YYYY-Www, YYYY-MM-H1 to -H2 or YYYY-MM-Q1 to -Q4"


class Period(NamedTuple):
    """A cycle's name, its calendar, and the business dates that it has, both included."""

    cycle: str
    calendar: str
    first_day: date
    last_day: date


def period(cycle: str) -> Period:
    """The cycle of a name; raises `UnknownCycle` when the name is none."""
    match = _NAME.fullmatch(cycle)
    try:
        found = period_of(*_first_day(match)) if match else None
    except (ValueError, IndexError, OverflowError) as none:
        raise UnknownCycle(f"{_FORMS}; there is no {cycle[:40]!r}") from none
    if found is None or found.cycle != cycle:
        raise UnknownCycle(f"{_FORMS}, not {cycle[:40]!r}")
    return found


def period_of(day: date, calendar: str = MONTHLY) -> Period:
    """The cycle of a calendar that a business date lies in."""
    if calendar == WEEKLY:
        year, week, weekday = day.isocalendar()
        monday = day - (weekday - 1) * _DAY
        return Period(f"{year:04}-W{week:02}", WEEKLY, monday, monday + 6 * _DAY)
    starts = _STARTS[calendar]
    place = bisect(starts, day.day)
    first = day.replace(day=starts[place - 1])
    after = day.replace(day=starts[place]) if place < len(starts) else _next_month(day)
    name = f"{day.year:04}-{day.month:02}" + (f"-{_LETTERS[calendar]}{place}" if calendar in _LETTERS else "")
    return Period(name, calendar, first, after - _DAY)


def first_day(cycle: str) -> date:
    """The first business date of a cycle; raises `UnknownCycle` when the name is not one."""
    return period(cycle).first_day


def last_day(cycle: str) -> date:
    """The last business date of a cycle; raises `UnknownCycle` when the name is not one."""
    return period(cycle).last_day


def cycle_of(day: date, calendar: str = MONTHLY) -> str:
    """The name of the cycle of a calendar that a business date lies in."""
    return period_of(day, calendar).cycle


def begins(day: date, calendar: str) -> bool:
    """Whether a cycle of this calendar begins on this day."""
    return period_of(day, calendar).first_day == day


def common_start(one: str, other: str, not_before: date) -> date:
    """The first day from `not_before` on at which cycles of both calendars begin.

    It is less than 427 days away: so far apart can two Mondays be that are the first of a month.
    """
    day = not_before
    while not (begins(day, one) and begins(day, other)):
        day += _DAY
    return day


class Change(NamedTuple):
    """From `valid_from` on cycles follow `calendar`; what was planned for that day or later no longer holds."""

    valid_from: date
    calendar: str


class Timetable:
    """Which calendar holds on which day, by the changes in the order in which they were made; monthly before any."""

    def __init__(self, changes: tuple[Change, ...] = ()) -> None:
        self.changes: tuple[Change, ...] = ()
        for change in changes:
            self.changes = (*self._until(change.valid_from), change)

    def on(self, day: date) -> str:
        """The calendar that holds on a day."""
        held = self._until(day + _DAY)
        return held[-1].calendar if held else MONTHLY

    def period_of(self, day: date) -> Period:
        """The cycle that a business date lies in."""
        return period_of(day, self.on(day))

    def after(self, cycle: str) -> Period:
        """The cycle that begins when this one is over."""
        return self.period_of(last_day(cycle) + _DAY)

    def knows(self, cycle: str) -> bool:
        """Whether the calendar of its days has this cycle; raises `UnknownCycle` when the name is none."""
        asked = period(cycle)
        return self.on(asked.first_day) == asked.calendar

    def changed(self, change: Change) -> Timetable:
        """The timetable after one more change; raises `CalendarRefused` unless both calendars begin a cycle there."""
        if change.calendar not in CALENDARS:
            raise CalendarRefused(f"a calendar is one of {', '.join(CALENDARS)}")
        before = self.on(change.valid_from - _DAY)
        if not (begins(change.valid_from, before) and begins(change.valid_from, change.calendar)):
            fitting = common_start(before, change.calendar, change.valid_from)
            raise CalendarRefused(
                f"on {change.valid_from} no cycle begins that is {before} and {change.calendar}; {fitting} is the next"
                " day on which both begin"
            )
        return Timetable((*self.changes, change))

    def _until(self, day: date) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.valid_from < day)


def _first_day(match: re.Match[str]) -> tuple[date, str]:
    """A day and the calendar that a name's parts stand for; raises `ValueError` or `IndexError` if there is none."""
    year, week, month, letter, part = match.groups()
    if week:
        return date.fromisocalendar(int(year), int(week), 1), WEEKLY
    calendar = _BY_LETTER[letter]
    return date(int(year), int(month), _STARTS[calendar][int(part or 1) - 1]), calendar


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
