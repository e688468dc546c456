"""Strict reading of terms: the fields that belong there and no others, each of its type and within its limits.

Shares and prices are written as text, `"9/10"` or `"0.9"`, because a number with a point in JSON is a binary fraction
in most programs and no longer what was agreed. Every refusal names the place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

from settlement.errors import ContractRefused

MAX_MINOR = 1_000_000_000_000
"""Largest amount that terms may name, in minor units."""
MAX_DIGITS = 6
"""Most digits on either side of a decimal point or a fraction bar."""
_NUMBER = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}})(?:\.([0-9]{{1,{MAX_DIGITS}}})|/([0-9]{{1,{MAX_DIGITS}}}))?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def fields_of(terms: object, where: str, needed: Collection[str], optional: Collection[str] = ()) -> Mapping[str, Any]:
    """The terms, which are an object with all `needed` fields and beyond them only `optional` ones."""
    if not isinstance(terms, Mapping):
        raise ContractRefused(f"{where} is written as an object with fields")
    if missing := sorted(set(needed) - set(terms)):
        raise ContractRefused(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(str(name) for name in set(terms) - set(needed) - set(optional)):
        names = ", ".join(unknown)[:100]
        raise ContractRefused(f"{where} has no field {names!r}; it has: {', '.join([*needed, *optional])}")
    return terms


def one_of(value: Any, where: str, words: Collection[str]) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in words:
        raise ContractRefused(f"{where} is one of {', '.join(words)}")
    return value


def whole(value: Any, where: str, most: int = MAX_MINOR) -> int:
    """A whole number from 0 to `most`."""
    if type(value) is not int or not 0 <= value <= most:
        raise ContractRefused(f"{where} is a whole number from 0 to {most}")
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise ContractRefused(f"{where} is true or false")
    return value


def line_of_text(value: Any, where: str, most: int) -> str:
    """One line of printable text, not blank at either end."""
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable() or value != value.strip():
        raise ContractRefused(f"{where} is a line of 1 to {most} printable characters")
    return value


def currency(value: Any, where: str) -> str:
    """A currency's three letters (ISO 4217)."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ContractRefused(f"{where} is a currency of three capital letters, such as EUR")
    return value


def exact(value: Any, where: str, most: int) -> Fraction:
    """An exact number from 0 to `most`, written as text: a decimal or a fraction."""
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None or (found[3] and not int(found[3])):
        raise ContractRefused(f'{where} is written as text such as "0.5" or "9/10", with at most {MAX_DIGITS} digits')
    decimals = found[2] or ""
    number = Fraction(int(found[1] + decimals), 10 ** len(decimals) * int(found[3] or 1))
    if number > most:
        raise ContractRefused(f"{where} is at most {most}")
    return number
