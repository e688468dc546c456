"""Calendars in the database: who changed them, what was cut off before, and that cycles follow them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, text

from settlement import cycles, statements
from settlement.core.periods import Change
from settlement.errors import CalendarRefused, UnknownCycle
from settlement.store.timetable import calendar_changes, change_calendar, timetable
from tests.settlement.sample import AT, close, post, redemption, wait_for_lock


def change(connection: Connection, day: date, calendar: str) -> None:
    change_calendar(connection, Change(day, calendar), author="olga", at=AT)


def test_cycles_follow_the_calendar_of_their_days(published: Engine) -> None:
    late = redemption("late-r", "fuel", {"bank": 3}, date(2017, 1, 15))
    march = redemption("march-r", "fuel", {"bank": 3}, date(2017, 3, 20))
    with published.begin() as connection:
        change(connection, date(2017, 2, 1), "forty_eight")
        change(connection, date(2017, 3, 1), "half_monthly")
        post(connection, [*late, *march])
    with published.begin() as connection:
        listed = [(one.cycle, one.lines, str(one.ends_on)) for one in cycles.listing(connection)]
        assert listed == [
            ("2017-01", 9, "2017-01-31"),
            ("2017-02-Q1", 2, "2017-02-07"),
            ("2017-02-Q4", 2, "2017-02-28"),
            ("2017-03-H2", 1, "2017-03-31"),
        ]
        with pytest.raises(UnknownCycle, match="cycles are forty_eight then, and its first day is in 2017-02-Q1"):
            cycles.show(connection, "2017-02")
        with pytest.raises(UnknownCycle, match="no cycle 2017-03"):
            cycles.cut_off(connection, "2017-03", author="olga", at=AT)
    with published.begin() as connection:
        assert [close(connection, f"2017-02-Q{part}").lines for part in (1, 2, 3, 4)] == [2, 0, 0, 2]
        assert [close(connection, f"2017-03-H{part}").lines for part in (1, 2)] == [0, 1]


def test_weeks_follow_months_and_their_statements_are_in_the_order_of_days(published: Engine) -> None:
    with published.begin() as connection:
        change(connection, date(2017, 5, 1), "weekly")
        post(connection, redemption("week-r", "fuel", {"bank": 3}, date(2017, 5, 1)))
    with published.begin() as connection:
        assert close(connection, "2017-04").lines == 3
        assert close(connection, "2017-W18").lines == 1
        assert [one.cycle for one in cycles.listing(connection)] == ["2017-01", "2017-04", "2017-W18"]
        listed = [one["cycle"] for one in statements.of_partner(connection, "bank", None, 9)]
        assert listed == ["2017-01", "2017-04", "2017-W18"]
        assert [one["cycle"] for one in statements.of_partner(connection, "bank", ("2017-04", "USD"), 9)] == listed[2:]


def test_days_that_were_cut_off_keep_their_calendar(published: Engine) -> None:
    with published.begin() as connection:
        with pytest.raises(CalendarRefused, match="up to 2017-01-31 were cut off"):
            change(connection, date(2017, 1, 1), "half_monthly")
        change(connection, date(2017, 2, 1), "half_monthly")
        assert [(one.calendar, one.author, one.at) for one in calendar_changes(connection)] == [
            ("half_monthly", "olga", AT)
        ]


def test_a_change_waits_for_a_cut_off_that_is_under_way(posted: Engine) -> None:
    with ThreadPoolExecutor(1) as other_operator, posted.connect() as one, posted.connect() as other:
        waiting = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
        cycles.cut_off(one, "2017-01", author="olga", at=AT)
        changing = other_operator.submit(change, other, date(2017, 1, 1), "half_monthly")
        wait_for_lock(posted, waiting)
        one.commit()
        with pytest.raises(CalendarRefused, match="were cut off"):
            changing.result()
    with posted.connect() as connection:
        assert timetable(connection).changes == ()
