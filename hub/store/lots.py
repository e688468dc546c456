"""Reads and locks of lots: what a member has, and what a day expires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, text

from hub.core.ledger import Lot, LotKey
from hub.store.database import fetch

_EXPIRED = """
    SELECT coalesce(sum(CASE credit_account WHEN 'breakage' THEN points ELSE -points END), 0) FROM hub.transfer
    WHERE member_id = ANY(%(members)s::bigint[]) AND 'breakage' IN (debit_account, credit_account)
      AND (expires_on, issuer, kind, matures_on)
        = (%(expires_on)s::date, %(issuer)s, %(kind)s, %(matures_on)s::date)
"""
_MEMBERS_DUE = text("""
    SELECT DISTINCT member_id FROM hub.lot
    WHERE points > 0 AND expires_on <= :day AND member_id > :after ORDER BY member_id LIMIT :most
""")
_DUE = text("""
    SELECT member_id, expires_on, issuer, kind, matures_on, points FROM hub.lot
    WHERE member_id = ANY(:members) AND expires_on <= :day AND points > 0
    ORDER BY member_id, expires_on, issuer, kind, matures_on
    FOR UPDATE
""")


def expired(connection: Connection, members: Iterable[int], key: LotKey) -> int:
    """Return the points of a lot of these members that have gone to breakage and are still there."""
    return int(fetch(connection, _EXPIRED, {"members": list(members), **key._asdict()})[0][0])


def outstanding(connection: Connection) -> int:
    """Return the points in all lots."""
    return int(connection.execute(text("SELECT coalesce(sum(points), 0) FROM hub.lot")).scalar_one())


def members_due(connection: Connection, day: date, after: int, most: int) -> list[int]:
    """Return the next members above ``after``, in order, with lots that end on ``day`` or before."""
    return list(connection.scalars(_MEMBERS_DUE, {"day": day, "after": after, "most": most}))


def lock_due(connection: Connection, day: date, members: Sequence[int]) -> dict[int, list[Lot]]:
    """Lock, in key order, what of these members ends on ``day`` or before and is still there; by member."""
    due: dict[int, list[Lot]] = {}
    for member_id, *lot in connection.execute(_DUE, {"day": day, "members": list(members)}):
        due.setdefault(member_id, []).extend(_lots([lot]))
    return due


def _lots(rows: Sequence[Sequence[object]]) -> list[Lot]:
    return [Lot(LotKey(*row[:4]), row[4]) for row in rows]  # type: ignore[arg-type]
