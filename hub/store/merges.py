"""Merged members: who was merged into whom, and what has become of their points since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from hub.core.ledger import LotKey
from hub.store.database import fetch

_OF = "SELECT merged_into, survivor, partner_id, event_id FROM hub.merged WHERE member_id = %(member_id)s"
_NOW = "SELECT pg_current_snapshot()::text"
_ADD = """
    INSERT INTO hub.merged (member_id, merged_into, survivor, partner_id, event_id)
    VALUES (%(member_id)s, %(survivor)s, %(survivor)s, %(partner_id)s, %(event_id)s)
"""
_FOLLOW = "UPDATE hub.merged SET survivor = %(survivor)s WHERE survivor = %(member_id)s"
_REMOVE = "DELETE FROM hub.merged WHERE member_id = %(member_id)s"
_BELOW = """
    WITH RECURSIVE below AS (
        SELECT %(member_id)s::bigint AS member_id
        UNION SELECT merged.member_id FROM hub.merged JOIN below ON merged.merged_into = below.member_id
    )
    SELECT member_id FROM below ORDER BY member_id
"""
_RETURN = """
    UPDATE hub.merged SET survivor = %(member_id)s
    WHERE member_id = ANY(%(members)s::bigint[]) AND member_id <> %(member_id)s
"""
_HOLDS = """
    UPDATE hub.hold SET member_id = %(to)s WHERE member_id = %(member_id)s AND state = 'open'
    RETURNING partner_id, event_id, line
"""
_HOLDS_BACK = """
    UPDATE hub.hold AS hold SET member_id = %(member_id)s
    FROM unnest(%(partners)s::text[], %(events)s::text[], %(lines)s::smallint[]) AS given (partner_id, event_id, line)
    WHERE (hold.partner_id, hold.event_id, hold.line) = (given.partner_id, given.event_id, given.line)
      AND hold.state = 'open' AND hold.member_id = %(survivor)s
    RETURNING hold.expires_on, hold.issuer, hold.kind, hold.matures_on, hold.points
"""
# An event belongs to the merged members if it names one of them, was meant for one of them (a gift), or follows from
# an event that names one, such as the refund of a sale of theirs. What such events moved on the survivor's accounts
# since the merge is theirs, as is what was credited to them meanwhile and forwarded.
_SINCE = """
    WITH theirs AS (
        SELECT transfer.debit_account, transfer.credit_account, transfer.expires_on, transfer.issuer, transfer.kind,
               transfer.matures_on, transfer.points
        FROM hub.transfer AS transfer
        JOIN hub.event AS event USING (partner_id, event_id)
        LEFT JOIN hub.event AS origin ON (origin.partner_id, origin.event_id) = (event.partner_id, event.refers_to)
        WHERE transfer.member_id = %(survivor)s
          AND ((event.partner_id, event.event_id) = (%(partner_id)s, %(event_id)s) OR (
              NOT pg_visible_in_snapshot(event.tx, %(snapshot)s::pg_snapshot)
              AND (event.member_id = ANY(%(members)s::bigint[]) OR origin.member_id = ANY(%(members)s::bigint[])
                   OR (event.details->>'for')::bigint = ANY(%(members)s::bigint[]))))
        UNION ALL
        SELECT 'transit', 'available', transfer.expires_on, transfer.issuer, transfer.kind, transfer.matures_on,
               transfer.points
        FROM hub.transfer AS transfer JOIN hub.event AS event USING (partner_id, event_id)
        WHERE transfer.member_id = ANY(%(members)s::bigint[]) AND event.kind = 'forwarding'
          AND transfer.debit_account = 'available'
          AND NOT pg_visible_in_snapshot(event.tx, %(snapshot)s::pg_snapshot)
    )
"""
_LOTS_SINCE = f"""{_SINCE}
    SELECT expires_on, issuer, kind, matures_on,
           sum(CASE 'available' WHEN credit_account THEN points WHEN debit_account THEN -points ELSE 0 END)::bigint
    FROM theirs WHERE 'available' IN (debit_account, credit_account)
    GROUP BY expires_on, issuer, kind, matures_on ORDER BY expires_on, issuer, kind, matures_on
"""
_DEBTS_SINCE = f"""{_SINCE}
    SELECT issuer, sum(CASE debit_account WHEN 'debt' THEN points ELSE -points END)::bigint
    FROM theirs WHERE 'debt' IN (debit_account, credit_account) GROUP BY issuer ORDER BY issuer
"""

HoldLine = tuple[str, str, int]


class Merged(NamedTuple):
    """Into whom a member was merged, who has all of it now, and by which event."""

    merged_into: int
    survivor: int
    partner_id: str
    event_id: str


class Since(NamedTuple):
    """What belongs to a merged member of the accounts of its survivor."""

    lots: dict[LotKey, int]
    debts: dict[str, int]


def find(connection: Connection, member_id: int) -> Merged | None:
    """Return how a member was merged, or None if it stands for itself."""
    rows = fetch(connection, _OF, {"member_id": member_id})
    return Merged(*rows[0]) if rows else None


def snapshot(connection: Connection) -> str:
    """Return what tells, later, which transactions were committed before now."""
    return str(fetch(connection, _NOW, {})[0][0])


def add(connection: Connection, member_id: int, survivor: int, partner_id: str, event_id: str) -> None:
    """Record that a member, and all that were merged into it, are another now; under the locks of both."""
    values = {"member_id": member_id, "survivor": survivor, "partner_id": partner_id, "event_id": event_id}
    connection.exec_driver_sql(_FOLLOW, values)
    connection.exec_driver_sql(_ADD, values)


def remove(connection: Connection, member_id: int) -> list[int]:
    """Let a member stand for itself again, with those that were merged into it; return them all."""
    connection.exec_driver_sql(_REMOVE, {"member_id": member_id})
    members = below(connection, member_id)
    connection.exec_driver_sql(_RETURN, {"member_id": member_id, "members": members})
    return members


def below(connection: Connection, member_id: int) -> list[int]:
    """Return a member and those that were merged into it, directly or one after another."""
    return [row[0] for row in fetch(connection, _BELOW, {"member_id": member_id})]


def move_holds(connection: Connection, member_id: int, to: int) -> list[HoldLine]:
    """Let a member's open holds be another's, and return which they were."""
    return [(row[0], row[1], row[2]) for row in fetch(connection, _HOLDS, {"member_id": member_id, "to": to})]


def return_holds(
    connection: Connection, member_id: int, survivor: int, lines: Iterable[HoldLine]
) -> list[tuple[LotKey, int]]:
    """Give those of a member's holds back that are still open; return what they reserve."""
    partners, event_ids, numbers = zip(*lines, strict=True) if lines else ((), (), ())
    values = {
        "member_id": member_id, "survivor": survivor,
        "partners": list(partners), "events": list(event_ids), "lines": list(numbers),
    }  # fmt: skip
    return [(LotKey(*row[:4]), row[4]) for row in fetch(connection, _HOLDS_BACK, values)]


def since(connection: Connection, survivor: int, members: Iterable[int], merge: tuple[str, str], at: str) -> Since:
    """Return what belongs to merged members of their survivor's accounts, by the merge and their events since.

    ``at`` is the snapshot that was taken when they were merged.
    """
    partner_id, event_id = merge
    values = {
        "survivor": survivor, "members": list(members), "partner_id": partner_id, "event_id": event_id, "snapshot": at,
    }  # fmt: skip
    lots = {LotKey(*key): points for *key, points in fetch(connection, _LOTS_SINCE, values)}
    return Since(lots, dict(fetch(connection, _DEBTS_SINCE, values)))
