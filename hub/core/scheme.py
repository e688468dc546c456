"""The scheme's own rules, dated and versioned like contracts: what holds for all partners of the coalition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.core.burning import DEFAULT_ORDER, ORDERS
from hub.core.claims import ClaimTerms
from hub.core.errors import TermsRefused
from hub.core.fields import check_fields, whole
from hub.core.ledger import MAX_POINTS
from hub.core.limits import Limits

APPROVAL_ABOVE = 10_000
"""Points above which an adjustment needs a second operator, where the scheme says nothing else."""

SETTLEMENT_DAYS = ("cut_off", "published", "disputes", "final", "paid_in", "paid_out", "closed")
"""Steps of a settlement cycle that the scheme gives days; settlement has what is usual for those it leaves out."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One version of the scheme's rules; without any, version 0 applies, which is all defaults."""

    version: int
    valid_from: date
    burn_order: str
    limits: Limits
    """What one member may give to others."""
    approval_above: int
    """Points that one operator may adjust for one member in a day; above them a second one must approve."""
    adjustment_limit: int | None
    """The most points of one adjustment, whoever approves it; None is no limit but that of every event."""
    claims: ClaimTerms
    """How retro claims go."""
    settlement_days: Mapping[str, int]
    """Days of the steps of a settlement cycle, of those that do not have the usual number."""
    terms: Mapping[str, Any]
    """As they were agreed: any of ``burn_order``, ``limits``, ``approval_above``, ``adjustment_limit``, ``claims``
    and ``settlement_days``."""

    @classmethod
    def of(cls, version: int, valid_from: date, terms: Mapping[str, Any]) -> Scheme:
        """Read ``{"burn_order"?, "limits"?, "approval_above"?, "adjustment_limit"?, "claims"?, "settlement_days"?}``.

        Raises:
            TermsRefused: a term is unknown or makes no sense.
        """
        known = ("burn_order", "limits", "approval_above", "adjustment_limit", "claims", "settlement_days")
        check_fields(terms, "a scheme", (), known)
        days = terms.get("settlement_days", {})
        check_fields(days, "settlement_days", (), SETTLEMENT_DAYS)
        order, limit = terms.get("burn_order", DEFAULT_ORDER), terms.get("adjustment_limit")
        if order not in ORDERS:
            raise TermsRefused(f"burn_order is one of {', '.join(sorted(ORDERS))}")
        return cls(
            version,
            valid_from,
            order,
            Limits.of(terms.get("limits", {})),
            whole(terms.get("approval_above", APPROVAL_ABOVE), "approval_above", 0, MAX_POINTS),
            None if limit is None else whole(limit, "adjustment_limit", 1, MAX_POINTS),
            ClaimTerms.of(terms.get("claims", {})),
            {step: whole(number, f"the days of {step}", 0, 366) for step, number in days.items()},
            terms,
        )
