"""Reads and locks of lots: what a member has, and what a day expires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection, text

from hub.core.ledger import Lot, LotKey
from hub.store.database import fetch

_EXPIRED = """
    SELECT coalesce(sum(there), 0), coalesce(sum(there) FILTER (WHERE (expires_on, matures_on)
                                                = (%(expires_on)s::date, %(matures_on)s::date)), 0)
    FROM (
        SELECT expires_on, matures_on, CASE credit_account WHEN 'breakage' THEN points ELSE -points END AS there
        FROM hub.transfer
        WHERE member_id = ANY(%(members)s::bigint[]) AND 'breakage' IN (debit_account, credit_account)
          AND (issuer, kind) = (%(issuer)s, %(kind)s)
    ) AS moved
"""
_EXTENDED = """
    SELECT DISTINCT gone.expires_on, gone.issuer, gone.kind, gone.matures_on,
                    came.expires_on, came.issuer, came.kind, came.matures_on
    FROM hub.event AS event
    JOIN hub.transfer AS gone USING (member_id, partner_id, event_id)
    JOIN hub.transfer AS came USING (member_id, partner_id, event_id)
    WHERE event.member_id = ANY(%(members)s::bigint[]) AND event.kind = 'extension'
      AND gone.debit_account = 'available' AND came.line = gone.line + 1
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
    """Return the points of a lot of these members that have gone to breakage and are still there.

    Points that were reinstated left breakage for another lot, so there is never more than all lots of the kind left.
    """
    in_all, of_lot = fetch(connection, _EXPIRED, {"members": list(members), **key._asdict()})[0]
    return max(0, min(int(in_all), int(of_lot)))


def extended(connection: Connection, members: Iterable[int]) -> dict[LotKey, list[LotKey]]:
    """Return into which lots the operator extended lots of these members."""
    found: dict[LotKey, list[LotKey]] = {}
    for row in fetch(connection, _EXTENDED, {"members": list(members)}):
        found.setdefault(LotKey(*row[:4]), []).append(LotKey(*row[4:]))
    return found


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
