"""Members' accounts: read for a view, or locked for a change.

Whoever takes points out of lots, reserves them or moves a debt holds the lock of the member's row; reports of
sales only add to lots and need no lock. Several members are locked one after another in order of their ids, so
that two changes never wait for each other in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.core.errors import HubError, LedgerBroken, Overtaken
from hub.core.ledger import Lot, LotKey
from hub.store.database import fetch
from settlement.store.arrays import array_of

_LOCK = """
    SELECT member_id FROM hub.member AS member WHERE member_id = ANY(%(members)s::bigint[])
    AND NOT EXISTS (SELECT 1 FROM hub.merged WHERE merged.member_id = member.member_id)
    ORDER BY member_id FOR UPDATE OF member
"""
_LOCK_ROWS = "SELECT FROM hub.member WHERE member_id = ANY(%(members)s::bigint[]) ORDER BY member_id FOR UPDATE"
_BURDENED = """
    SELECT member_id FROM hub.debt WHERE member_id = ANY(%(members)s::bigint[]) AND points > 0
    UNION SELECT member_id FROM hub.merged WHERE member_id = ANY(%(members)s::bigint[])
"""
_READ = """
    WITH family AS (
        SELECT asked AS account, asked AS member_id FROM unnest(%(members)s::bigint[]) AS asked UNION ALL
        SELECT survivor, member_id FROM hub.merged WHERE survivor = ANY(%(members)s::bigint[])
    )
    SELECT account, 'lot', lot.member_id, lot.expires_on, lot.issuer, lot.kind, lot.matures_on, lot.points, NULL
    FROM family JOIN hub.lot AS lot USING (member_id) WHERE lot.points > 0
    UNION ALL
    SELECT hold.member_id, 'hold', hold.member_id, hold.expires_on, hold.issuer, hold.kind, hold.matures_on,
           hold.points, hold.lapses_at > %(now)s
    FROM hub.hold AS hold WHERE hold.member_id = ANY(%(members)s::bigint[]) AND hold.state = 'open'
    UNION ALL
    SELECT debt.member_id, 'debt', debt.member_id, NULL, debt.issuer, NULL, NULL, debt.points, NULL
    FROM hub.debt AS debt WHERE debt.member_id = ANY(%(members)s::bigint[]) AND debt.points > 0
    UNION ALL
    SELECT member_id, 'merged', survivor, NULL, NULL, NULL, NULL, NULL, NULL
    FROM hub.merged WHERE member_id = ANY(%(members)s::bigint[])
"""
_LAPSE = """
    UPDATE hub.hold SET state = 'lapsed'
    WHERE member_id = %(member_id)s AND state = 'open' AND lapses_at <= %(now)s
"""
_SURVIVOR = "SELECT survivor FROM hub.merged WHERE member_id = %(member_id)s"
_SURVIVORS = "SELECT member_id, survivor FROM hub.merged WHERE member_id = ANY(%(members)s::bigint[])"
_EXIST = "SELECT count(*) FROM hub.member WHERE member_id = ANY(%(members)s::bigint[])"
_LINEAGE = """
    WITH RECURSIVE line AS (
        SELECT %(member_id)s::bigint AS member_id
        UNION SELECT merged_into FROM hub.merged JOIN line USING (member_id)
    )
    SELECT member_id FROM line
"""
_FAMILY = """
    SELECT %(member_id)s::bigint AS member_id UNION ALL
    SELECT member_id FROM hub.merged WHERE survivor = %(member_id)s ORDER BY member_id
"""
_LAST_ACTIVE = """
    SELECT max(transfer.business_date), max(transfer.business_date) FILTER (WHERE starts_with(debit_account, 'issued:'))
    FROM hub.transfer AS transfer JOIN hub.event AS event USING (partner_id, event_id)
    WHERE transfer.member_id = ANY(%(members)s::bigint[])
      AND event.kind IN ('earning', 'redemption', 'capture', 'transfer', 'gift', 'donation', 'exchange-confirmation')
