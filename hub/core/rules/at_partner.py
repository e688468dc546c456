"""More points at a partner of the coalition, whose cost is shared: of ``points`` for each full ``per_minor`` of
purchases there, the part from one percentage to another.

Two terms share a bonus 60 to 40: one from 0 to 60 that the reporter issues, one from 60 to 100 that ``gives`` the
partner's points. Each rounds the running total down, so that the parts add up to the whole, whatever the amount.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub.core.errors import TermsRefused
from hub.core.ledger import MAX_MINOR, MAX_POINTS, PARTNER_ID
from hub.core.rules.linear import whole

_FIELDS = {"rule", "partner", "points", "per_minor", "from_percent", "to_percent"}


def compile_rule(term: Mapping[str, Any]) -> Callable[[Any], int]:
    """Return the rule ``total * to // 100 - total * from // 100``, the total being ``points * (amount // per_minor)``.

    Raises:
        TermsRefused: a field is missing, unknown or out of range.
    """
    if set(term) != _FIELDS:
        raise TermsRefused(f"a rule at a partner has exactly the fields {', '.join(sorted(_FIELDS))}")
    points, per_minor = whole(term["points"], "points", MAX_POINTS), whole(term["per_minor"], "per_minor", MAX_MINOR)
    partner, start, end = term["partner"], term["from_percent"], term["to_percent"]
    if not isinstance(partner, str) or not PARTNER_ID.fullmatch(partner):
        raise TermsRefused("partner is a partner id")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= 100:
        raise TermsRefused("from_percent and to_percent are whole numbers, 0 to 100, the first the smaller")

    def rule(sale: Any) -> int:
        total = points * (sale.amount_minor // per_minor) if sale.partner == partner else 0
        return int(total * end // 100 - total * start // 100)

    return rule


def explain(term: Mapping[str, Any], sale: Any) -> str:
    """Return the arithmetic by which a term gave a sale its points."""
    if sale.partner != term["partner"]:
        return f"the sale was not at {term['partner']}, so nothing"
    full = sale.amount_minor // term["per_minor"]
    share = f"{term['from_percent']} to {term['to_percent']} %"
    total = f"{term['points']} for each full {term['per_minor']} of {sale.amount_minor} is {term['points'] * full}"
    return f"at {term['partner']} {total}, of which {share} is {compile_rule(term)(sale)}"
