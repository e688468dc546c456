"""POST /v1/earnings: a batch of sales."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import earnings
from partner_sdk.wire.schemas import EarningsAnswer, EarningsRequest


def post(call: Call) -> dict[str, Any]:
    """Post the sales; one result each, in order."""
    caller = call.caller
    return {"results": earnings.post(call.hub, caller.partner, caller.evidence, call.body["earnings"], caller.moment)}


ENDPOINTS = (Endpoint("POST", "/v1/earnings", "Report sales that earn points", EarningsAnswer, post, EarningsRequest),)
