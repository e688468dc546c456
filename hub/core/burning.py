"""Which lots a redemption burns, in which order.

The order decides who owes whom, so it is a named, versioned scheme rule: ``expiry-first-1`` takes the lot
that expires first; ties go by issuer id, then kind, then maturity.
"""

from __future__ import annotations

from collections.abc import Iterable

from hub.core.ledger import Lot

ORDER = "expiry-first-1"


def burn(lots: Iterable[Lot], points: int) -> list[Lot] | None:
    """Return what to take from which lot so that the parts add up to ``points``, or None if too few are there."""
    taken: list[Lot] = []
    missing = points
    for lot in sorted(lots):
        take = min(lot.points, missing)
        if take > 0:
            taken.append(Lot(lot.key, take))
            missing -= take
        if missing == 0:
            return taken
    return None
