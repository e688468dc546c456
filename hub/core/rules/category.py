"""Points by merchant category: ``points`` for each full ``per_minor`` of purchases in some categories, or all others.

With a cap the points hold up to an amount of net purchases in a period, and what is above it gets ``then``; the part of
a purchase on each side of the cap is counted by itself. With ``rounding`` by a period not each purchase is rounded but
what was bought in the period: a purchase gives what the total with it gives more than the total before. What was bought
before in the period comes with the sale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hub.core.card_terms import Codes
from hub.core.errors import TermsRefused
from hub.core.ledger import MAX_MINOR, MAX_POINTS
from hub.core.periods import MEMBER_YEAR, WRITTEN, is_period
from hub.core.rules.linear import whole

_FIELDS = frozenset({"rule", "points", "per_minor", "categories", "other_than", "cap", "rounding"})
_CAP, _MAY = {"name", "minor", "period", "then"}, {"shared", "rounding"}
MAX_NAME = 16
PURCHASE, PERIOD = ROUNDED = ("purchase", "period")
HOUSEHOLD = "household"


class Cap(NamedTuple):
    """What a rule counts over a period, and up to which net amount of it the rule gives its points."""

    name: str
    """Under which the amount is counted; later versions of the rate go on counting under the same."""
    minor: int | None
    """None where nothing ends and the count is there for rounding."""
    period: str
    then: int = 0
    """Points for each full ``per_minor`` above it."""
    by_period: bool = False
    """Whether the total of the period is rounded, and not each purchase."""
    household: bool = False
    """Whether members who are in one pool share it."""


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
        if cap is None:
            return int(points * (sale.amount_minor // per_minor))
        before = _before(cap, sale)
        if cap.by_period:
            after = _of_total(cap, points, per_minor, before + sale.amount_minor)
            return int(after) - _of_total(cap, points, per_minor, before)
        below = _below(cap, before, sale.amount_minor)
        return int(points * (below // per_minor) + cap.then * ((sale.amount_minor - below) // per_minor))

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
    """Read what a term counts: its ``cap`` or its ``rounding``; None where it counts nothing.

    A cap is ``{"name", "minor", "period", "then", "rounding"?, "shared"?}``, a rounding without one
    ``{"name", "period"}``.

    Raises:
        TermsRefused: it makes no sense.
    """
    cap, rounding = term.get("cap"), term.get("rounding")
    if cap is None and rounding is None:
        return None
    if cap is None:
        if not isinstance(rounding, Mapping) or set(rounding) != {"name", "period"}:
            raise TermsRefused("rounding is an object with name and period")
        return Cap(*_counted(rounding), by_period=True)
    if rounding is not None:
        raise TermsRefused("the rounding of a capped rule is said in its cap")
    if not isinstance(cap, Mapping) or not _CAP <= set(cap) <= _CAP | _MAY:
        raise TermsRefused("a cap is an object with name, minor, period and then, and maybe rounding and shared")
    then, by, shared = cap["then"], cap.get("rounding", PURCHASE), cap.get("shared", "member")
    if type(then) is not int or not 0 <= then <= MAX_POINTS:
        raise TermsRefused(f"then must be a whole number from 0 to {MAX_POINTS}")
    if by not in ROUNDED or shared not in ("member", HOUSEHOLD):
        raise TermsRefused("rounding of a cap is purchase or period; it is shared by a member or a household")
    name, _, period = _counted(cap)
    if shared == HOUSEHOLD and period == MEMBER_YEAR:
        raise TermsRefused("a household has no member_year; a cap that it shares is of another period")
    return Cap(name, whole(cap["minor"], "cap.minor", MAX_MINOR), period, then, by == PERIOD, shared == HOUSEHOLD)


def _counted(said: Mapping[str, Any]) -> tuple[str, None, str]:
    """Read under which name what is counted, in which period."""
    name, period = said["name"], said["period"]
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or len(name) > MAX_NAME:
        raise TermsRefused(f"the name of a cap is a word of at most {MAX_NAME} letters, digits and _")
    if not is_period(period):
        raise TermsRefused(f"the period of a cap is one of {', '.join(WRITTEN)}")
    return name, None, period


def _before(cap: Cap, sale: Any) -> int:
    return max(0, int(sale.spent.get(cap.name, 0)))


def _below(cap: Cap, before: int, minor: int) -> int:
    """Return what of ``minor`` more is below the cap."""
    return minor if cap.minor is None else max(0, min(minor, cap.minor - before))


def _of_total(cap: Cap, points: int, per_minor: int, total: int) -> int:
    """Return the points of all that was bought in a period."""
    below = _below(cap, 0, total)
    return points * (below // per_minor) + cap.then * ((total - below) // per_minor)


def explain(term: Mapping[str, Any], sale: Any) -> str:
    """Return the arithmetic by which a term gave a sale its points."""
    given, category = compile_rule(term)(sale), f"category {sale.category or 'none'}"
    if not matcher(term)(sale):
        return f"{category} is not among those of the rule, so nothing"
    cap, points, per_minor = cap_of(term), term["points"], term["per_minor"]
    each = f"{category}: {points} for each full {per_minor}"
    if cap is None:
        return f"{each} of {sale.amount_minor}; together {given}"
    before = _before(cap, sale)
    up_to = f" up to the cap of {cap.minor} a {cap.period} and {cap.then} above it" if cap.minor else ""
    if cap.by_period:
        total = _of_total(cap, points, per_minor, before)
        return f"{each} of the total of the {cap.period}{up_to}: {total + given} after it, {total} before; so {given}"
    below = _below(cap, before, sale.amount_minor)
    told = f"{each} of {below}, which is up to the cap of {cap.minor} a {cap.period} after {before} before;"
    return f"{told} {cap.then} for each full {per_minor} of the {sale.amount_minor - below} above it; together {given}"
