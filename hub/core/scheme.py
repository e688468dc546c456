"""The scheme's own rules, dated and versioned like contracts: what holds for all partners of the coalition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.core.burning import DEFAULT_ORDER, ORDERS
from hub.core.errors import TermsRefused
from hub.core.ledger import MAX_POINTS
from hub.core.limits import Limits

APPROVAL_ABOVE = 10_000
"""Points above which an adjustment needs a second operator, where the scheme says nothing else."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One version of the scheme's rules; without any, version 0 applies, which is all defaults."""

    version: int
    valid_from: date
    burn_order: str
    limits: Limits
    """What one member may give to others."""
    approval_above: int

    @classmethod
    def of(cls, version: int, valid_from: date, terms: Mapping[str, Any]) -> Scheme:
        """Read ``{"burn_order"?, "limits"?, "approval_above"?}``.

        Raises:
            TermsRefused: a term is unknown or makes no sense.
        """
        unknown = set(terms) - {"burn_order", "limits", "approval_above"}
        if unknown:
            raise TermsRefused(f"a scheme has no terms {', '.join(sorted(unknown))}")
        order, above = terms.get("burn_order", DEFAULT_ORDER), terms.get("approval_above", APPROVAL_ABOVE)
        if order not in ORDERS:
            raise TermsRefused(f"burn_order is one of {', '.join(sorted(ORDERS))}")
        if type(above) is not int or not 0 <= above <= MAX_POINTS:
            raise TermsRefused(f"approval_above is a whole number of points from 0 to {MAX_POINTS}")
        return cls(version, valid_from, order, Limits.of(terms.get("limits", {})), above)
