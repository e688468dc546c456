"""POST /v1/redemptions: spend a member's points at the caller."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import redemptions
from partner_sdk.wire.schemas import RedemptionAnswer, RedemptionRequest


def post(call: Call) -> dict[str, Any]:
    """Redeem at once."""
    return redemptions.redeem(call.hub, call.caller.partner, call.caller.evidence, call.body, call.caller.moment)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/redemptions",
        "Redeem points of a member",
        RedemptionAnswer,
        post,
        RedemptionRequest,
        refusals=("insufficient_points", "event_conflict", "unknown_member", "no_rate"),
    ),
)