"""


class Account(NamedTuple):
    """What one member has and owes."""

    member_id: int
    lots: Sequence[Lot]
    """All that is not empty, mature or not, in key order; what is held counts as still in them."""
    held: Mapping[LotKey, int]
    """What open holds that have not lapsed reserve."""
    debts: Mapping[str, int]
    """Points owed, by issuer."""
    strays: Sequence[tuple[int, Lot]]
    """Lots of members merged into this one that were still credited there."""
    lapsed: bool
    """Whether holds are marked open that have lapsed."""
    merged: bool
    """Whether it was merged into another member, which has all of it now."""

    def free(self) -> list[Lot]:
        """Return the lots less what is held of them, with those of members merged into this one."""
        if not self.held and not self.strays:
            return list(self.lots)
        sums = {lot.key: lot.points - self.held.get(lot.key, 0) for lot in self.lots}
        for _, lot in self.strays:
            sums[lot.key] = sums.get(lot.key, 0) + lot.points
        return [Lot(key, points) for key, points in sorted(sums.items()) if points > 0]


def lock(connection: Connection, members: Iterable[int], now: datetime) -> dict[int, Account]:
    """Lock members in order of their ids and return their accounts; a hold that has lapsed is marked so.

    A member that was merged into another has its survivor locked instead, and is found under its own id too.

    Raises:
        Overtaken: some were merged or parted meanwhile, so others would have to be locked; the transaction starts over.
        LedgerBroken: there is no such member.
    """
    asked = sorted(set(members))
    # Of several the survivors come first: one that is found when others are locked would be locked out of order.
    meant = survivors(connection, asked) if len(asked) > 1 else {member_id: member_id for member_id in asked}
    found = _lock_all(connection, meant.values(), now)
    if not found:
        meant = survivors(connection, asked)
        found = _lock_all(connection, meant.values(), now)
    # With its survivor locked nobody can undo a merge; before that somebody may have, or have merged that one too.
    merged = [member_id for member_id in asked if member_id not in found]
    if merged and survivors(connection, merged) != {one: meant[one] for one in merged if meant[one] in found}:
        raise _not_as_expected(connection, asked)
    return {member_id: found[meant[member_id]] for member_id in asked}


def lock_rows(connection: Connection, members: Iterable[int]) -> None:
    """Lock members themselves in order of their ids, merged or not, without a look at what they have.

    Whoever parts one that was merged locks both before: somebody may wait for it since before it was merged, and
    whoever locked its survivor first could wait for him.
    """
    fetch(connection, _LOCK_ROWS, {"members": array_of(set(members))})


def burdened(connection: Connection, members: Collection[int]) -> set[int]:
    """Return those of some locked members that were merged into others, or owe points."""
    return {row[0] for row in fetch(connection, _BURDENED, {"members": array_of(members)})}


def _lock_all(connection: Connection, members: Iterable[int], now: datetime) -> dict[int, Account]:
    """Lock those of some members that are not merged, in order, and return their accounts.

    Raises:
        Overtaken: one was merged while this waited for its lock.
    """
    locked = [row[0] for row in fetch(connection, _LOCK, {"members": array_of(set(members))})]
    accounts = read_all(connection, locked, now) if locked else {}
    for member_id, account in accounts.items():
        if account.merged:
            raise Overtaken(f"member {member_id} was merged")
        if account.lapsed:
            connection.exec_driver_sql(_LAPSE, {"member_id": member_id, "now": now})
    return accounts


def _not_as_expected(connection: Connection, members: Sequence[int]) -> HubError:
    there = fetch(connection, _EXIST, {"members": list(members)})[0][0]
    return (
        Overtaken("members were merged or parted")
        if there == len(members)
        else LedgerBroken(f"some of the members {members} do not exist")
    )


def survivors(connection: Connection, members: Sequence[int]) -> dict[int, int]:
    """Return the member into which each of some was merged, or itself."""
    merged = dict(fetch(connection, _SURVIVORS, {"members": list(members)}))
    return {member_id: merged.get(member_id, member_id) for member_id in members}


def survivor(connection: Connection, member_id: int) -> int:
    """Return the member into which one was merged, however often, or itself."""
    while rows := fetch(connection, _SURVIVOR, {"member_id": member_id}):
        member_id = rows[0][0]
    return member_id


def lineage(connection: Connection, member_id: int) -> list[int]:
    """Return a member and all into whom it was merged, one into the next."""
    return [row[0] for row in fetch(connection, _LINEAGE, {"member_id": member_id})]


def family(connection: Connection, member_id: int) -> list[int]:
    """Return a member and all that were merged into it, by id."""
    return [row[0] for row in fetch(connection, _FAMILY, {"member_id": member_id})]


def read(connection: Connection, member_id: int, now: datetime) -> Account:
    """Return a member's account as it is at ``now``, without a lock."""
    return read_all(connection, [member_id], now)[member_id]


def read_all(connection: Connection, members: Collection[int], now: datetime) -> dict[int, Account]:
    """Return the accounts of several members in the same way."""
    found: dict[int, list[tuple[Any, ...]]] = {member_id: [] for member_id in members}
    for row in fetch(connection, _READ, {"members": array_of(members), "now": now}):
        found[row[0]].append(row)
    return {member_id: _account(member_id, rows) for member_id, rows in found.items()}


def _account(member_id: int, rows: Iterable[tuple[Any, ...]]) -> Account:
    lots: list[Lot] = []
    strays: list[tuple[int, Lot]] = []
    held: Counter[LotKey] = Counter()
    debts: dict[str, int] = {}
    flags = set()
    for _, what, owner, expires_on, issuer, kind, matures_on, points, active in rows:
        if what == "lot":
            lot = Lot(LotKey(expires_on, issuer, kind, matures_on), points)
            if owner == member_id:
                lots.append(lot)
            else:
                strays.append((owner, lot))
        elif what == "debt":
            debts[issuer] = points
        elif active:
            held[LotKey(expires_on, issuer, kind, matures_on)] += points
        else:
            flags.add(what)
    return Account(member_id, sorted(lots), held, debts, sorted(strays), "hold" in flags, "merged" in flags)


def last_active(connection: Connection, member_id: int) -> tuple[date | None, date | None]:
    """Return the last business dates on which a member, or one merged into it, did anything, and earned."""
    any_activity, earning = fetch(connection, _LAST_ACTIVE, {"members": family(connection, member_id)})[0]
    return any_activity, earning
