"""The index of the signed endpoints; OpenAPI and the Flask rules are both made from it."""

from __future__ import annotations

from hub.api.calls import Endpoint
from hub.api.endpoints import (
    card_records,
    cards,
    disputes,
    earnings,
    events,
    exchanges,
    expiring,
    files,
    keys,
    log,
    members,
    merges,
    packs,
    ping,
    pools,
    quotes,
    rates,
    redemptions,
    refunds,
    statements,
    transfers,
    webhooks,
)

SIGNED: tuple[Endpoint, ...] = (
    *earnings.ENDPOINTS,
    *refunds.ENDPOINTS,
    *files.ENDPOINTS,
    *redemptions.ENDPOINTS,
    *quotes.ENDPOINTS,
    *exchanges.ENDPOINTS,
    *members.ENDPOINTS,
    *expiring.ENDPOINTS,
    *transfers.ENDPOINTS,
    *pools.ENDPOINTS,
    *merges.ENDPOINTS,
    *cards.ENDPOINTS,
    *card_records.ENDPOINTS,
    *rates.ENDPOINTS,
    *events.ENDPOINTS,
    *statements.ENDPOINTS,
    *disputes.ENDPOINTS,
    *packs.ENDPOINTS,
    *log.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *keys.ENDPOINTS,
    *ping.ENDPOINTS,
)
