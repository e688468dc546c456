"""GET /v1/packs: the points that the caller bought in advance."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import pack_sales
from partner_sdk.wire.packs import PacksAnswer


def get(call: Call) -> dict[str, Any]:
    """List them by id."""
    return {"packs": pack_sales.of_partner(call.hub, call.caller.partner.partner_id)}


ENDPOINTS = (Endpoint("GET", "/v1/packs", "Points that the caller bought in advance", PacksAnswer, get),)
