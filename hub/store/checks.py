"""The invariants of the ledger, each as a query for the first row that breaks it.

A query returns the name of the row and what is wrong with it; no row means that the invariant holds. They
start from the transfers, which nothing else is copied from, and compare everything with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row

from hub.store.checks_of_cards import CHECKS_OF_CARDS
from hub.store.checks_of_claims import CHECKS_OF_CLAIMS
from hub.store.checks_of_counters import CHECKS_OF_COUNTERS
from hub.store.checks_of_packs import CHECKS_OF_PACKS
from hub.store.checks_of_returns import CHECKS_OF_RETURNS

_NAMED = "partner_id || '/' || event_id"

_LEGS = """(VALUES
    ('earning', 'issued', 'available'),
    ('redemption', 'available', 'redeemed'), ('capture', 'available', 'redeemed'),
    ('reversal', 'redeemed', 'available'),
    ('refund', 'available', 'issued'), ('refund', 'available', 'redeemed'), ('refund', 'debt', 'issued'),
    ('refund', 'breakage', 'issued'),
    ('repayment', 'available', 'issued'), ('repayment', 'available', 'redeemed'), ('repayment', 'issued', 'debt'),
    ('expiry', 'available', 'breakage'), ('expiry', 'available', 'redeemed'),
    ('reinstatement', 'breakage', 'available'), ('reinstatement', 'redeemed', 'available'),
    ('settlement', 'redeemed', 'issued'), ('settlement', 'issued', 'redeemed'),
    ('adjustment', 'issued', 'available'), ('adjustment', 'available', 'issued'),
    ('exchange-confirmation', 'issued', 'available'), ('exchange-confirmation', 'available', 'redeemed'),
    ('exchange-reversal', 'available', 'issued'), ('exchange-reversal', 'redeemed', 'available'),
    ('confirmation', 'available', 'transit'), ('confirmation', 'transit', 'available'),
    ('release', 'available', 'transit'), ('release', 'transit', 'available'),
    ('extension', 'available', 'transit'), ('extension', 'transit', 'available'),
    ('forwarding', 'available', 'transit'), ('forwarding', 'transit', 'available'),
    ('transfer', 'available', 'transit'), ('transfer', 'transit', 'available'),
    ('gift', 'available', 'transit'), ('gift', 'transit', 'available'),
    ('donation', 'available', 'transit'), ('donation', 'transit', 'available'),
    ('merge', 'available', 'transit'), ('merge', 'transit', 'available'),
    ('merge', 'transit', 'debt'), ('merge', 'debt', 'transit'),
    ('unmerge', 'available', 'transit'), ('unmerge', 'transit', 'available'),
    ('unmerge', 'transit', 'debt'), ('unmerge', 'debt', 'transit')
) AS leg (kind, debit, credit)"""
"""Between which accounts each kind of event moves points."""
_SHARED = """
    'redemption', 'capture', 'reversal', 'transfer', 'gift', 'donation', 'merge', 'unmerge', 'forwarding',
    'exchange-confirmation', 'exchange-reversal'
