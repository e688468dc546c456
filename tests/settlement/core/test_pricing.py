"""Values are rounded once, half to even, and split so that the parts add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.pricing import split_minor, value_minor

POINTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=40)
PRICES = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6))


@pytest.mark.parametrize(
    ("points", "numerator", "denominator", "value"),
    [
        (5, 9, 10, 4),
        (15, 9, 10, 14),
        (1, 1, 2, 0),
        (3, 1, 2, 2),
        (5, 1, 2, 2),
        (7, 4, 5, 6),
        (100, 1, 1, 100),
    ],
)
def test_value_rounds_half_to_even(points: int, numerator: int, denominator: int, value: int) -> None:
    assert value_minor(points, numerator, denominator) == value


@given(st.integers(1, 10**9), PRICES)
def test_value_is_what_exact_fractions_give(points: int, price: tuple[int, int]) -> None:
    assert value_minor(points, *price) == round(Fraction(points * price[0], price[1]))


@given(st.integers(0, 10**12), POINTS)
def test_parts_add_up_and_are_within_one_of_their_quota(value: int, points: list[int]) -> None:
    parts = split_minor(value, points)
    assert sum(parts) == value
    quotas = [Fraction(value * part, sum(points)) for part in points]
    assert all(abs(part - quota) < 1 for part, quota in zip(parts, quotas, strict=True))


@given(st.integers(0, 10**6), POINTS)
def test_equal_points_never_favour_the_later_line(value: int, points: list[int]) -> None:
    parts = split_minor(value, points)
    for earlier in range(len(points)):
        for later in range(earlier + 1, len(points)):
            if points[earlier] == points[later]:
                assert parts[earlier] >= parts[later]


def test_leftovers_go_to_the_largest_remainders_and_ties_to_the_earlier_line() -> None:
    assert split_minor(10, [1, 1, 1]) == [4, 3, 3]
    assert split_minor(100, [3, 3, 1]) == [43, 43, 14]
    assert split_minor(0, [4, 5]) == [0, 0]
