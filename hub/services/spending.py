"""Which lots pay for a redemption or a hold: the member's own, or a household pool's in its agreed shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.core.burning import burn
from hub.core.errors import Overtaken, Refused
from hub.core.ledger import Lot
from hub.core.sharing import split
from hub.services import accounts
from hub.services.accounts import Standing
from hub.services.context import Moment
from hub.store import pools
from hub.store.database import Connection

Taken = Sequence[tuple[int, Lot]]
"""Parts of lots with the members they are taken from, in burning order member by member."""


class Purse(NamedTuple):
    """Whose points may be taken, each with the share it pays."""

    payers: Sequence[tuple[Standing, int]]
    account: int
    """The member who asks, or the one that it was merged into."""

    def available(self, partner_id: str) -> list[int]:
        """Return the points that each payer could spend at a partner."""
        return [sum(lot.points for lot in standing.spendable(partner_id)) for standing, _ in self.payers]

    def take(self, partner_id: str, points: int, order: str) -> Taken | None:
        """Return what to take from whom, or None where all together have too few."""
        spendable = [standing.spendable(partner_id) for standing, _ in self.payers]
        caps = [sum(lot.points for lot in lots) for lots in spendable]
        if sum(caps) < points:
            return None
        shares = split(points, [share for _, share in self.payers], caps)
        return [
            (standing.member_id, lot)
            for (standing, _), lots, share in zip(self.payers, spendable, shares, strict=True)
            for lot in burn(lots, share, order) or []
            if share
        ]


def lock(connection: Connection, moment: Moment, member_id: int, asked: Mapping[str, Any]) -> Purse:
    """Lock the accounts that a request spends from: one member's, or with ``pool`` those of its whole pool.

    Raises:
        Refused: ``member_in_debt``, ``not_in_pool``.
    """
    payers = _payers(connection, member_id, asked)
    standings = accounts.lock(connection, moment, [payer for payer, _ in payers])
    # A pool is changed under the locks of its members: what it is now, with all of them locked, it stays.
    if asked.get("pool") and _payers(connection, member_id, asked) != payers:
        raise Overtaken("the pool was changed")
    return _purse(standings, payers, _account(connection, member_id, payers, standings))


def look(connection: Connection, moment: Moment, member_id: int, asked: Mapping[str, Any]) -> Purse:
    """Return the same without a lock, for a quote.

    Raises:
        Refused: ``member_in_debt``, ``not_in_pool``.
    """
    payers = _payers(connection, member_id, asked)
    standings = {payer: accounts.look(connection, moment, payer) for payer, _ in payers}
    return _purse(standings, payers, _account(connection, member_id, payers, standings))


def own(standing: Standing) -> Purse:
    """Return the purse of one member under its lock.

    Raises:
        Refused: ``member_in_debt``.
    """
    return _purse({standing.member_id: standing}, [(standing.member_id, 1)], standing.member_id)


def _payers(connection: Connection, member_id: int, asked: Mapping[str, Any]) -> list[tuple[int, int]]:
    if not asked.get("pool"):
        return [(member_id, 1)]
    member_id = accounts.survivor(connection, member_id)
    members = pools.members_with(connection, member_id)
    if not any(one.member_id == member_id and one.may_spend for one in members):
        raise Refused("not_in_pool", "The member is in no pool that it may spend from.")
    return [(one.member_id, one.share) for one in members]


def _account(
    connection: Connection, member_id: int, payers: Sequence[tuple[int, int]], standings: Mapping[int, Standing]
) -> int:
    alone = payers == [(member_id, 1)]
    return standings[member_id].member_id if alone else accounts.survivor(connection, member_id)


def _purse(standings: Mapping[int, Standing], payers: Sequence[tuple[int, int]], account: int) -> Purse:
    if any(standings[payer].debts for payer, _ in payers):
        raise Refused("member_in_debt", "The member owes points; what it earns next pays them first.")
    return Purse([(standings[payer], share) for payer, share in payers], account)
