"""The run-off reserve: what it takes to reimburse the points of a partner that leaves, as far as they will be spent."""

from __future__ import annotations

from fractions import Fraction

from settlement.errors import SecurityRefused


def run_off_minor(points: int, price: Fraction, expected: Fraction) -> int:
    """Outstanding points times the minor units of one, times the share that is expected to be redeemed, rounded up.

    Raises `SecurityRefused` for a share that is not from 0 to 1, or a price below zero.
    """
    if not 0 <= expected <= 1 or price < 0:
        raise SecurityRefused("a price is not below zero, and the share that is expected to be redeemed is from 0 to 1")
    return -(-points * price * expected // 1)
