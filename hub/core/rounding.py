"""Amounts at an exact rate, rounded once by a named rule.

Rates are read from text into fractions, never through floating point, so that the same terms give the same whole
number on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType

from hub.core.errors import TermsRefused

MAX_DIGITS = 12
"""Most digits on either side of a decimal point or a fraction bar."""
_NUMBER = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}})(?:\.([0-9]{{1,{MAX_DIGITS}}})|/([0-9]{{1,{MAX_DIGITS}}}))?")


def half_up(numerator: int, denominator: int) -> int:
    """Round to the nearest whole number, a half upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


def half_even(numerator: int, denominator: int) -> int:
    """Round to the nearest whole number, a half to the even one."""
    quotient, remainder = divmod(numerator, denominator)
    return quotient + (2 * remainder + quotient % 2 > denominator)


def down(numerator: int, denominator: int) -> int:
    """Round in the hub's favour: whoever receives gets the whole part."""
    return numerator // denominator


ROUNDINGS: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"half-up": half_up, "half-even": half_even, "down": down}
)
"""Rounding rules by name; each takes a numerator of at least zero and a denominator above zero."""

MOST_ADDED: Mapping[str, Fraction] = MappingProxyType(
    {"half-up": Fraction(1, 2), "half-even": Fraction(1, 2), "down": Fraction(0)}
)
"""How far above the exact value each rule can end."""


def convert(amount: int, rate: Fraction, rounding: str) -> int:
    """Return ``amount * rate``, rounded once by the named rule.

    >>> convert(10000, parse_rate("82.42135"), "half-up"), convert(10000, parse_rate("82.42135"), "down")
    (824214, 824213)

    Raises:
        TermsRefused: there is no such rule, or the amount or the rate is negative.
    """
    if rounding not in ROUNDINGS:
        raise TermsRefused(f"there is no rounding {rounding!r}; there are: {', '.join(ROUNDINGS)}")
    if amount < 0 or rate < 0:
        raise TermsRefused("only an amount and a rate of at least zero can be converted")
    return ROUNDINGS[rounding](amount * rate.numerator, rate.denominator)


def parse_rate(text: object) -> Fraction:
    """Read a decimal such as ``82.42135`` or a fraction such as ``9/10``, exactly; it must be above zero.

    Raises:
        TermsRefused: it is no such text, has more than 12 digits on a side, or is zero.
    """
    rate = parse_number(text)
    if rate == 0:
        raise TermsRefused("a rate must be greater than zero")
    return rate


def parse_number(text: object) -> Fraction:
    """Read a decimal or a fraction of at least zero, exactly.

    Raises:
        TermsRefused: it is no such text, or has more than 12 digits on a side.
    """
    found = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        shape = f'"82.42135" or "9/10", at most {MAX_DIGITS} digits on each side'
        raise TermsRefused(f"write a rate as text, as a decimal or a fraction such as {shape}")
    whole, decimals, denominator = found.groups()
    if decimals is not None:
        return Fraction(int(whole + decimals), 10 ** len(decimals))
    if denominator is not None and int(denominator) == 0:
        raise TermsRefused("the part below a fraction's bar must be greater than zero")
    return Fraction(int(whole), int(denominator or 1))


def number_text(number: Fraction) -> str:
    """Write what ``parse_number`` read: as a decimal if 12 places are enough, else as a fraction in lowest terms."""
    for places in range(MAX_DIGITS + 1):
        if 10**places % number.denominator == 0:
            digits = str(int(number * 10**places)).zfill(places + 1)
            return f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"{number.numerator}/{number.denominator}"
