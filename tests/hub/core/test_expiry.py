"""Expiry: the last day of month M+n, whatever the day and the year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.expiry import end_of_month_plus, is_month_end

DAYS = st.dates(date(2000, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("earned", "months", "expires"),
    [
        (date(2017, 1, 1), 6, date(2017, 7, 31)),
        (date(2017, 1, 31), 6, date(2017, 7, 31)),
        (date(2017, 8, 31), 6, date(2018, 2, 28)),
        (date(2019, 8, 31), 6, date(2020, 2, 29)),
        (date(2017, 12, 31), 0, date(2017, 12, 31)),
        (date(2017, 6, 15), 6, date(2017, 12, 31)),
        (date(2017, 7, 1), 1200, date(2117, 7, 31)),
    ],
)
def test_known_dates(earned: date, months: int, expires: date) -> None:
    assert end_of_month_plus(earned, months) == expires


@given(DAYS, st.integers(0, 1200))
def test_it_is_a_last_day_the_right_number_of_months_on(earned: date, months: int) -> None:
    expires = end_of_month_plus(earned, months)
    assert (expires + timedelta(days=1)).day == 1
    assert (expires.year - earned.year) * 12 + expires.month - earned.month == months


@given(DAYS)
def test_a_month_end_is_followed_by_a_first(day: date) -> None:
    assert is_month_end(day) == ((day + timedelta(days=1)).day == 1)
