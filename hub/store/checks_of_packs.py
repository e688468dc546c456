"""The ledger's invariants of packs, as in `checks`: what is left of them, which points they cover, and their price."""

from __future__ import annotations

_DOCUMENT = "(document->>'{}')::bigint"
_RANGE = """greatest({before} + {points} - uncovered, 0) - greatest({before} - uncovered, 0)"""

CHECKS_OF_PACKS: dict[str, str] = {
    "each pack has left what was bought less what was drawn and what ended": """
        SELECT 'pack ' || pack_id,
               'has ' || coalesce(kept.points, 0) || ' points left, its moves and draws leave '
               || coalesce(due.points, 0)
        FROM (SELECT pack_id, sum(left_points) AS points FROM settlement.pack_left GROUP BY pack_id) AS kept
        FULL JOIN (
            SELECT pack_id, sum(points) AS points
            FROM (SELECT pack_id, points FROM settlement.pack_move
                  UNION ALL SELECT pack_id, -points FROM settlement.pack_draw) AS moved
            GROUP BY pack_id
        ) AS due USING (pack_id)
        WHERE kept.points IS DISTINCT FROM due.points
    """,
    "each pack was bought as two people agreed, and refilled no more often": f"""
        SELECT 'pack ' || pack.pack_id,
               'its moves are not those that its offer and ' || coalesce(approval.decided_by, 'nobody') || ' allow'
        FROM settlement.pack AS pack
        LEFT JOIN settlement.approval AS approval
          ON approval.kind = 'pack' AND approval.subject = pack.pack_id AND approval.state = 'approved'
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE kind = 'bought') AS bought,
                   count(*) FILTER (WHERE kind = 'bought' AND number = 1 AND points = {_DOCUMENT.format("points")}
                                    AND paid_minor = {_DOCUMENT.format("amount_minor")}) AS as_agreed,
                   count(*) FILTER (WHERE kind = 'refilled') AS refills,
                   count(*) FILTER (WHERE kind = 'refilled'
                                    AND points <> (document->'refill'->>'points')::bigint) AS odd_refills,
                   coalesce(sum(points) FILTER (WHERE kind IN ('reserved', 'opened')), 0) AS reserved
            FROM settlement.pack_move AS move WHERE move.pack_id = pack.pack_id
        ) AS moves ON true
        WHERE bought <> (approval.subject IS NOT NULL)::integer OR as_agreed <> bought OR odd_refills > 0
           OR approval.digest <> pack.digest
           OR refills > coalesce((document->'refill'->>'most')::bigint, 0)
           OR (reserved <> 0 AND reserved <> -coalesce({_DOCUMENT.format("reserve_points")}, 0))
    """,
    "each draw on a pack covers points that its issuer gave out within its window": """
        SELECT 'draw ' || draw.partner_id || '/' || draw.event_id || '/' || draw.line || ' on ' || draw.pack_id,
               draw.points || ' points of ' || coalesce(transfer.points::text, 'none') || ' of '
               || coalesce(transfer.issuer, 'nobody')
        FROM (
            SELECT partner_id, event_id, line, pack_id, points, business_date, tx,
                   sum(points) OVER (PARTITION BY partner_id, event_id, line) AS all_points
            FROM settlement.pack_draw WHERE origin = ''
        ) AS draw
        LEFT JOIN settlement.pack AS pack USING (pack_id)
        LEFT JOIN hub.transfer AS transfer
          ON transfer.partner_id = draw.partner_id AND transfer.event_id = draw.event_id AND transfer.line = draw.line
         AND starts_with(transfer.debit_account, 'issued:') AND transfer.credit_account = 'available'
        WHERE transfer.points IS NULL OR pack.partner IS DISTINCT FROM transfer.issuer
           OR all_points > transfer.points OR draw.business_date <> transfer.business_date OR draw.tx <> transfer.tx
           OR draw.business_date NOT BETWEEN (document->>'valid_from')::date AND (document->>'valid_until')::date
    """,
    "what comes back to packs is what an event took back of the points that they covered": f"""
        SELECT 'event ' || coalesce(due.partner_id, back.partner_id) || '/' || coalesce(due.event_id, back.event_id),
               coalesce(back.points, 0) || ' points came back to packs of ' || coalesce(due.issuer, back.issuer) || ', '
               || coalesce(due.points, 0) || ' are due'
        FROM (
            SELECT partner_id, event_id, issuer, {_RANGE.format(before="before", points="taken")} AS points
            FROM (
                SELECT transfer.partner_id, transfer.event_id, transfer.issuer, sum(transfer.points) AS taken,
                       (SELECT coalesce(sum(other.points), 0)
                        FROM hub.event AS earlier JOIN hub.transfer AS other USING (member_id, partner_id, event_id)
                        WHERE earlier.partner_id = transfer.partner_id AND earlier.refers_to = event.refers_to
                          AND earlier.kind = event.kind AND earlier.returned_before < event.returned_before
                          AND other.debit_account = 'available'
                          AND other.credit_account = 'issued:' || transfer.issuer
                          AND NOT starts_with(other.kind, 'qualifying')) AS before,
                       (SELECT coalesce(sum(owed.points), 0) FROM settlement.obligation AS owed
                        WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to
                          AND owed.issuer = transfer.issuer AND owed.kind = 'issue' AND owed.origin = '') AS uncovered
                FROM hub.transfer AS transfer
                JOIN hub.event AS event USING (partner_id, event_id)
                WHERE event.kind IN ('refund', 'exchange-reversal') AND NOT starts_with(transfer.kind, 'qualifying')
                  AND transfer.debit_account = 'available'
                  AND transfer.credit_account = 'issued:' || transfer.issuer
                  AND transfer.issuer IN (SELECT partner FROM settlement.pack)
                GROUP BY transfer.partner_id, transfer.event_id, transfer.issuer, event.refers_to, event.kind,
                         event.returned_before
            ) AS taking
        ) AS due
        FULL JOIN (
            SELECT draw.partner_id, draw.event_id, pack.partner AS issuer, -sum(draw.points) AS points
            FROM settlement.pack_draw AS draw JOIN settlement.pack AS pack USING (pack_id)
            WHERE draw.origin <> '' GROUP BY draw.partner_id, draw.event_id, pack.partner
        ) AS back USING (partner_id, event_id, issuer)
        WHERE coalesce(due.points, 0) <> coalesce(back.points, 0)
    """,
    "no more comes back to a pack than was drawn on it": """
        SELECT 'event ' || min(origin) || ' on ' || pack_id, 'more than ' || coalesce(min(drawn), 0) || ' came back'
        FROM (
            SELECT back.pack_id, back.line, back.origin, -back.points AS points, draw.points AS drawn
            FROM settlement.pack_draw AS back
            LEFT JOIN settlement.pack_draw AS draw
              ON draw.origin = '' AND draw.partner_id || '/' || draw.event_id = back.origin
             AND draw.line = back.line AND draw.pack_id = back.pack_id
            WHERE back.origin <> ''
        ) AS returns
        GROUP BY pack_id, origin, line HAVING sum(points) > coalesce(min(drawn), 0)
    """,
    "each purchase and each end of a pack is owed": """
        SELECT 'pack ' || coalesce(move.pack_id || '/' || move.number, owed.event_id),
               'paid ' || coalesce(move.paid_minor, 0) || ', owed ' || coalesce(owed.amount_minor, 0)
        FROM (
            SELECT move.*, pack.partner, document->>'currency' AS currency
            FROM settlement.pack_move AS move JOIN settlement.pack AS pack USING (pack_id) WHERE paid_minor <> 0
        ) AS move
        FULL JOIN (
            SELECT obligation.*, CASE issuer WHEN '@fund' THEN redeemer ELSE issuer END AS partner,
                   CASE issuer WHEN '@fund' THEN -amount_minor ELSE amount_minor END AS paid
            FROM settlement.obligation AS obligation WHERE kind = 'pack'
        ) AS owed ON owed.event_id = 'pack-' || move.pack_id || '-' || move.number
        WHERE (owed.paid, owed.partner, owed.currency, owed.business_date, owed.points, owed.tx)
            IS DISTINCT FROM
              (move.paid_minor, move.partner, move.currency, move.business_date, abs(move.points), move.tx)
    """,
}
