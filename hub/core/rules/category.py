"""Points by merchant category: ``points`` for each full ``per_minor`` of purchases in some categories, or all others.

With a cap the points hold up to an amount of net purchases in a period, and what is above it gets ``then``; the part of
a purchase on each side of the cap is counted by itself. What was bought before in the period comes with the sale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hub.core.card_terms import Codes
from hub.core.errors import TermsRefused
from hub.core.ledger import MAX_MINOR, MAX_POINTS
from hub.core.periods import PERIODS
from hub.core.rules.linear import whole

_FIELDS = frozenset({"rule", "points", "per_minor", "categories", "other_than", "cap"})
MAX_NAME = 16


class Cap(NamedTuple):
    """Up to which net amount of a period a rule gives its points."""

    name: str
    """Under which the amount is counted; later versions of the rate go on counting under the same."""
    minor: int
    period: str
    then: int
    """Points for each full ``per_minor`` above it."""


def compile_rule(term: Mapping[str, Any]) -> Callable[[Any], int]:
    """Return the rule of a term.

    Raises:
        TermsRefused: a field is missing, unknown or out of range.
    """
    if not {"rule", "points", "per_minor"} <= set(term) <= _FIELDS:
        raise TermsRefused("a category rule has points, per_minor, categories or other_than, and maybe a cap")
    points, per_minor = whole(term["points"], "points", MAX_POINTS), whole(term["per_minor"], "per_minor", MAX_MINOR)
    applies, cap = matcher(term), cap_of(term)

    def rule(sale: Any) -> int:
        if not applies(sale):
            return 0
        capped = _below(cap, sale)
        above = cap.then * ((sale.amount_minor - capped) // per_minor) if cap else 0
        return int(points * (capped // per_minor) + above)

    return rule


def matcher(term: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Return what tells whether a sale is of the categories that a term names."""
    if ("categories" in term) == ("other_than" in term):
        raise TermsRefused("a category rule names its categories, or with other_than all others")
    if "categories" in term:
        codes = Codes(term["categories"], "categories")
        return lambda sale: sale.category in codes
    others = Codes(term["other_than"], "other_than")
    return lambda sale: sale.category not in others


def cap_of(term: Mapping[str, Any]) -> Cap | None:
    """Read a term's cap, ``{"name", "minor", "period", "then"}``; None where it has none.

    Raises:
        TermsRefused: it makes no sense.
    """
    cap = term.get("cap")
    if cap is None:
        return None
    if not isinstance(cap, Mapping) or set(cap) != {"name", "minor", "period", "then"}:
        raise TermsRefused("a cap is an object with name, minor, period and then")
    name, period, then = cap["name"], cap["period"], cap["then"]
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or len(name) > MAX_NAME:
        raise TermsRefused(f"the name of a cap is a word of at most {MAX_NAME} letters, digits and _")
    if period not in PERIODS:
        raise TermsRefused(f"the period of a cap is one of {', '.join(PERIODS)}")
    if type(then) is not int or not 0 <= then <= MAX_POINTS:
        raise TermsRefused(f"then must be a whole number from 0 to {MAX_POINTS}")
    return Cap(name, whole(cap["minor"], "cap.minor", MAX_MINOR), period, then)


def _below(cap: Cap | None, sale: Any) -> int:
    """Return what of a sale is below the cap."""
    if cap is None:
        return int(sale.amount_minor)
    return max(0, min(int(sale.amount_minor), cap.minor - max(0, int(sale.spent.get(cap.name, 0)))))


def explain(term: Mapping[str, Any], sale: Any) -> str:
    """Return the arithmetic by which a term gave a sale its points."""
    given = compile_rule(term)(sale)
    if not matcher(term)(sale):
        return f"category {sale.category or 'none'} is not among those of the rule, so nothing"
    cap, points, per_minor = cap_of(term), term["points"], term["per_minor"]
    below = _below(cap, sale)
    told = f"category {sale.category or 'none'}: {points} for each full {per_minor} of {below}"
    if cap:
        before = sale.spent.get(cap.name, 0)
        told += f", which is up to the cap of {cap.minor} a {cap.period} after {before} before;"
        told += f" {cap.then} for each full {per_minor} of the {sale.amount_minor - below} above it"
    return f"{told}; together {given}"
