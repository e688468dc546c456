"""What an issuer's points come to: those that members hold, and what was given, taken back and owed in some days.

Each is one statement over the ledger's own rows, so the figures are the ledger's to the last point. What others report
of an issuer's points, such as a bank that gives points of the merchant, stands under who reported it, without product
or category: those are the reporter's to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

_HELD = """
    SELECT date_trunc('month', expires_on)::date AS month, kind, sum(points)::bigint AS points
    FROM hub.lot WHERE issuer = %(issuer)s AND points > 0 AND NOT starts_with(kind, 'qualifying')
    GROUP BY 1, 2 ORDER BY 1, 2
"""
_DEBT = "SELECT coalesce(sum(points), 0)::bigint FROM hub.debt WHERE issuer = %(issuer)s"
_DRAWN = """
    SELECT pack_id, sum(draw.points)::bigint AS points
    FROM settlement.pack_draw AS draw JOIN settlement.pack USING (pack_id)
    WHERE partner = %(issuer)s AND business_date BETWEEN %(first)s AND %(last)s GROUP BY pack_id
"""
_ACCRUED = """
    WITH card AS (
        SELECT line, product, effective_at,
               lead(effective_at, 1, 'infinity') OVER (PARTITION BY line ORDER BY effective_at, place) AS until
        FROM hub.card_change WHERE partner_id = %(issuer)s AND member_id IS NOT NULL
    ), part AS (
        SELECT partner_id, event_id, kind,
               CASE debit_account WHEN 'issued:' || %(issuer)s THEN points ELSE 0 END AS given,
               CASE credit_account WHEN 'issued:' || %(issuer)s THEN points ELSE 0 END AS taken,
               0 AS covered, NULL AS currency, 0 AS minor
        FROM hub.transfer
        WHERE business_date BETWEEN %(first)s AND %(last)s AND issuer = %(issuer)s
          AND 'issued:' || %(issuer)s IN (debit_account, credit_account)
          AND NOT starts_with(kind, 'qualifying')
          AND NOT starts_with(debit_account, 'redeemed:') AND NOT starts_with(credit_account, 'redeemed:')
        UNION ALL
        SELECT partner_id, event_id, '', 0, 0, 0, currency, amount_minor
        FROM settlement.obligation
        WHERE business_date BETWEEN %(first)s AND %(last)s AND issuer = %(issuer)s AND kind = 'issue'
        UNION ALL
        SELECT draw.partner_id, draw.event_id, '', 0, 0, draw.points, NULL, 0
        FROM settlement.pack_draw AS draw JOIN settlement.pack USING (pack_id)
        WHERE business_date BETWEEN %(first)s AND %(last)s AND pack.partner = %(issuer)s
    ), told AS (
        SELECT part.*, coalesce(origin.occurred_at, event.occurred_at) AS occurred_at,
               coalesce(event.details->'sale'->>'category', origin.details->'sale'->>'category') AS category,
               coalesce(event.details->>'line', origin.details->>'line') AS line
        FROM part JOIN hub.event AS event USING (partner_id, event_id)
        LEFT JOIN hub.event AS origin
          ON origin.partner_id = part.partner_id AND origin.event_id = event.refers_to
    )
    SELECT partner_id AS reporter, CASE partner_id WHEN %(issuer)s THEN product END AS product,
           CASE partner_id WHEN %(issuer)s THEN category END AS category, kind, currency,
           sum(given)::bigint AS given, sum(taken)::bigint AS taken, sum(covered)::bigint AS covered,
           sum(minor)::bigint AS minor
    FROM told
    LEFT JOIN card ON card.line = told.line AND told.occurred_at >= effective_at AND told.occurred_at < until
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2 NULLS FIRST, 3 NULLS FIRST, 4, 5
"""


def held(connection: Connection, issuer: str) -> Sequence[Row[Any]]:
    """Return the issuer's points that members hold, by the month of their last day and by kind."""
    return connection.exec_driver_sql(_HELD, {"issuer": issuer}).all()


def debt(connection: Connection, issuer: str) -> int:
    """Return the points that members owe to an issuer."""
    return int(connection.exec_driver_sql(_DEBT, {"issuer": issuer}).scalar_one())


def drawn(connection: Connection, issuer: str, first: date, last: date) -> dict[str, int]:
    """Return what each pack of an issuer covered in some days, less what went back to it."""
    values = {"issuer": issuer, "first": first, "last": last}
    return {row.pack_id: row.points for row in connection.exec_driver_sql(_DRAWN, values)}


def accrued(connection: Connection, issuer: str, first: date, last: date) -> Sequence[Row[Any]]:
    """Return what was given and taken back, covered and owed at issue in some days, by who reported it and for what."""
    return connection.exec_driver_sql(_ACCRUED, {"issuer": issuer, "first": first, "last": last}).all()
