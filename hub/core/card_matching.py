"""Which purchases a refund is of, where the issuer does not say it; in an order that is the same for everybody.

1. By the purchase that the record names.
2. Of the same card line and merchant, with exactly the amount left; the latest that is not after the refund.
3. Of the same card line and merchant, with at least the amount left; the latest that is not after the refund.
4. Of no purchase: it reduces the net purchases of its period. It is taken from those of the card line in the calendar
   month of the refund, the latest first, then from earlier ones, the latest first. What is left over after all of them
   is made good by the next purchases of that month.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.core.periods import name_of

MOST_AGE = timedelta(days=400)
"""How long before a refund its purchase may be, where it is not named."""
NAMED, EXACT, ENOUGH, PERIOD = "named", "amount", "merchant", "period"
"""By which step purchases were found."""


class Open(NamedTuple):
    """A purchase of which something is left."""

    origin: str
    merchant: str | None
    occurred_at: datetime
    left_minor: int


class Found(NamedTuple):
    """What a refund is taken from."""

    by: str
    parts: Sequence[tuple[str, int]]
    """Purchases by their event ids, with minor units."""
    rest_minor: int = 0
    """What was found in none."""


def match(purchases: Sequence[Open], merchant: str | None, minor: int, at: datetime) -> Found:
    """Return what a refund of so many minor units is taken from, by steps 2 to 4."""
    before = [one for one in purchases if at - MOST_AGE <= one.occurred_at <= at and one.left_minor > 0]
    latest = sorted(before, key=lambda one: (one.occurred_at, one.origin), reverse=True)
    same = [one for one in latest if merchant is not None and one.merchant == merchant]
    for by, fits in ((EXACT, [one for one in same if one.left_minor == minor]),
                     (ENOUGH, [one for one in same if one.left_minor >= minor])):  # fmt: skip
        if fits:
            return Found(by, [(fits[0].origin, minor)])
    month = name_of("month", at.date())
    parts, rest = [], minor
    for one in sorted(latest, key=lambda one: name_of("month", one.occurred_at.date()) != month):
        part = min(rest, one.left_minor)
        if part:
            parts.append((one.origin, part))
            rest -= part
    return Found(PERIOD, parts, rest)
