"""Reads of posted events: the first answer to a replay, and a partner's own history in commit order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

_FIRST = """
    SELECT event_id, content, kind, status, points, posted_at, expires_on, amount_minor, currency, error_code
    FROM hub.event WHERE partner_id = %(partner_id)s AND event_id = ANY(%(event_ids)s::text[])
"""
_BURNT = text("""
    SELECT transfer.issuer, transfer.points, obligation.amount_minor
    FROM hub.transfer AS transfer
    JOIN settlement.obligation AS obligation USING (partner_id, event_id, line)
    WHERE transfer.member_id = (
        SELECT member_id FROM hub.event WHERE partner_id = :partner_id AND event_id = :event_id)
      AND partner_id = :partner_id AND event_id = :event_id
    ORDER BY line
""")
_PAGE = text("""
    SELECT tx::text AS tx, event_id, kind, status, points, occurred_at, posted_at, amount_minor, currency,
           expires_on, error_code
    FROM hub.event
    WHERE partner_id = :partner_id AND (tx, event_id) > (cast(:tx AS xid8), :event_id)
      AND tx < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY tx, event_id LIMIT :most
""")


def first_answers(connection: Connection, partner_id: str, event_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return what is stored of a partner's events, by event id."""
    rows = connection.exec_driver_sql(_FIRST, {"partner_id": partner_id, "event_ids": list(event_ids)})
    return {row.event_id: row for row in rows}


def burnt_lots(connection: Connection, partner_id: str, event_id: str) -> list[tuple[str, int, int]]:
    """Return (issuer, points, minor units) of each lot that a posted redemption took, in burning order."""
    rows = connection.execute(_BURNT, {"partner_id": partner_id, "event_id": event_id})
    return [(row.issuer, row.points, row.amount_minor) for row in rows]


def page(connection: Connection, partner_id: str, after: tuple[str, str], most: int) -> Sequence[Row[Any]]:
    """Return a partner's events in commit order after ``(transaction, event_id)``.

    Rows become visible in commit order, not in id order; so a page ends before the oldest transaction that
    still runs, and no later page can miss an event that commits late.
    """
    values = {"partner_id": partner_id, "tx": after[0], "event_id": after[1], "most": most}
    return connection.execute(_PAGE, values).all()
