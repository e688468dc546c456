"""A cycle is a calendar month."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.periods import cycle_of, last_day, next_cycle
from settlement.errors import UnknownCycle


@given(st.dates(date(2000, 1, 1), date(9999, 11, 30)))
def test_the_last_day_is_in_its_cycle_and_the_next_day_is_not(day: date) -> None:
    last = last_day(cycle_of(day))
    assert day <= last
    assert cycle_of(last) == cycle_of(day)
    assert cycle_of(last + timedelta(days=1)) == next_cycle(cycle_of(day)) > cycle_of(day)


@pytest.mark.parametrize(
    "name", ["", "2017", "2017-13", "2017-00", "2017-1", "17-01", "2017-01\n", "²017-01", "x" * 999]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownCycle, match="YYYY-MM"):
        last_day(name)
