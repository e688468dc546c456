"""A partner's records of some business days, in commit order, with what is owed for them and which packs cover them.

The days are found once, by ranges of blocks; from then on each page goes on where the one before ended, in the index of
commit order. Reports that were too late are no events; they follow after all that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from hub.store.database import fetch

AFTER_ALL = 2**63 - 1
"""The place of what is no event."""

_SPAN = """
    SELECT coalesce(min(tx::text::bigint), 0), coalesce(max(tx::text::bigint), 0) FROM hub.event
    WHERE partner_id = %(partner_id)s AND business_date BETWEEN %(first)s AND %(last)s
"""
_PAGE = """
    WITH found AS (
        (SELECT tx::text::bigint AS place, event_id, kind,
                CASE WHEN status = 'rejected' THEN 'rejected'
                     WHEN matures_on > %(today)s THEN 'pending' ELSE 'posted' END AS outcome,
                error_code AS code, occurred_at, posted_at, amount_minor, currency, points, rate_version, refers_to,
                store, terminal
         FROM hub.event
         WHERE partner_id = %(partner_id)s AND (tx, event_id) > (%(tx)s::text::xid8, %(event_id)s)
           AND tx <= %(until)s::text::xid8 AND business_date BETWEEN %(first)s AND %(last)s
           AND tx < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY event.tx, event_id LIMIT %(most)s)
        UNION ALL
        (SELECT 9223372036854775807, event_id, kind,
                CASE state WHEN 'open' THEN 'quarantined' ELSE 'rejected' END,
                CASE state WHEN 'open' THEN 'too_late' ELSE 'review_rejected' END, occurred_at, NULL, NULL, NULL, 0,
                NULL, NULL, NULL, NULL
         FROM hub.review
         WHERE partner_id = %(partner_id)s AND cause = 'late' AND state <> 'released'
           AND (received_at AT TIME ZONE 'UTC')::date BETWEEN %(first)s AND %(last)s
           AND (9223372036854775807, event_id) > (%(tx)s, %(event_id)s)
         ORDER BY event_id LIMIT %(most)s)
        ORDER BY 1, 2 LIMIT %(most)s
    )
    SELECT found.*, owed.lines AS owed, drawn.lines AS packs
    FROM found
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('minor', minor, 'currency', currency) ORDER BY currency) AS lines FROM (
            SELECT currency, sum(CASE issuer WHEN %(partner_id)s THEN amount_minor ELSE 0 END
                                 - CASE redeemer WHEN %(partner_id)s THEN amount_minor ELSE 0 END) AS minor
            FROM settlement.obligation AS line
            WHERE line.partner_id = %(partner_id)s AND line.event_id = found.event_id
              AND %(partner_id)s IN (issuer, redeemer)
            GROUP BY currency
        ) AS sums
    ) AS owed ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('pack', pack_id, 'points', points) ORDER BY pack_id) AS lines FROM (
            SELECT pack_id, sum(draw.points) AS points
            FROM settlement.pack_draw AS draw JOIN settlement.pack USING (pack_id)
            WHERE draw.partner_id = %(partner_id)s AND draw.event_id = found.event_id AND partner = %(partner_id)s
            GROUP BY pack_id
        ) AS sums
    ) AS drawn ON true
    ORDER BY place, event_id
"""


class Days(NamedTuple):
    """Whose records, of which business days, both included, and which day it is."""

    partner_id: str
    first: date
    last: date
    today: date


class Place(NamedTuple):
    """Where a page ended, and where the events of the days do."""

    tx: int
    event_id: str
    until: int


def begin(connection: Connection, days: Days) -> Place:
    """Return the place before the first record."""
    [(first, last)] = fetch(connection, _SPAN, days._asdict())
    return Place(max(0, int(first) - 1), "\U0010ffff", int(last))


def page(connection: Connection, days: Days, after: Place, most: int) -> Sequence[Row[Any]]:
    """Return records after a place; never one that could be followed by an earlier one that commits late."""
    return connection.exec_driver_sql(_PAGE, {**days._asdict(), **after._asdict(), "most": most}).all()
