"""Which lots a redemption burns, in which order.

The order decides who owes whom, so it is a named, versioned scheme rule, and each redemption keeps the name of
the one that it was burnt by. ``expiry-first-1`` takes the lot that expires first; ties go by issuer id, then
kind, then maturity. ``restricted-first-1`` takes points that are restricted to the redeeming partner and few
others first, then goes on likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType

from hub.core.ledger import Lot
from hub.core.point_kinds import is_restricted


def _expiry_first(lots: Iterable[Lot]) -> list[Lot]:
    return sorted(lots, key=itemgetter(0))


def _restricted_first(lots: Iterable[Lot]) -> list[Lot]:
    ordered = _expiry_first(lots)
    restricted = [lot for lot in ordered if is_restricted(lot.key.kind)]
    return restricted + [lot for lot in ordered if not is_restricted(lot.key.kind)] if restricted else ordered


ORDERS: Mapping[str, Callable[[Iterable[Lot]], Sequence[Lot]]] = MappingProxyType(
    {"expiry-first-1": _expiry_first, "restricted-first-1": _restricted_first}
)
"""Each order by its name; an order puts lots, which are of different keys, one after another."""
DEFAULT_ORDER = "restricted-first-1"
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "expiry-first-1": "what expires first goes first, then by issuer, kind and maturity",
        "restricted-first-1": "what is restricted to some partners goes first, then what expires first, then by issuer,"
        " kind and maturity",
    }
)
"""What each order does, in words."""


def burn(lots: Iterable[Lot], points: int, order: str = DEFAULT_ORDER) -> list[Lot] | None:
    """Return what to take from which lot so that the parts add up to ``points``, or None if too few are there."""
    taken = take(lots, points, order)
    return taken if sum(lot.points for lot in taken) == points else None


def take(lots: Iterable[Lot], points: int, order: str = DEFAULT_ORDER) -> list[Lot]:
    """Return what to take from which lot to come as near to ``points`` as these lots allow."""
    taken: list[Lot] = []
    missing = points
    for lot in ORDERS[order](lots):
        part = min(lot.points, missing)
        if part > 0:
            taken.append(Lot(lot.key, part))
            missing -= part
        if missing == 0:
            break
    return taken
