"""Retro claims: a member says that a purchase brought no points, and somebody has to answer by a day.

    open ----------> granted, declined           the asked one's turn; silent: what the scheme says
      ^  `-> needs_more                          the claimant's turn; silent: declined
      |          |
      `---------'

The claimant may withdraw while nobody has decided. How long a stage lasts and what silence means is fixed when the
claim is made, so that a later version of the scheme moves no deadline that somebody was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hub.core.errors import Refused, TermsRefused
from hub.core.fields import check_fields, whole

OPEN, NEEDS_MORE = UNDECIDED = ("open", "needs_more")
GRANTED, DECLINED, WITHDRAWN = "granted", "declined", "withdrawn"
OUTCOMES = (DECLINED, GRANTED)
"""What the silence of whoever is asked may mean; the first is usual."""


class ClaimTerms(NamedTuple):
    """How claims go that are made while a version of the scheme is in force."""

    days: int = 30
    """Days of each stage, the last one included."""
    outcome: str = DECLINED
    oldest_days: int = 180
    """Days after a purchase on which it can still be claimed."""
    tolerance_minutes: int = 60
    """How far a reported purchase may be from the claimed time and still be the same."""

    @classmethod
    def of(cls, terms: Any) -> ClaimTerms:
        """Read ``{"days"?, "outcome"?, "oldest_days"?, "tolerance_minutes"?}``; raises TermsRefused."""
        check_fields(terms, "claims", (), cls._fields)
        if terms.get("outcome", DECLINED) not in OUTCOMES:
            raise TermsRefused(f"the outcome of claims is one of {', '.join(OUTCOMES)}")
        most = {"days": (1, 366), "oldest_days": (1, 3_660), "tolerance_minutes": (0, 10_080)}
        for name in most.keys() & set(terms):
            whole(terms[name], name, *most[name])
        return cls(**terms)

    def check(self, occurred_at: datetime, now: datetime) -> None:
        """Refuse (``not_claimable``) a purchase that is too long ago."""
        if occurred_at < now - timedelta(days=self.oldest_days):
            raise Refused("not_claimable", f"A purchase can be claimed for {self.oldest_days} days.")


class Move(NamedTuple):
    """A way of moving a claim on: whose it is, from which states, into which."""

    by_claimant: bool
    before: tuple[str, ...]
    after: str


MOVES: Mapping[str, Move] = {
    "more": Move(True, (NEEDS_MORE,), OPEN),
    "withdraw": Move(True, UNDECIDED, WITHDRAWN),
    "ask": Move(False, (OPEN,), NEEDS_MORE),
    "grant": Move(False, UNDECIDED, GRANTED),
    "decline": Move(False, UNDECIDED, DECLINED),
}
