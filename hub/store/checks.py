"""The invariants of the ledger, each as a query for the first row that breaks it.

A query returns the name of the row and what is wrong with it; no row means that the invariant holds. They
start from the transfers, which nothing else is copied from, and compare everything with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row

_NAMED = "partner_id || '/' || event_id"

CHECKS: dict[str, str] = {
    "each transfer belongs to a posted event and says what it says": f"""
        SELECT 'transfer ' || {_NAMED} || '/' || line, 'its event is missing, rejected, or differs'
        FROM hub.transfer AS transfer
        LEFT JOIN hub.event AS event USING (partner_id, event_id)
        WHERE event.status IS DISTINCT FROM 'posted' OR event.member_id <> transfer.member_id
           OR event.business_date <> transfer.business_date OR event.tx <> transfer.tx
           OR (event.kind = 'earning' AND event.expires_on <> transfer.expires_on)
    """,
    "each event moves the points it states": f"""
        SELECT 'event ' || {_NAMED}, 'states ' || points || ' points, its transfers move ' || coalesce(moved, 0)
        FROM hub.event
        LEFT JOIN (SELECT partner_id, event_id, sum(points) AS moved FROM hub.transfer GROUP BY 1, 2) AS moves
        USING (partner_id, event_id)
        WHERE coalesce(moved, 0) <> CASE status WHEN 'posted' THEN points ELSE 0 END
    """,
    "each transfer moves between the accounts of its kind of event": f"""
        SELECT 'transfer ' || {_NAMED} || '/' || line, debit_account || ' to ' || credit_account
        FROM hub.transfer AS transfer JOIN hub.event AS event USING (partner_id, event_id)
        WHERE transfer.points <= 0 OR debit_account || ' ' || credit_account IS DISTINCT FROM CASE event.kind
            WHEN 'earning' THEN 'issued:' || partner_id || ' available'
            WHEN 'redemption' THEN 'available redeemed:' || partner_id
            WHEN 'expiry' THEN 'available breakage'
            WHEN 'settlement' THEN debit_account || ' issued:' || issuer END
           OR (event.kind = 'earning' AND issuer <> partner_id)
           OR (event.kind = 'settlement' AND NOT starts_with(debit_account, 'redeemed:'))
    """,
    "each lot holds what was moved into it less what was moved out, and never less than nothing": """
        SELECT concat_ws(' ', 'lot of member', member_id, expires_on, issuer, kind, matures_on),
               'holds ' || coalesce(lot.points, 0) || ', its transfers leave ' || coalesce(moved.points, 0)
        FROM hub.lot AS lot
        FULL JOIN (
            SELECT member_id, expires_on, issuer, kind, matures_on,
                   sum(points) FILTER (WHERE credit_account = 'available')
                   - coalesce(sum(points) FILTER (WHERE debit_account = 'available'), 0) AS points
            FROM hub.transfer WHERE 'available' IN (debit_account, credit_account)
            GROUP BY 1, 2, 3, 4, 5
        ) AS moved USING (member_id, expires_on, issuer, kind, matures_on)
        WHERE lot.points IS DISTINCT FROM moved.points OR lot.points < 0
    """,
    "per issuer: issued = held by members + redeemed and not settled + settled + expired": """
        SELECT 'issuer ' || issuer,
               'issued ' || issued || ', found ' || held + unsettled + settled + expired
        FROM (
            SELECT issuer, coalesce(issued, 0) AS issued, coalesce(settled, 0) AS settled,
                   coalesce(unsettled, 0) AS unsettled, coalesce(expired, 0) AS expired, coalesce(held, 0) AS held
            FROM (
                SELECT issuer,
                       sum(points) FILTER (WHERE starts_with(debit_account, 'issued:')) AS issued,
                       sum(points) FILTER (WHERE starts_with(credit_account, 'issued:')) AS settled,
                       coalesce(sum(points) FILTER (WHERE starts_with(credit_account, 'redeemed:')), 0)
                       - coalesce(sum(points) FILTER (WHERE starts_with(debit_account, 'redeemed:')), 0) AS unsettled,
                       sum(points) FILTER (WHERE credit_account = 'breakage') AS expired
                FROM hub.transfer GROUP BY issuer
            ) AS moved
            FULL JOIN (SELECT issuer, sum(points) AS held FROM hub.lot GROUP BY issuer) AS lots USING (issuer)
        ) AS sums
        WHERE issued <> held + unsettled + settled + expired OR unsettled < 0
    """,
    "each redemption has the obligations that its transfers and its price give": f"""
        SELECT 'obligation ' || {_NAMED} || '/' || line,
               coalesce(owed.issuer || ' owes ' || owed.redeemer || ' ' || owed.amount_minor || ' ' || owed.currency
                        || ' for ' || owed.points || ' points of ' || owed.business_date, 'nothing is owed')
               || '; the ledger: '
               || coalesce(ours.issuer || ' owes ' || ours.redeemer || ' ' || ours.amount_minor || ' ' || ours.currency
                           || ' for ' || ours.points || ' points of ' || ours.business_date, 'nothing is owed')
        FROM settlement.obligation AS owed FULL JOIN hub.redemption_line AS ours USING (partner_id, event_id, line)
        WHERE (owed.issuer, owed.redeemer, owed.points, owed.amount_minor, owed.currency, owed.business_date)
            IS DISTINCT FROM
              (ours.issuer, ours.redeemer, ours.points, ours.amount_minor, ours.currency, ours.business_date)
    """,
    "each redemption is worth what its obligations add up to": f"""
        SELECT 'event ' || {_NAMED},
               'is worth ' || amount_minor || ' ' || currency || ', its obligations are ' || owed || ' ' || owed_in
        FROM hub.event JOIN (
            SELECT partner_id, event_id, sum(amount_minor) AS owed, min(currency) AS owed_in
            FROM settlement.obligation GROUP BY 1, 2
        ) AS obligations USING (partner_id, event_id)
        WHERE amount_minor IS DISTINCT FROM owed OR currency IS DISTINCT FROM owed_in
    """,
    "each event that a partner reported has its signed evidence": f"""
        SELECT 'event ' || {_NAMED}, 'its evidence is missing'
        FROM hub.event LEFT JOIN hub.evidence AS evidence USING (partner_id, evidence_id)
        WHERE kind IN ('earning', 'redemption') AND evidence.keyid IS NULL
    """,
}

PRICED = """
    SELECT event.partner_id, event.rate_version, event.amount_minor, event.points, rate.terms,
           event.currency = rate.currency AS same_currency, min(event.event_id) AS event_id
    FROM hub.event AS event
    LEFT JOIN hub.rate AS rate
      ON rate.partner_id = event.partner_id AND rate.kind = 'earning' AND rate.version = event.rate_version
    WHERE event.kind = 'earning'
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY event_id
"""


def first_break(connection: Connection, query: str) -> tuple[str, str] | None:
    """Return (row, what is wrong) of the first row that breaks an invariant, or None."""
    row = connection.exec_driver_sql(f"{query} ORDER BY 1 LIMIT 1").one_or_none()
    return (str(row[0]), str(row[1])) if row else None


def priced_earnings(connection: Connection) -> Iterator[Row[Any]]:
    """Yield each distinct (partner, rate version, sale, points) of the earnings, with its rate's terms."""
    with connection.execution_options(stream_results=True).exec_driver_sql(PRICED) as rows:
        yield from rows
