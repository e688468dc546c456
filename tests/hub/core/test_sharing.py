"""Splitting points: the parts add up, no part passes its cap, and the same question has the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import TermsRefused
from hub.core.sharing import split

WEIGHTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=12)


@st.composite
def capped(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    weights = draw(st.lists(st.integers(1, 20), min_size=1, max_size=8))
    caps = draw(st.lists(st.integers(0, 30), min_size=len(weights), max_size=len(weights)))
    return draw(st.integers(0, sum(caps))), weights, caps


def quotas(points: int, weights: Sequence[int], caps: Sequence[int]) -> list[Fraction]:
    """The plain model: share out, close every share above its cap, begin again with the others."""
    found: dict[int, Fraction] = {}
    while True:
        shares = [place for place in range(len(weights)) if place not in found]
        left, total = points - sum(found.values()), sum(weights[place] for place in shares)
        ideal = {place: left * Fraction(weights[place], total) for place in shares}
        above = {place: Fraction(caps[place]) for place in shares if ideal[place] > caps[place]}
        if not above:
            return [(found | ideal)[place] for place in range(len(weights))]
        found |= above


@pytest.mark.parametrize(
    ("points", "weights", "caps", "parts"),
    [
        (100, [1, 1, 1], None, [34, 33, 33]),
        (101, [1, 1, 1], None, [34, 34, 33]),
        (6, [1, 1, 1], [3, 3, 1], [3, 2, 1]),
        (30, [1, 1, 1, 1], [10, 10, 10, 1], [10, 10, 9, 1]),
        (31, [1, 1, 1, 1], [10, 10, 10, 1], [10, 10, 10, 1]),
        (10, [1, 3], None, [3, 7]),
        (10, [3, 1], [4, 9], [4, 6]),
        (5, [1, 1], [0, 5], [0, 5]),
        (0, [1, 2], [0, 0], [0, 0]),
        (0, [], None, []),
        (0, [], [], []),
        (7, [5], None, [7]),
    ],
)
def test_known_splits(points: int, weights: list[int], caps: list[int] | None, parts: list[int]) -> None:
    assert split(points, weights, caps) == parts


@pytest.mark.parametrize(
    ("points", "weights", "caps"),
    [
        (1, [], None),
        (1, [0, 1], None),
        (1, [1, -1], None),
        (-1, [1], None),
        (3, [1, 1], [1, 1]),
        (1, [1, 1], [1]),
        (1, [1, 1], [-1, 2]),
    ],
)
def test_splits_that_cannot_be_made(points: int, weights: list[int], caps: list[int] | None) -> None:
    with pytest.raises(TermsRefused):
        split(points, weights, caps)


@given(st.integers(0, 10**12), WEIGHTS)
def test_each_part_is_less_than_one_from_its_quota(points: int, weights: list[int]) -> None:
    parts = split(points, weights)
    assert sum(parts) == points
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - points * Fraction(weight, sum(weights))) < 1


@given(capped())
def test_with_caps_each_part_is_less_than_one_from_what_the_model_gives(case: tuple[int, list[int], list[int]]) -> None:
    points, weights, caps = case
    parts = split(points, weights, caps)
    assert sum(parts) == points
    assert parts == split(points, weights, caps)
    for part, cap, quota in zip(parts, caps, quotas(points, weights, caps), strict=True):
        assert 0 <= part <= cap
        assert abs(part - quota) < 1


@given(st.integers(0, 10**9), WEIGHTS)
def test_caps_that_do_not_bind_change_nothing(points: int, weights: list[int]) -> None:
    assert split(points, weights, [points] * len(weights)) == split(points, weights)


def test_of_equal_weights_the_earlier_never_gets_less() -> None:
    for points in range(50):
        parts = split(points, [7] * 9)
        assert parts == sorted(parts, reverse=True)


def test_a_thousand_shares_with_caps_are_split_in_one_pass() -> None:
    weights = [1 + place * 7919 % 1_000 for place in range(1_000)]
    caps = [1 + place * 104_729 % 5_000 for place in range(1_000)]
    parts = split(sum(caps) - 500, weights, caps)
    assert sum(parts) == sum(caps) - 500
    assert all(part <= cap for part, cap in zip(parts, caps, strict=True))
