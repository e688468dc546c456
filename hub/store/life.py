"""Reads of one member's life: who it is, and every event that concerned it, in commit order.

Events are found by the member's transfers, which are keyed by it, and by the index of those events that may have
none. Sums run over all of them, in one pass; only those that are shown are looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

_EVENTS = """
    WITH moved AS (
        SELECT partner_id, event_id, min(tx) AS tx,
               coalesce(sum(CASE debit_account WHEN 'available' THEN -points ELSE points END) FILTER (
                   WHERE 'available' IN (debit_account, credit_account)
                     AND NOT starts_with(kind, 'qualifying')), 0)::bigint AS moved,
               coalesce(sum(CASE debit_account WHEN 'available' THEN -points ELSE points END) FILTER (
                   WHERE 'available' IN (debit_account, credit_account)
                     AND starts_with(kind, 'qualifying')), 0)::bigint AS qualifying,
               coalesce(sum(CASE debit_account WHEN 'debt' THEN points ELSE -points END) FILTER (
                   WHERE 'debt' IN (debit_account, credit_account)), 0)::bigint AS debt
        FROM hub.transfer WHERE member_id = ANY(%(members)s::bigint[]) GROUP BY partner_id, event_id
    ), unmoved AS (
        SELECT partner_id, event_id, tx FROM hub.event
        WHERE member_id = ANY(%(members)s::bigint[]) AND (kind <> 'earning' OR points = 0)
    ), lived AS (
        SELECT partner_id, event_id, coalesce(moved.tx, unmoved.tx) AS tx, coalesce(moved, 0) AS moved,
               coalesce(qualifying, 0) AS qualifying, coalesce(debt, 0) AS debt
        FROM moved FULL JOIN unmoved USING (partner_id, event_id)
    ), summed AS (
        SELECT lived.*, row_number() OVER in_order AS place, count(*) OVER () AS events,
               (sum(moved) OVER in_order)::bigint AS balance
        FROM lived WINDOW in_order AS (ORDER BY tx, moved DESC, partner_id, event_id)
    )
    SELECT summed.*, event.kind, event.status, event.points, event.occurred_at, event.posted_at, event.error_code,
           event.refers_to, event.details, event.member_id, event.amount_minor, event.currency
    FROM summed JOIN hub.event AS event USING (partner_id, event_id)
    WHERE place > events - %(most)s ORDER BY place
"""
_SCHEMES = """
    SELECT member_id, scheme, count(*) FROM hub.member_identifier
    WHERE member_id = ANY(%(members)s::bigint[]) GROUP BY 1, 2 ORDER BY 1, 2
"""
_POOL = """
    SELECT own.partner_id, own.pool_id, own.share, own.may_spend,
           array(SELECT member_id FROM hub.pool_member AS other
                 WHERE (other.partner_id, other.pool_id) = (own.partner_id, own.pool_id)
                   AND other.member_id <> own.member_id ORDER BY member_id) AS others
    FROM hub.pool_member AS own WHERE member_id = %(member_id)s
"""


def events(connection: Connection, members: Sequence[int], most: int) -> Sequence[Row[Any]]:
    """Return the last ``most`` events of members taken as one, oldest first.

    ``moved``, ``qualifying`` and ``debt`` say how each changed their points, and ``balance`` what they had after it;
    ``events`` is how many there are in all. Of the events of one transaction those that give come first.
    """
    return connection.exec_driver_sql(_EVENTS, {"members": list(members), "most": most}).all()


def identifiers(connection: Connection, members: Sequence[int]) -> list[tuple[int, str, int]]:
    """Return how many identifiers of each scheme members are known by: (member, scheme, how many)."""
    rows = connection.exec_driver_sql(_SCHEMES, {"members": list(members)})
    return [(row[0], row[1], row[2]) for row in rows]


def pool(connection: Connection, member_id: int) -> Row[Any] | None:
    """Return the pool that a member is in: its name, the member's share, whether it may spend, and the others."""
    return connection.exec_driver_sql(_POOL, {"member_id": member_id}).one_or_none()
