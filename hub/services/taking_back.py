"""Where a refund finds the points that its sale gave: the order of `docs/decisions/0012-points-that-were-spent.md`.

First the very lot; then what of it has expired, which nobody is asked for again; then, as the policy says, other
points of the member, or a debt; and what is left then the issuer bears.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from hub.core import ledger
from hub.core.ledger import Lot, LotKey, Transfer
from hub.core.point_kinds import is_spendable
from hub.core.reclaiming import reclaim
from hub.services.accounts import Standing
from hub.services.context import Moment, Partner
from hub.services.sales import Given
from hub.store import lots
from hub.store.database import Connection


class Sums(NamedTuple):
    """Where the points that a refund wants back come from."""

    taken: int = 0
    """From lots of the member."""
    owed: int = 0
    """By the member from now on."""
    borne: int = 0
    """By the issuer."""
    expired: int = 0
    """From nowhere: they had expired."""


class _Gone:
    """What had expired of lots; what is counted once is not counted a second time, under no lot of the kind."""

    def __init__(self, read: Callable[[LotKey], lots.Gone]) -> None:
        self._read, self._found = read, dict[LotKey, lots.Gone]()
        self.taken: Counter[LotKey] = Counter()

    def take(self, key: LotKey, points: int) -> int:
        """Count so many points of a lot, or all there are, and return how many that is."""
        if points and key not in self._found:
            self._found[key] = self._read(key)
        gone = self._found.get(key, lots.Gone(0, 0))
        of_kind = sum(back for one, back in self.taken.items() if (one.issuer, one.kind) == (key.issuer, key.kind))
        part = max(0, min(points, gone.of_kind - of_kind, gone.of_lot - self.taken[key]))
        if part:
            self.taken[key] += part
        return part


class Taking:
    """Takes points back; what is taken once is not there a second time."""

    def __init__(
        self,
        connection: Connection,
        moment: Moment,
        partner: Partner,
        policy: str,
        standing: Standing,
        owners: Sequence[int],
        event_id: str,
    ) -> None:
        self._partner, self._event_id = partner, event_id
        self._standing, self._policy = standing, policy
        self._order, self._priced = moment.scheme.burn_order, partner.prices.on(moment.day) is not None
        self._free = Counter({lot.key: lot.points for lot in standing.account.free()})
        self._spendable = [lot.key for lot in standing.spendable()] if policy != "issuer_bears" else []
        self._expired = _Gone(partial(lots.expired, connection, owners))
        self._forgone = _Gone(partial(lots.forgone, connection, owners))
        self.transfers: list[Transfer] = []
        self.scheme_rule: str | None = None
        """The rule that chose among other lots, once one had to."""

    @property
    def moved(self) -> int:
        """The points that the transfers take from members, or let them owe."""
        return sum(
            one.points for one in self.transfers if one.debit_account != ledger.BREAKAGE and is_spendable(one.kind)
        )

    @property
    def forgone(self) -> dict[str, dict[str, int]]:
        """What had expired to the coalition and is counted here, by lot: the next refund must know."""
        counted = {lots.name_of(key): points for key, points in self._forgone.taken.items()}
        return {"forgone": counted} if counted else {}

    def take(self, wanted: Sequence[Given]) -> Sums:
        """Take back what lines of the sale gave; return where it came from.

        Each line first takes what is there of its own, so that no line takes from others what another gave.
        """
        found = [self._own(given) for given in wanted]
        missing = [
            self._missing(given.where.lots[0], given.points - sum(own))
            for given, own in zip(wanted, found, strict=True)
            if is_spendable(given.where.lots[0].kind)
        ]
        return Sums(*map(sum, zip(Sums(), *found, *missing, strict=True)))

    def _own(self, given: Given) -> Sums:
        """Take what is in the lots of a line, or has expired there; of points that are never spent none counts.

        Points of a lot whose last day is over have expired, whether they have gone to breakage yet or not.
        """
        home, missing = ledger.issued(given.where.lots[0].issuer), given.points
        found = Counter[str]()
        # Where it waited to be confirmed there may be other sales' points; only what ended there was not moved on.
        ended = [key for key in given.where.before if self._standing.is_over(key)]
        for key in [*given.where.lots, *ended]:
            part = self._from_lot(home, Lot(key, min(missing, self._free[key])))
            found["expired" if self._standing.is_over(key) else "taken"] += part
            missing -= part
        if not is_spendable(given.where.lots[0].kind):
            return Sums()
        for key in given.where.all:
            part = self._move(ledger.BREAKAGE, home, key, self._expired.take(key, missing))
            # Of what had expired to the coalition nothing moves: its issuer owes that for good.
            part += self._forgone.take(key, missing - part)
            found["expired"] += part
            missing -= part
        return Sums(**found)

    def _missing(self, key: LotKey, points: int) -> Sums:
        """Take what a line's lots have no more, as the policy says."""
        others = self._from_others(key.issuer, points)
        owed = points - others if self._policy == "debt" else 0
        self._move(ledger.DEBT, ledger.issued(key.issuer), _debt_key(key), owed)
        return Sums(others, owed, points - others - owed)

    def _from_others(self, issuer: str, points: int) -> int:
        """Take other lots, the issuer's own first; only the reporter's own price lets others owe for theirs."""
        left = [Lot(key, self._free[key]) for key in self._spendable if self._free[key]]
        foreign = self._priced and issuer == self._partner.partner_id
        reclaimed = reclaim(left, issuer, points, self._order, foreign=foreign)
        for lot in reclaimed.lots:
            self.scheme_rule = self._order
            own = lot.key.issuer == issuer
            self._from_lot(ledger.issued(issuer) if own else ledger.redeemed(issuer), lot)
        return reclaimed.points

    def _from_lot(self, credit: str, lot: Lot) -> int:
        self._free[lot.key] -= lot.points
        return self._move(ledger.AVAILABLE, credit, lot.key, lot.points)

    def _move(self, debit: str, credit: str, key: LotKey, points: int) -> int:
        if points:
            line = len(self.transfers) + 1
            owner = self._standing.member_id
            self.transfers.append(Transfer(self._event_id, line, owner, debit, credit, *key, points))
        return points


def _debt_key(key: LotKey) -> LotKey:
    return LotKey(ledger.NEVER_EXPIRES, key.issuer, ledger.BASE, ledger.MATURE_AT_ONCE)
