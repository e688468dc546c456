"""Linear earning: ``points`` for each full ``per_minor`` of the sale, in whole minor units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub.core.errors import TermsRefused
from hub.core.ledger import MAX_MINOR, MAX_POINTS


def compile_rule(term: Mapping[str, Any]) -> Callable[[Any], int]:
    """Return the rule ``points * (amount // per_minor)``.

    Raises:
        TermsRefused: a field is missing, unknown, not a whole number or out of range.
    """
    if set(term) != {"rule", "points", "per_minor"}:
        raise TermsRefused("a linear rule has exactly the fields rule, points and per_minor")
    points = whole(term["points"], "points", MAX_POINTS)
    per_minor = whole(term["per_minor"], "per_minor", MAX_MINOR)
    return lambda sale: points * int(sale.amount_minor // per_minor)


def explain(term: Mapping[str, Any], sale: Any) -> str:
    """Return the arithmetic by which a term gave a sale its points.

    >>> from types import SimpleNamespace
    >>> explain({"rule": "linear", "points": 1, "per_minor": 100}, SimpleNamespace(amount_minor=1999))
    '1 point for each full 100: 1999 // 100 = 19, times 1 = 19'
    """
    points, per_minor, minor = term["points"], term["per_minor"], sale.amount_minor
    full = minor // per_minor
    each = f"{points} {'point' if points == 1 else 'points'} for each full {per_minor}"
    return f"{each}: {minor} // {per_minor} = {full}, times {points} = {points * full}"


def whole(value: Any, name: str, highest: int) -> int:
    """Return a whole number from 1 to ``highest``; refuse (TermsRefused) anything else."""
    if type(value) is not int or not 1 <= value <= highest:
        raise TermsRefused(f"{name} must be a whole number from 1 to {highest}")
    return value
