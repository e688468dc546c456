"""Minor units are written with as many decimals as the currency has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.currency import decimals, in_minor, written


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


@given(minor=st.integers(0, 2**63 - 1), currency=st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_what_was_written_is_read_back(minor: int, currency: str) -> None:
    if len(written(minor, currency).partition(".")[0]) <= 18:
        assert in_minor(written(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("50.13", "EUR", 5013),
        ("50.1", "EUR", 5010),
        ("50", "EUR", 5000),
        ("50.", "EUR", 5000),
        ("50.13000", "EUR", 5013),
    ],
)
def test_shorter_and_longer_forms_are_read(amount: str, currency: str, minor: int) -> None:
    assert in_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["", "-1", "+1", "1,50", "1e3", ".5", " 1", "\u0967", "9" * 19, "NaN"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        in_minor(amount, "EUR")


def test_a_fraction_of_a_minor_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        in_minor("1.5", "JPY")


def test_decimals() -> None:
    assert [decimals(currency) for currency in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
