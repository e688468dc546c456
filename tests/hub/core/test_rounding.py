"""Conversion at exact rates: named rounding rules, and rates read without floating point."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import TermsRefused
from hub.core.rounding import MOST_ADDED, ROUNDINGS, convert, number_text, parse_number, parse_rate

AMOUNTS = st.integers(0, 10**12)
DIGITS = st.text("0123456789", min_size=1, max_size=12)
MODELS = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


@pytest.mark.parametrize(
    ("amount", "rate", "rounding", "result"),
    [
        (10_000, "82.42135", "half-up", 824_214),
        (10_000, "82.42135", "half-even", 824_214),
        (10_000, "82.42135", "down", 824_213),
        (1, "0.5", "half-up", 1),
        (1, "1/2", "half-even", 0),
        (3, "1/2", "half-even", 2),
        (5, "1/2", "half-even", 2),
        (1, "2/3", "half-even", 1),
        (1, "1/3", "half-up", 0),
        (0, "7", "half-up", 0),
    ],
)
def test_known_conversions(amount: int, rate: str, rounding: str, result: int) -> None:
    assert convert(amount, parse_rate(rate), rounding) == result


@given(AMOUNTS, DIGITS, DIGITS, st.sampled_from(sorted(MODELS)))
def test_decimals_convert_as_decimal_arithmetic_does(amount: int, whole: str, places: str, rounding: str) -> None:
    text = f"{whole}.{places}"
    with localcontext(prec=60):
        expected = (amount * Decimal(text)).quantize(Decimal(1), MODELS[rounding])
    assert convert(amount, parse_number(text), rounding) == int(expected)


@given(AMOUNTS, st.fractions(0, 1000), st.sampled_from(sorted(ROUNDINGS)))
def test_no_rule_ends_further_above_the_exact_value_than_its_table_says(amount: int, rate: Fraction, name: str) -> None:
    assert -1 < convert(amount, rate, name) - amount * rate <= MOST_ADDED[name]


def test_both_tables_name_the_same_rules() -> None:
    assert set(ROUNDINGS) == set(MOST_ADDED) == set(MODELS)


@given(DIGITS, DIGITS, st.sampled_from("./"))
def test_what_was_read_can_be_written_and_read_again(left: str, right: str, mark: str) -> None:
    if mark == "/" and int(right) == 0:
        right = "1"
    number = parse_number(left + mark + right)
    assert parse_number(number_text(number)) == number


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("007", "7"),
        ("0.50", "0.5"),
        ("9/10", "0.9"),
        ("2/6", "1/3"),
        ("0", "0"),
        ("0.05", "0.05"),
        ("1/8192", "1/8192"),
    ],
)
def test_numbers_are_written_shortly(text: str, written: str) -> None:
    assert number_text(parse_number(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1 ", " 1", "1\n", "+1", "-1", "1.", ".5", "1e3", "1_000", "1,5", "1/2/3", "1.5/2", "NaN", "inf"),
        *("0", "0.0", "0/5", "5/0", "0/0", "1" * 13, "1." + "1" * 13, "1/" + "1" * 13, "٣", "1.٣", "½"),
        *(1, 1.5, None, True, ["1"], b"1"),
    ],
)
def test_rates_that_make_no_sense(text: Any) -> None:
    with pytest.raises(TermsRefused):
        parse_rate(text)


def test_an_unknown_rule_and_negative_values_are_refused() -> None:
    with pytest.raises(TermsRefused, match="half-up, half-even, down"):
        convert(1, Fraction(1), "up")
    for amount, rate in ((-1, Fraction(1)), (1, Fraction(-1))):
        with pytest.raises(TermsRefused):
            convert(amount, rate, "down")
