"""Exchange rates: exact conversion within minimum, step and limits, and terms that make no sense."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.errors import AmountNotExchangeable, TermsRefused
from hub.core.exchange import MAX_AMOUNT, ExchangeRate
from hub.core.rounding import ROUNDINGS, number_text

JANUARY = date(2017, 1, 1)
OUT: dict[str, Any] = {
    "direction": "out",
    "unit": "MILES",
    "rate": "1/2",
    "spread": "0.02",
    "minimum": 500,
    "step": 100,
    "rounding": "down",
    "quote_seconds": 300,
}
IN: dict[str, Any] = OUT | {"direction": "in", "rate": "82.42135", "sold_at": "1.5", "currency": "USD"}


def rate(terms: dict[str, Any]) -> ExchangeRate:
    return ExchangeRate.of(3, JANUARY, "air", terms)


def changed(terms: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return terms | fields


def test_terms_are_read_exactly() -> None:
    found = rate(IN)
    assert (found.version, found.valid_from, found.partner_id, found.unit) == (3, JANUARY, "air", "MILES")
    assert (found.rate, found.spread) == (Fraction(8_242_135, 100_000), Fraction(1, 50))
    assert found.effective == Fraction(8_242_135, 100_000) * Fraction(49, 50)
    assert (found.sold_at, found.currency) == (Fraction(3, 2), "USD")
    assert (rate(OUT).sold_at, rate(OUT).currency) == (None, None)


@pytest.mark.parametrize(("rounding", "given"), [("half-up", 824_214), ("half-even", 824_214), ("down", 824_213)])
def test_known_amounts(rounding: str, given: int) -> None:
    assert rate(changed(IN, spread="0", rounding=rounding)).give(10_000) == given


def test_the_spread_is_kept() -> None:
    assert rate(OUT).give(1_000) == 490
    assert rate(changed(OUT, spread="1/3")).give(1_000) == 333


@given(
    st.sampled_from(["in", "out"]),
    st.fractions(min_value="1/1000", max_value=10, max_denominator=10**6),
    st.fractions(min_value=0, max_value="9/10", max_denominator=100),
    st.integers(1, 500),
    st.integers(2, 20),
    st.sampled_from(sorted(ROUNDINGS)),
)
def test_what_is_written_reads_the_same(
    direction: str, per_one: Fraction, spread: Fraction, step: int, steps: int, rounding: str
) -> None:
    terms = changed(OUT, direction=direction, rate=number_text(per_one), spread=number_text(spread))
    minimum = step * steps * 10_000
    found = rate(changed(terms, step=step, minimum=minimum, rounding=rounding))
    assert rate(found.terms()) == found
    assert found.rate == per_one
    assert abs(found.give(minimum) - minimum * per_one * (1 - spread)) < 1


@pytest.mark.parametrize("terms", [IN, OUT])
def test_terms_are_written_as_they_were_read(terms: dict[str, Any]) -> None:
    usual = {"rate": number_text(rate(terms).rate)}
    assert rate(terms).terms() == terms | usual


@pytest.mark.parametrize("amount", [-500, 0, 1, 400, 499, 501, 550, 1_001])
def test_amounts_below_the_minimum_or_between_steps_are_refused(amount: int) -> None:
    with pytest.raises(AmountNotExchangeable, match="500 or more, in multiples of 100"):
        rate(OUT).give(amount)


def test_neither_side_passes_the_limit_of_one_exchange() -> None:
    assert rate(OUT).give(MAX_AMOUNT) == 490_000_000
    doubling = rate(changed(IN, rate="2", spread="0"))
    assert doubling.give(MAX_AMOUNT // 2) == MAX_AMOUNT
    for found, amount in ((rate(OUT), MAX_AMOUNT + 100), (doubling, MAX_AMOUNT // 2 + 100)):
        with pytest.raises(AmountNotExchangeable, match="split it"):
            found.give(amount)


@pytest.mark.parametrize(
    "terms",
    [
        *({}, None, [], changed(OUT, surprise=1), {name: value for name, value in OUT.items() if name != "spread"}),
        *(changed(OUT, direction=value) for value in ("IN", "", None, ["in"])),
        *(changed(OUT, unit=value) for value in ("", "M", "miles", "1MILES", "M" * 17, "MI LES", "MILES\n", "MÎL", 5)),
        *(changed(OUT, rate=value) for value in ("0", "-1", 0.5, 1, "1e3", None)),
        *(changed(OUT, spread=value) for value in ("1", "1.1", "-0.1", 0, None)),
        *(changed(OUT, minimum=value) for value in (0, -500, 550, "500", True, MAX_AMOUNT + 100)),
        *(changed(OUT, step=value) for value in (0, 300, 1.0, None)),
        *(changed(OUT, rounding=value) for value in ("up", "", None, ["down"])),
        *(changed(OUT, quote_seconds=value) for value in (0, 86_401, "300")),
        *(changed(OUT, rate="1/1000"), changed(OUT, rate="999999999999")),
        *(changed(OUT, sold_at="1", currency="USD"), changed(OUT, sold_at="1"), changed(OUT, currency="USD")),
        *(changed(IN, sold_at=value) for value in ("0", 1, None)),
        *(changed(IN, currency=value) for value in ("usd", "US", "USDT", None)),
        {name: value for name, value in IN.items() if name != "currency"},
    ],
)
def test_terms_that_make_no_sense(terms: Any) -> None:
    with pytest.raises(TermsRefused):
        rate(terms)
