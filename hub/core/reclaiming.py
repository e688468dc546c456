"""Points that an issuer wants back: by a refund of what it gave, or for a debt that a member has with it.

Its own lots are taken first, and go back to it; lots of other issuers are redeemed with it, so that those owe it
for them as for any redemption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hub.core.burning import DEFAULT_ORDER, take
from hub.core.ledger import Lot, LotKey
from hub.core.point_kinds import is_spendable


class Reclaimed(NamedTuple):
    """What is taken back for one issuer."""

    issuer: str
    lots: Sequence[Lot]

    @property
    def points(self) -> int:
        """The points of all lots."""
        return sum(lot.points for lot in self.lots)


def reclaim(
    lots: Iterable[Lot], issuer: str, points: int, order: str = DEFAULT_ORDER, *, foreign: bool = True
) -> Reclaimed:
    """Return what an issuer gets back of ``points`` from these lots: its own first, then others if ``foreign``."""
    usable = [lot for lot in lots if is_spendable(lot.key.kind, issuer)]
    own = take([lot for lot in usable if lot.key.issuer == issuer], points, order)
    missing = points - sum(lot.points for lot in own)
    others = take([lot for lot in usable if lot.key.issuer != issuer], missing, order) if foreign and missing else []
    return Reclaimed(issuer, [*own, *others])


def repayments(
    lots: Iterable[Lot], debts: Mapping[str, int], priced: Iterable[str], order: str = DEFAULT_ORDER
) -> list[Reclaimed]:
    """Return what pays the debts of a member, by issuer in order, as far as these lots go.

    ``priced`` are the issuers that have a reimbursement price, by which others can owe them.
    """
    left, paid = list(lots), []
    for issuer, points in sorted(debts.items()):
        reclaimed = reclaim(left, issuer, points, order, foreign=issuer in priced)
        if reclaimed.lots:
            paid.append(reclaimed)
            left = without(left, reclaimed.lots)
    return paid


def without(lots: Iterable[Lot], taken: Iterable[Lot]) -> list[Lot]:
    """Return what is left of ``lots`` after ``taken``."""
    less = Counter[LotKey]()
    for lot in taken:
        less[lot.key] += lot.points
    return [Lot(lot.key, left) for lot in lots if (left := lot.points - less[lot.key])]
