"""The ledger's invariants of cards, as in `checks`: who held them, which purchases there are, and which bonuses."""

from __future__ import annotations

CHECKS_OF_CARDS: dict[str, str] = {
    "each card is held as its events say": """
        SELECT 'card of ' || partner_id || '/' || event_id, 'is not what its event says'
        FROM hub.card_change AS change LEFT JOIN hub.event AS event USING (partner_id, event_id)
        WHERE event.kind IS NULL OR event.occurred_at <> change.effective_at
           OR event.kind <> ALL (CASE WHEN change.member_id IS NULL THEN array['card-unlink', 'card-replacement']
                                      ELSE array['card-link', 'card-replacement'] END)
           OR change.member_id <> event.member_id
    """,
    "each purchase with a card is the earning that it names": """
        SELECT 'purchase ' || coalesce(event.partner_id, purchase.partner_id) || '/'
                           || coalesce(event.event_id, purchase.event_id), 'is not what its event says'
        FROM (SELECT * FROM hub.event WHERE kind = 'earning' AND details ? 'line') AS event
        FULL JOIN hub.card_purchase AS purchase USING (partner_id, event_id)
        WHERE (event.amount_minor, event.currency, event.occurred_at, event.details->>'represents')
              IS DISTINCT FROM (purchase.amount_minor, purchase.currency, purchase.occurred_at, purchase.represents)
           OR purchase.line <> CASE WHEN event.details ? 'bonus' THEN '' ELSE event.details->>'line' END
           OR (purchase.represents IS NULL) <> (purchase.origin = purchase.event_id)
    """,
    "each bonus was given once for a card line": """
        SELECT 'bonus ' || coalesce(given.partner_id, event.partner_id) || '/'
                        || coalesce(given.event_id, event.event_id), 'is not what its event says'
        FROM (SELECT * FROM hub.event
              WHERE kind = 'earning' AND details ? 'bonus' AND NOT details ? 'represents') AS event
        FULL JOIN hub.card_bonus AS given USING (partner_id, event_id)
        WHERE (event.details->>'line', event.details->>'bonus', event.amount_minor)
              IS DISTINCT FROM (given.line, given.name, given.spend_minor)
    """,
}
