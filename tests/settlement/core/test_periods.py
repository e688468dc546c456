"""Calendars: every day is in exactly one cycle, whatever the calendar and however often it was changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from settlement.core import periods
from settlement.core.periods import CALENDARS, Change, Timetable, common_start, cycle_of, last_day, period, period_of
from settlement.errors import CalendarRefused, UnknownCycle

DAY = timedelta(days=1)
DAYS = st.dates(date(2000, 1, 3), date(9999, 11, 30))
SOME_YEARS = [date(2016, 1, 1) + number * DAY for number in range(6 * 366)]


@given(DAYS, st.sampled_from(CALENDARS))
def test_first_and_last_day_are_in_their_cycle_and_their_neighbours_are_not(day: date, calendar: str) -> None:
    found = period_of(day, calendar)
    assert found.first_day <= day <= found.last_day
    assert period(found.cycle) == found
    assert cycle_of(found.first_day, calendar) == cycle_of(found.last_day, calendar) == found.cycle
    assert cycle_of(found.last_day + DAY, calendar) != found.cycle != cycle_of(found.first_day - DAY, calendar)


@pytest.mark.parametrize(
    ("calendar", "cycles_a_year"),
    [("monthly", {12}), ("half_monthly", {24}), ("forty_eight", {48}), ("weekly", {52, 53})],
)
def test_a_calendar_has_so_many_cycles_a_year(calendar: str, cycles_a_year: set[int]) -> None:
    """Of weeks, those whose year of ISO 8601 it is."""
    counted = [len({c for c in (cycle_of(d, calendar) for d in SOME_YEARS) if c[:4] == str(y)}) for y in (2019, 2020)]
    assert set(counted) == cycles_a_year


@pytest.mark.parametrize(
    ("cycle", "first", "last"),
    [
        ("2017-01", "2017-01-01", "2017-01-31"),
        ("2016-02", "2016-02-01", "2016-02-29"),
        ("2017-W05", "2017-01-30", "2017-02-05"),
        ("2020-W53", "2020-12-28", "2021-01-03"),
        ("2017-02-H1", "2017-02-01", "2017-02-15"),
        ("2017-02-H2", "2017-02-16", "2017-02-28"),
        ("2017-01-Q1", "2017-01-01", "2017-01-07"),
        ("2017-01-Q2", "2017-01-08", "2017-01-15"),
        ("2017-01-Q3", "2017-01-16", "2017-01-22"),
        ("2017-01-Q4", "2017-01-23", "2017-01-31"),
    ],
)
def test_the_days_of_a_cycle(cycle: str, first: str, last: str) -> None:
    assert tuple(map(str, period(cycle)[2:])) == (first, last)


@pytest.mark.parametrize(
    "name",
    [
        *("", "2017", "2017-13", "2017-00", "2017-1", "17-01", "2017-01\n", "²017-01", "x" * 999, "9999-12"),
        *("2017-W00", "2017-W53", "2017-W54", "2017-w05", "9999-W52", "2017-01-H0", "2017-01-H3", "2017-01-Q5"),
        *("2017-01-h1", "2017-01-", "2017-01-H", "9999-12-H2", "2017-W05-H1", "2017-01-W05"),
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownCycle, match="YYYY-MM"):
        last_day(name)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SOME_YEARS), st.sampled_from(CALENDARS)), max_size=10))
def test_no_day_is_in_two_cycles_or_in_none_however_the_calendar_is_changed(wanted: list[tuple[date, str]]) -> None:
    """Day by day over six years: cycles follow each other without a gap, each whole, each named once."""
    table = Timetable()
    for day, calendar in wanted:
        start = common_start(table.on(day - DAY), calendar, day)
        if table.on(start - DAY) == table.on(day - DAY):
            table = table.changed(Change(start, calendar))
    seen = [table.period_of(day) for day in SOME_YEARS]
    for day, found in zip(SOME_YEARS, seen, strict=True):
        assert found.first_day <= day <= found.last_day
        assert table.knows(found.cycle)
        assert table.period_of(found.first_day) == table.period_of(found.last_day) == found
        assert table.after(found.cycle).first_day == found.last_day + DAY
    runs = [one.cycle for one, before in zip(seen, [None, *seen], strict=False) if one != before]
    assert len(runs) == len(set(runs))


def test_a_change_replaces_what_was_planned_for_later() -> None:
    table = (
        Timetable().changed(Change(date(2017, 7, 1), "forty_eight")).changed(Change(date(2017, 3, 1), "half_monthly"))
    )
    assert [table.on(date(2017, month, 1)) for month in (2, 3, 7)] == ["monthly", "half_monthly", "half_monthly"]
    assert table.changes == (Change(date(2017, 3, 1), "half_monthly"),)
    assert table.period_of(date(2017, 3, 16)).cycle == "2017-03-H2"
    assert not table.knows("2017-03")
    assert table.knows("2017-02")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(date(2017, 3, 2), "half_monthly"), "2017-04-01 is the next"),
        (Change(date(2017, 3, 6), "weekly"), "2017-05-01 is the next"),
        (Change(date(2017, 3, 1), "weekly"), "2017-05-01 is the next"),
        (Change(date(2017, 3, 1), "daily"), "one of monthly, weekly, half_monthly, forty_eight"),
    ],
)
def test_a_day_on_which_not_both_calendars_begin_is_refused(change: Change, why: str) -> None:
    with pytest.raises(CalendarRefused, match=why):
        Timetable().changed(change)


@given(st.dates(date(2000, 1, 3), date(2400, 1, 1)), st.sampled_from(CALENDARS), st.sampled_from(CALENDARS))
@example(date(2067, 8, 2), "monthly", "weekly")
def test_both_calendars_begin_together_within_fourteen_months(day: date, one: str, other: str) -> None:
    start = common_start(one, other, day)
    assert periods.begins(start, one)
    assert periods.begins(start, other)
    assert start - day < timedelta(days=427)
