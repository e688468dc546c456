"""Amounts read exactly, and nothing read that can be read in two ways."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk.amounts import decimals_of, minor_units


@given(minor=st.integers(0, 10**12 - 1), currency=st.sampled_from(["USD", "JPY", "KWD"]), comma=st.booleans())
def test_whatever_is_written_is_read_back(minor: int, currency: str, comma: bool) -> None:
    text = str(Decimal(minor).scaleb(-decimals_of(currency)))
    assert minor_units(text.replace(".", ",") if comma else text, currency, comma=comma) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("19.99", "USD", 1_999), (" 19.9 ", "USD", 1_990), ("19", "USD", 1_900), ("0.07", "EUR", 7), ("0.29", "USD", 29),
     ("1.1", "KWD", 1_100), ("500", "JPY", 500), ("500.00", "JPY", 500), ("19.9900", "USD", 1_999)],
)  # fmt: skip
def test_amounts_as_tills_write_them(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(
    "text", ["", "19.999", "1,000.00", "1.000,00", "19,99", "-1", "+1", "1e3", "19.", ".5", "$5", "١", "1 000", "NaN"]
)
def test_what_could_be_read_in_two_ways_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="USD such as 19"):
        minor_units(text, "USD")


def test_a_comma_is_a_comma() -> None:
    assert minor_units("19,99", "EUR", comma=True) == 1_999
    with pytest.raises(ValueError, match="such as 19,99"):
        minor_units("1.999", "EUR", comma=True)
