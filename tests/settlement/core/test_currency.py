"""Minor units are written with as many decimals as the currency has."""

from __future__ import annotations

import pytest

from settlement.core.currency import written


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (123456, "EUR", "1234.56"),
        (-7, "EUR", "-0.07"),
        (123456, "JPY", "123456"),
        (-1, "JPY", "-1"),
        (1500, "KWD", "1.500"),
    ],
)
def test_amounts(minor: int, currency: str, amount: str) -> None:
    assert written(minor, currency) == amount
