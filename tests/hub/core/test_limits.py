"""Limits of one member: up to the limit is allowed, one point more is not, and the refusal says what is left."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import TermsRefused
from hub.core.limits import MOST, Limits

ALL = {"per_transaction": 300, "per_day": 500, "per_year": 2_000}
COUNTS = st.integers(0, 3_000)
SOME = st.none() | st.integers(1, 3_000)


@pytest.mark.parametrize(
    ("points", "today", "this_year", "sentence"),
    [
        (300, 0, 0, None),
        (300, 200, 1_700, None),
        (301, 0, 0, "At most 300 points can be moved in one transaction, not 301."),
        (300, 201, 0, "At most 500 points can be moved in a day; 299 are left, not 300."),
        (1, 600, 600, "At most 500 points can be moved in a day; 0 are left, not 1."),
        (300, 0, 1_701, "At most 2000 points can be moved in a year; 299 are left, not 300."),
    ],
)
def test_what_a_limit_says(points: int, today: int, this_year: int, sentence: str | None) -> None:
    assert Limits.of(ALL).broken(points, today, this_year) == sentence


@given(SOME, SOME, SOME, st.integers(1, 3_000), COUNTS, COUNTS)
def test_a_limit_is_broken_exactly_above_it(
    one: int | None, day: int | None, year: int | None, points: int, today: int, this_year: int
) -> None:
    sums = ((one, points), (day, today + points), (year, this_year + points))
    expected = any(limit is not None and total > limit for limit, total in sums)
    assert (Limits(one, day, year).broken(points, today, this_year) is not None) == expected


def test_what_is_left_out_has_no_limit() -> None:
    assert Limits.of({}) == Limits(None, None, None)
    assert Limits.of({"per_day": 5}) == Limits(None, 5, None)
    assert Limits.of({}).broken(10**9, 10**12, 10**12) is None


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "5", None, MOST + 1])
@pytest.mark.parametrize("name", ALL)
def test_a_limit_is_a_whole_number_from_one(name: str, value: Any) -> None:
    with pytest.raises(TermsRefused, match=name):
        Limits.of({name: value})


@pytest.mark.parametrize("terms", [None, [], {"per_month": 5}, {1: 1}])
def test_other_fields_are_refused(terms: Any) -> None:
    with pytest.raises(TermsRefused):
        Limits.of(terms)
