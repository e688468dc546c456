"""GET /v1/expiring: what the caller has issued and ends soon."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import expiring
from partner_sdk.wire.schemas import ExpiringAnswer, ExpiringQuery


def get(call: Call) -> dict[str, Any]:
    """List it by day and kind."""
    return {"expiring": expiring.listing(call.hub, call.query["until"], call.caller.partner.partner_id)}


ENDPOINTS = (
    Endpoint("GET", "/v1/expiring", "Points of the caller's that end soon", ExpiringAnswer, get, query=ExpiringQuery),
)
