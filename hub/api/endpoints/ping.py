"""GET /v1/ping: who the hub takes the caller for, and what time it is."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import partners
from partner_sdk.wire.schemas import PingAnswer


def get(call: Call) -> dict[str, Any]:
    """Return the caller's key state and both clocks."""
    return partners.ping(call.hub, call.caller.key)


ENDPOINTS = (Endpoint("GET", "/v1/ping", "Check key, clock and signature", PingAnswer, get),)
