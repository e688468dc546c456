"""How many points one member may move to others: in one transaction, in a day and in a year.

The hub counts what was moved; here is only the rule, so that a refusal says which limit it was and what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.core.fields import check_fields, whole
from hub.core.ledger import MAX_POINTS

MOST = 1_000 * MAX_POINTS
"""The highest limit that can be set; whoever wants none leaves it out."""
_FIELDS = ("per_transaction", "per_day", "per_year")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most points of one member in one transaction, one business day and one calendar year; None is no limit."""

    per_transaction: int | None = None
    per_day: int | None = None
    per_year: int | None = None

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Limits:
        """Read ``{"per_transaction": ..., "per_day": ..., "per_year": ...}``; what is left out has no limit.

        Raises:
            TermsRefused: a field is unknown, or no whole number from 1.
        """
        check_fields(terms, "a limit of members", (), _FIELDS)
        return cls(**{name: whole(value, name, 1, MOST) for name, value in terms.items()})

    def broken(self, points: int, moved_today: int, moved_this_year: int) -> str | None:
        """Return a sentence on the first limit that ``points`` more would break, or None if they break none."""
        if self.per_transaction is not None and points > self.per_transaction:
            return f"At most {self.per_transaction} points can be moved in one transaction, not {points}."
        for limit, moved, period in (
            (self.per_day, moved_today, "day"),
            (self.per_year, moved_this_year, "year"),
        ):
            if limit is not None and moved + points > limit:
                left = max(limit - moved, 0)
                return f"At most {limit} points can be moved in a {period}; {left} are left, not {points}."
        return None
