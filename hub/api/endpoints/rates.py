"""GET /v1/rates: the caller's own earning rates and reimbursement prices, all versions."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import partners
from partner_sdk.wire.schemas import RatesAnswer


def get(call: Call) -> dict[str, Any]:
    """Return every version."""
    return {"rates": partners.rates(call.caller.partner)}


ENDPOINTS = (Endpoint("GET", "/v1/rates", "Own rates, all versions", RatesAnswer, get),)