"""
"""Kinds of events that may move points of several members, or of one that another was merged into."""

CHECKS: dict[str, str] = {
    "each transfer belongs to a posted event and says what it says": f"""
        SELECT 'transfer ' || {_NAMED} || '/' || line, 'its event is missing, rejected, or differs'
        FROM hub.transfer AS transfer
        LEFT JOIN hub.event AS event USING (partner_id, event_id)
        WHERE event.status IS DISTINCT FROM 'posted'
           OR (event.member_id <> transfer.member_id AND event.kind NOT IN ({_SHARED}))
           OR event.business_date <> transfer.business_date OR event.tx <> transfer.tx
           OR (event.kind = 'earning' AND transfer.line = 1 AND event.expires_on <> transfer.expires_on)
           OR (event.kind = 'earning' AND coalesce(event.matures_on, '0001-01-01') <> transfer.matures_on)
    """,
    "each event moves the points it states": f"""
        SELECT 'event ' || {_NAMED}, 'states ' || points || ' points, its transfers move ' || coalesce(moved, 0)
        FROM hub.event
        LEFT JOIN (
            SELECT partner_id, event_id, sum(points) AS moved FROM hub.transfer
            WHERE NOT starts_with(kind, 'qualifying') AND debit_account <> 'transit' AND credit_account <> 'debt'
              AND NOT (debit_account = 'debt' AND credit_account = 'transit')
              AND NOT (debit_account = 'breakage' AND starts_with(credit_account, 'issued:'))
            GROUP BY 1, 2
            UNION ALL
            SELECT partner_id, event_id, sum(points) FROM hub.hold GROUP BY 1, 2
        ) AS moves USING (partner_id, event_id)
        WHERE coalesce(moved, 0) <> CASE
            WHEN status <> 'posted' OR kind IN ('void', 'exchange-failure') THEN 0
            WHEN kind = 'exchange' AND moved IS NULL THEN 0
            ELSE points END
    """,
    "each transfer moves between the accounts of its kind of event": f"""
        SELECT 'transfer ' || {_NAMED} || '/' || line, debit_account || ' to ' || credit_account
        FROM hub.transfer AS transfer JOIN hub.event AS event USING (partner_id, event_id)
        LEFT JOIN {_LEGS}
          ON leg.kind = event.kind AND leg.debit = split_part(debit_account, ':', 1)
         AND leg.credit = split_part(credit_account, ':', 1)
        WHERE transfer.points <= 0 OR leg.kind IS NULL
           OR (leg.debit = 'issued' AND split_part(debit_account, ':', 2) <> issuer)
           OR (leg.credit = 'issued' AND split_part(credit_account, ':', 2) <> issuer)
           OR (event.kind <> 'settlement' AND leg.credit = 'redeemed'
               AND split_part(credit_account, ':', 2) NOT IN (partner_id, coalesce(priced_by, partner_id)))
           OR (event.kind <> 'settlement' AND leg.debit = 'redeemed'
               AND split_part(debit_account, ':', 2) NOT IN (partner_id, coalesce(priced_by, partner_id)))
    """,
    "what goes from lot to lot arrives whole, with its issuer and kind": f"""
        SELECT 'event ' || {_NAMED},
               sum(CASE credit_account WHEN 'transit' THEN points ELSE -points END)
               || ' points of ' || issuer || ' (' || kind || ') stay between lots'
        FROM hub.transfer WHERE 'transit' IN (debit_account, credit_account)
        GROUP BY partner_id, event_id, issuer, kind
        HAVING sum(CASE credit_account WHEN 'transit' THEN points ELSE -points END) <> 0
    """,
    "each debt is what was lent less what was repaid": """
        SELECT concat_ws(' ', 'debt of member', member_id, 'to', issuer),
               'is ' || coalesce(debt.points, 0) || ', its transfers leave ' || coalesce(moved.points, 0)
        FROM hub.debt AS debt
        FULL JOIN (
            SELECT member_id, issuer, sum(CASE debit_account WHEN 'debt' THEN points ELSE -points END) AS points
            FROM hub.transfer WHERE 'debt' IN (debit_account, credit_account) GROUP BY 1, 2
        ) AS moved USING (member_id, issuer)
        WHERE coalesce(debt.points, 0) <> coalesce(moved.points, 0)
    """,
    "no more of a lot is held than it holds": """
        SELECT concat_ws(' ', 'lot of member', member_id, expires_on, issuer, kind, matures_on),
               'holds ' || coalesce(lot.points, 0) || ', of which ' || held.points || ' are held'
        FROM (
            SELECT member_id, expires_on, issuer, kind, matures_on, sum(points) AS points FROM hub.hold
            WHERE state = 'open' AND lapses_at > (SELECT coalesce(clock_at, now()) FROM hub.coalition)
              AND right(event_id, 11) <> '/quarantine'
            GROUP BY 1, 2, 3, 4, 5
        ) AS held
        LEFT JOIN hub.lot AS lot USING (member_id, expires_on, issuer, kind, matures_on)
        WHERE held.points > coalesce(lot.points, 0)
    """,
    "each hold ended as its events say": """
        SELECT 'hold ' || hold.partner_id || '/' || hold.event_id,
               'is ' || string_agg(DISTINCT hold.state, ', ') || ', its events say '
               || coalesce(min(ending.kind), 'nothing')
        FROM hub.hold AS hold
        LEFT JOIN hub.event AS ending
          ON ending.partner_id = hold.partner_id AND ending.refers_to = hold.event_id AND ending.kind IN (
              'capture', 'void', 'exchange-confirmation', 'exchange-failure', 'release')
        GROUP BY hold.partner_id, hold.event_id
        HAVING bool_or(CASE hold.state
            WHEN 'captured' THEN ending.kind IS NULL OR ending.kind NOT IN ('capture', 'exchange-confirmation')
            WHEN 'voided' THEN ending.kind IS NULL OR ending.kind NOT IN ('void', 'exchange-failure', 'release')
            ELSE ending.kind IS NOT NULL END)
    """,
    "each exchange is in the state that its events say, with the points that it was quoted": """
        SELECT 'exchange ' || partner_id || '/' || exchange_id,
               'is ' || coalesce(state, 'missing') || ' with ' || coalesce(due, 0) || ' points, its events say '
               || coalesce(steps, 'nothing') || ' with ' || coalesce(points, 0)
        FROM (
            SELECT coalesce(opened.partner_id, exchange.partner_id) AS partner_id,
                   coalesce(opened.event_id, exchange.exchange_id) AS exchange_id, exchange.state, opened.points,
                   CASE direction WHEN 'out' THEN source_amount ELSE target_amount END AS due,
                   (direction = 'out') = (hold.event_id IS NOT NULL)
                   AND exchange.payment IS NOT DISTINCT FROM opened.details->>'payment' AS holds,
                   'exchange' || (
                       SELECT coalesce(string_agg(substr(step.kind, 9), '' ORDER BY step.kind), '')
                       FROM hub.event AS step
                       WHERE step.partner_id = opened.partner_id
                         AND step.refers_to IN (opened.event_id, opened.event_id || '/confirm')
                   ) AS steps
            FROM (SELECT * FROM hub.event WHERE kind = 'exchange') AS opened
            FULL JOIN hub.exchange AS exchange
              ON exchange.partner_id = opened.partner_id AND exchange.exchange_id = opened.event_id
            LEFT JOIN hub.hold AS hold
              ON hold.partner_id = opened.partner_id AND hold.event_id = opened.event_id AND hold.line = 1
        ) AS compared
        WHERE due IS DISTINCT FROM points OR holds IS NOT TRUE OR steps IS DISTINCT FROM CASE state
            WHEN 'open' THEN 'exchange' WHEN 'confirmed' THEN 'exchange-confirmation'
            WHEN 'failed' THEN 'exchange-failure' WHEN 'reversed' THEN 'exchange-confirmation-reversal' END
    """,
    "what is returned of an event follows on what was returned before, and is never more than there was": f"""
        SELECT 'event ' || {_NAMED},
               'returns from ' || returned_before || ', where ' || due || ' is due, of ' || coalesce(whole, 0)
        FROM (
            SELECT back.partner_id, back.event_id, back.returned_before, size.points AS size,
                   CASE back.kind WHEN 'refund' THEN original.amount_minor ELSE original.points END AS whole,
                   coalesce(sum(size.points) OVER (
                       PARTITION BY back.partner_id, back.refers_to ORDER BY back.returned_before, size.points
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS due
            FROM hub.event AS back
            CROSS JOIN LATERAL (
                SELECT CASE back.kind WHEN 'refund' THEN back.amount_minor ELSE back.points END AS points) AS size
            LEFT JOIN hub.event AS original
              ON original.partner_id = back.partner_id AND original.event_id = back.refers_to
            WHERE back.returned_before IS NOT NULL
        ) AS returns
        WHERE due IS DISTINCT FROM returned_before OR whole IS NULL OR returned_before + size > whole
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
    "per issuer: issued = held by members + redeemed and not settled + settled + expired - owed by members": """
        SELECT 'issuer ' || issuer,
               'issued ' || coalesce(issued, 0) || ', found ' || coalesce(held, 0) + coalesce(elsewhere, 0)
                                                                - coalesce(owed, 0)
        FROM (
            SELECT issuer,
                   coalesce(sum(points) FILTER (WHERE starts_with(debit_account, 'issued:')), 0)
                   - coalesce(sum(points) FILTER (WHERE starts_with(credit_account, 'issued:')), 0) AS issued,
                   coalesce(sum(points) FILTER (
                       WHERE starts_with(credit_account, 'redeemed:') OR credit_account = 'breakage'), 0)
                   - coalesce(sum(points) FILTER (
                       WHERE starts_with(debit_account, 'redeemed:') OR debit_account = 'breakage'), 0) AS elsewhere
            FROM hub.transfer GROUP BY issuer
        ) AS moved
        FULL JOIN (SELECT issuer, sum(points) AS held FROM hub.lot GROUP BY issuer) AS lots USING (issuer)
        FULL JOIN (SELECT issuer, sum(points) AS owed FROM hub.debt GROUP BY issuer) AS debts USING (issuer)
        WHERE coalesce(issued, 0) <> coalesce(held, 0) + coalesce(elsewhere, 0) - coalesce(owed, 0)
    """,
    "each redemption has the obligations that its transfers and its price give": f"""
        SELECT 'obligation ' || {_NAMED} || '/' || line,
               coalesce(owed.issuer || ' owes ' || owed.redeemer || ' ' || owed.amount_minor || ' ' || owed.currency
                        || ' for ' || owed.points || ' points of ' || owed.business_date, 'nothing is owed')
               || '; the ledger: '
               || coalesce(ours.issuer || ' owes ' || ours.redeemer || ' ' || ours.amount_minor || ' ' || ours.currency
                           || ' for ' || ours.points || ' points of ' || ours.business_date, 'nothing is owed')
        FROM (SELECT * FROM settlement.obligation WHERE kind NOT IN ('adjustment', 'pack')) AS owed
        FULL JOIN hub.redemption_line AS ours USING (partner_id, event_id, line)
        WHERE (owed.issuer, owed.redeemer, owed.points, owed.amount_minor, owed.currency, owed.business_date,
               owed.origin, owed.kind, owed.points_of)
            IS DISTINCT FROM
              (ours.issuer, ours.redeemer, ours.points, ours.amount_minor, ours.currency, ours.business_date,
               ours.origin, ours.kind, ours.points_of)
    """,
    "each redemption is worth what its obligations add up to": f"""
        SELECT 'event ' || {_NAMED},
               'is worth ' || amount_minor || ' ' || currency || ', its obligations are ' || owed || ' ' || owed_in
        FROM hub.event JOIN (
            SELECT partner_id, event_id, sum(amount_minor) AS owed, min(currency) AS owed_in
            FROM settlement.obligation WHERE kind = 'reimbursement' GROUP BY 1, 2
        ) AS obligations USING (partner_id, event_id)
        WHERE kind <> 'refund' AND (amount_minor IS DISTINCT FROM abs(owed) OR currency IS DISTINCT FROM owed_in)
    """,
    "each event that a partner reported has its signed evidence": f"""
        SELECT 'event ' || {_NAMED}, 'its evidence is missing'
        FROM hub.event LEFT JOIN hub.evidence AS evidence USING (partner_id, evidence_id)
        WHERE partner_id <> 'coalition' AND NOT coalesce(details ? 'operator', false) AND evidence.keyid IS NULL
    """,
}

CHECKS |= CHECKS_OF_RETURNS | CHECKS_OF_PACKS | CHECKS_OF_CARDS | CHECKS_OF_COUNTERS | CHECKS_OF_CLAIMS

PRICED = """
    SELECT event.partner_id, event.rate_version, event.amount_minor, event.points, rate.terms,
           coalesce(details->'sale'->'foreign'->>'into', event.currency) = rate.currency AS same_currency,
           details->'sale' AS sale, min(event.event_id) AS event_id
    FROM hub.event AS event
    LEFT JOIN hub.rate AS rate
      ON rate.partner_id = event.partner_id AND rate.kind = 'earning' AND rate.version = event.rate_version
    WHERE event.kind = 'earning'
    GROUP BY 1, 2, 3, 4, 5, 6, 7
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
