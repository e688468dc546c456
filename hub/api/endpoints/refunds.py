"""POST /v1/refunds: returned purchases give back what they earned."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import refunds
from partner_sdk.wire.returns import RefundsAnswer, RefundsRequest


def post(call: Call) -> dict[str, Any]:
    """Post the refunds; one result each, in order."""
    caller = call.caller
    return {"results": refunds.post(call.hub, caller.partner, caller.evidence, call.body["refunds"])}


ENDPOINTS = (Endpoint("POST", "/v1/refunds", "Report returned purchases", RefundsAnswer, post, RefundsRequest),)
