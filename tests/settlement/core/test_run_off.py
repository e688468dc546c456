"""The reserve for a leaving partner's points is never a unit too small."""

from __future__ import annotations

from fractions import Fraction

import pytest

from settlement.core.run_off import run_off_minor
from settlement.errors import SecurityRefused


@pytest.mark.parametrize(
    ("points", "price", "expected", "reserve"),
    [(1000, "9/10", "0.7", 630), (1, "1/1000", "1", 1), (0, "1", "1", 0), (3, "1", "1/2", 2), (10**15, "1", "0", 0)],
)
def test_points_times_price_times_share_rounded_up(points: int, price: str, expected: str, reserve: int) -> None:
    assert run_off_minor(points, Fraction(price), Fraction(expected)) == reserve


@pytest.mark.parametrize(("price", "expected"), [("-1", "1"), ("1", "1.01"), ("1", "-0.1")])
def test_a_share_that_is_none_is_refused(price: str, expected: str) -> None:
    with pytest.raises(SecurityRefused):
        run_off_minor(1, Fraction(price), Fraction(expected))
