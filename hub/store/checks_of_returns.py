"""The ledger's invariants of what follows from events, as in `checks`: of confirmations, refunds, captures, merges.

What a later event is decided on must be right for ever: whose points a redemption took, where a refund found its
own, until when a hold lasts, who has what a merged member had.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row

from hub.store.holds import NEVER_LAPSES

_NAMED = "partner_id || '/' || event_id"
_FOLLOWS = """(VALUES
    ('confirmation', 'earning', '/confirm'), ('refund', 'earning', NULL),
    ('capture', 'hold', '/capture'), ('void', 'hold', '/void'),
    ('reversal', 'redemption', NULL), ('reversal', 'capture', NULL),
    ('reinstatement', 'expiry', NULL), ('unmerge', 'merge', '/undo'),
    ('quarantine', 'earning', '/quarantine'), ('quarantine', 'reversal', '/quarantine'),
    ('quarantine', 'exchange-confirmation', '/quarantine'), ('quarantine', 'transfer', '/quarantine'),
    ('quarantine', 'gift', '/quarantine'), ('quarantine', 'donation', '/quarantine'),
    ('release', 'quarantine', '/release'),
    ('card-unlink', 'card-link', '/unlink'), ('card-unlink', 'card-replacement', '/unlink'),
    ('card-replacement', 'card-link', NULL), ('card-replacement', 'card-replacement', NULL)
) AS follows (kind, original, suffix)"""
"""Which kind of event follows which, and what the hub puts after the name of the first to name the second."""

CHECKS_OF_RETURNS: dict[str, str] = {
    "what follows an event is about one that is there, and can be followed so": f"""
        SELECT 'event ' || back.partner_id || '/' || back.event_id,
               back.kind || ' of ' || back.points || ' points of ' || coalesce(back.refers_to, 'nothing')
               || ', which is ' || coalesce(original.kind || ' of ' || original.points, 'not there')
               || coalesce(', after ' || back.returned_before, '')
        FROM hub.event AS back
        LEFT JOIN hub.event AS original
          ON original.partner_id = back.partner_id AND original.event_id = back.refers_to
         AND original.status = 'posted'
        LEFT JOIN {_FOLLOWS} ON follows.kind = back.kind AND follows.original = original.kind
        WHERE back.kind IN (
            'confirmation', 'refund', 'capture', 'void', 'reversal', 'reinstatement', 'unmerge', 'quarantine',
            'release', 'card-unlink', 'card-replacement')
          AND (follows.kind IS NULL OR back.event_id <> back.refers_to || follows.suffix
               OR (back.kind = 'void' AND back.points <> original.points)
               OR (back.kind IN ('refund', 'reversal', 'reinstatement')) <> (back.returned_before IS NOT NULL))
    """,
    "each refund found its points where it says": f"""
        SELECT 'event ' || {_NAMED},
               'says ' || coalesce(details::text, 'nothing') || '; its transfers: ' || coalesce(found, 0)
               || ' found, ' || coalesce(lent, 0) || ' owed'
        FROM hub.event
        LEFT JOIN (
            SELECT partner_id, event_id, sum(points) FILTER (WHERE debit_account <> 'debt') AS found,
                   sum(points) FILTER (WHERE debit_account = 'debt') AS lent
            FROM hub.transfer WHERE NOT starts_with(kind, 'qualifying') GROUP BY 1, 2
        ) AS moves USING (partner_id, event_id)
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(points::bigint), 0) AS forgone
            FROM jsonb_each_text(details->'forgone') AS counted (lot, points)
        ) AS unmoved
        WHERE kind = 'refund'
          AND ((details->>'taken')::bigint + (details->>'expired')::bigint - forgone, (details->>'owed')::bigint)
              IS DISTINCT FROM (coalesce(found, 0), coalesce(lent, 0))
    """,
    "each hold lasts as long as its event says, and does not lapse before": f"""
        SELECT 'hold ' || hold.partner_id || '/' || hold.event_id,
               'is ' || state || ' and lapses at ' || lapses_at
               || ', its event says ' || coalesce(event.details->>'hold_s', 'no') || ' s'
        FROM hub.hold AS hold LEFT JOIN hub.event AS event USING (partner_id, event_id)
        WHERE lapses_at IS DISTINCT FROM CASE event.kind
                WHEN 'exchange' THEN timestamptz '{NEVER_LAPSES.isoformat()}'
                WHEN 'quarantine' THEN timestamptz '{NEVER_LAPSES.isoformat()}'
                ELSE event.posted_at + (event.details->>'hold_s')::integer * interval '1 s' END
           OR (state = 'lapsed' AND lapses_at > (SELECT coalesce(clock_at, now()) FROM hub.coalition))
    """,
    "no more of a lot is burnt for a hold than it reserved": """
        SELECT 'event ' || burnt.partner_id || '/' || burnt.event_id,
               'burns ' || burnt.points || ' points of ' || burnt.issuer || ', of which ' || coalesce(held.points, 0)
               || ' were reserved'
        FROM (
            SELECT partner_id, event_id, refers_to, transfer.member_id, transfer.expires_on, issuer, transfer.kind,
                   transfer.matures_on, sum(transfer.points) AS points
            FROM hub.event AS event JOIN hub.transfer AS transfer USING (partner_id, event_id)
            WHERE event.kind IN ('capture', 'exchange-confirmation') AND debit_account = 'available'
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        ) AS burnt
        LEFT JOIN (
            SELECT partner_id, event_id AS refers_to, member_id, expires_on, issuer, kind, matures_on,
                   sum(points) AS points
            FROM hub.hold GROUP BY 1, 2, 3, 4, 5, 6, 7
        ) AS held USING (partner_id, refers_to, member_id, expires_on, issuer, kind, matures_on)
        WHERE burnt.points > coalesce(held.points, 0)
    """,
    # What a hold reserves may be extended or merged before it is captured, so only what moved at once has an order.
    # Redemptions of before there were other rules name none.
    "what is redeemed or given is taken in the order of the rule that its event names": f"""
        SELECT 'event ' || {_NAMED}, 'by ' || rule || coalesce(', at line ' || line, '')
        FROM (
            SELECT partner_id, event_id, rule, line,
                   row_number() OVER (own ORDER BY line) AS taken,
                   row_number() OVER (own ORDER BY rule = 'restricted-first-1' AND strpos(transfer.kind, '@') > 0 DESC,
                                      transfer.expires_on, issuer COLLATE "C", transfer.kind COLLATE "C",
                                      transfer.matures_on) AS due
            FROM hub.event AS event
            LEFT JOIN hub.transfer AS transfer USING (partner_id, event_id)
            CROSS JOIN LATERAL (SELECT coalesce(scheme_rule, 'expiry-first-1') AS rule) AS named
            WHERE event.kind IN ('redemption', 'hold', 'transfer', 'gift', 'donation') AND event.status = 'posted'
              AND coalesce(debit_account, 'available') = 'available'
            WINDOW own AS (PARTITION BY partner_id, event_id, transfer.member_id)
        ) AS placed
        WHERE taken <> due OR rule NOT IN ('restricted-first-1', 'expiry-first-1')
    """,
    "each redemption and gift names the members whose points it moved": f"""
        SELECT 'event ' || {_NAMED}, 'names ' || named::text || ', its transfers ' || coalesce(moved::text, 'none')
        FROM (
            SELECT partner_id, event_id, CASE
                       WHEN event.kind IN ('redemption', 'capture', 'exchange-confirmation')
                       THEN coalesce(details->'payers', jsonb_build_array(event.member_id))
                       ELSE jsonb_build_array(details->'from', details->'to') END AS named,
                   CASE WHEN event.kind IN ('redemption', 'capture', 'exchange-confirmation')
                       THEN jsonb_agg(DISTINCT transfer.member_id ORDER BY transfer.member_id)
                       ELSE jsonb_agg(DISTINCT transfer.member_id) FILTER (WHERE debit_account = 'available')
                            || jsonb_agg(DISTINCT transfer.member_id) FILTER (WHERE credit_account = 'available')
                       END AS moved
            FROM hub.event AS event JOIN hub.transfer AS transfer USING (partner_id, event_id)
            WHERE event.kind IN (
                'redemption', 'capture', 'exchange-confirmation', 'transfer', 'gift', 'donation')
            GROUP BY partner_id, event_id, event.kind, event.member_id, details
        ) AS members
        WHERE named IS DISTINCT FROM moved
    """,
    "what is frozen is of an event that waits for a person, and is free when he has decided": """
        SELECT 'quarantine ' || frozen.partner_id || '/' || frozen.event_id,
               'its points are ' || min(frozen.state) || ', the review is ' || coalesce(min(review.state), 'missing')
        FROM hub.hold AS frozen
        JOIN hub.event AS event USING (partner_id, event_id)
        LEFT JOIN hub.review AS review ON review.partner_id = event.partner_id AND review.event_id = event.refers_to
                                      AND review.cause = 'revoked'
        WHERE event.kind = 'quarantine'
        GROUP BY frozen.partner_id, frozen.event_id
        HAVING bool_or((frozen.state = 'open') IS DISTINCT FROM (review.state = 'open'))
    """,
    "each member is merged as its events say": """
        SELECT 'member ' || member_id,
               coalesce('is merged into ' || merged.merged_into || ' and has become ' || survivor, 'is not merged')
               || ', its events say ' || coalesce('into ' || said.merged_into, 'not')
        FROM hub.merged AS merged
        FULL JOIN (
            SELECT member_id, partner_id, event_id, (details->>'into')::bigint AS merged_into
            FROM hub.event AS event
            WHERE kind = 'merge' AND NOT EXISTS (
                SELECT FROM hub.event AS undone
                WHERE undone.partner_id = event.partner_id AND undone.refers_to = event.event_id
                  AND undone.kind = 'unmerge')
        ) AS said USING (member_id, partner_id, event_id)
        WHERE merged.merged_into IS DISTINCT FROM said.merged_into
           OR survivor <> coalesce((SELECT further.survivor FROM hub.merged AS further
                                    WHERE further.member_id = merged.merged_into), merged.merged_into)
    """,
}

_REFUNDED = """
    SELECT refund.partner_id, original.rate_version, rate.terms, min(refund.event_id) AS event_id,
           original.amount_minor - coalesce(refund.returned_before, 0) AS left_minor,
           coalesce(refund.amount_minor, 0) AS back_minor, original.details->'sale' AS sale,
           coalesce((refund.details->>'taken')::bigint + (refund.details->>'owed')::bigint
                    + (refund.details->>'borne')::bigint + (refund.details->>'expired')::bigint, -1) AS points
    FROM hub.event AS refund
    JOIN hub.event AS original ON original.partner_id = refund.partner_id AND original.event_id = refund.refers_to
    JOIN hub.rate AS rate
      ON rate.partner_id = original.partner_id AND rate.kind = 'earning' AND rate.version = original.rate_version
    WHERE refund.kind = 'refund'
    GROUP BY 1, 2, 3, 5, 6, 7, 8
    ORDER BY event_id
"""


def refunded_parts(connection: Connection) -> Iterator[Row[Any]]:
    """Yield each distinct (partner, rate version, what was left, what came back, points) of refunds, with the terms."""
    with connection.execution_options(stream_results=True).exec_driver_sql(_REFUNDED) as rows:
        yield from rows
