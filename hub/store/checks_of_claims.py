"""The ledger's invariants of retro claims, as in `checks`: what was granted is an earning, and only that is."""

from __future__ import annotations

CHECKS_OF_CLAIMS: dict[str, str] = {
    "each claim that was granted has its earning, and each such earning its claim": """
        SELECT 'claim ' || coalesce(claim.partner_id || '/' || claim.claim_id, event.details->>'claim'),
               'is ' || coalesce(state, 'not there') || '; its earning is '
               || coalesce(event.points || ' points for ' || event.amount_minor, 'not there')
        FROM (SELECT * FROM hub.claim WHERE state = 'granted') AS claim
        FULL JOIN (SELECT * FROM hub.event WHERE kind = 'earning' AND details ? 'claim') AS event
          ON event.partner_id = claim.at_partner AND event.event_id = claim.event_id
        WHERE event.event_id IS NULL OR claim.claim_id IS NULL
           OR event.details->>'claim' <> claim.partner_id || '/' || claim.claim_id
           OR (event.member_id, event.amount_minor, event.occurred_at)
              IS DISTINCT FROM (claim.member_id, claim.amount_minor, claim.occurred_at)
    """,
    "each claim stands where its last move put it": """
        SELECT 'claim ' || partner_id || '/' || claim_id,
               'is ' || claim.state || ', its last of ' || moves || ' moves says ' || coalesce(said, 'nothing')
        FROM hub.claim AS claim
        CROSS JOIN LATERAL (
            SELECT count(*) AS moves, (array_agg(move.state ORDER BY seq DESC))[1] AS said, max(seq) AS seq
            FROM hub.claim_move AS move
            WHERE (move.partner_id, move.claim_id) = (claim.partner_id, claim.claim_id)
        ) AS last
        WHERE said IS DISTINCT FROM claim.state OR last.seq <> moves
    """,
}
