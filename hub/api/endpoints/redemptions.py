"""/v1/redemptions: spend a member's points at the caller, or hold them first; take a redemption back."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint, named_member
from hub.services import captures, redemptions, reversals
from partner_sdk.wire.returns import (
    CaptureAnswer,
    CaptureRequest,
    EmptyRequest,
    ReversalAnswer,
    ReversalRequest,
    VoidAnswer,
)
from partner_sdk.wire.schemas import RedemptionAnswer, RedemptionRequest


def post(call: Call) -> dict[str, Any]:
    """Redeem at once, or hold."""
    return redemptions.redeem(call.hub, call.caller.partner, call.caller.evidence, call.body, call.caller.moment)


def capture(call: Call) -> dict[str, Any]:
    """Capture a hold."""
    caller = call.caller
    return captures.capture(call.hub, caller.partner, caller.evidence, call.path["redemption_id"], call.body)


def void(call: Call) -> dict[str, Any]:
    """Void a hold."""
    return captures.void(call.hub, call.caller.partner, call.caller.evidence, call.path["redemption_id"])


def reverse(call: Call) -> dict[str, Any]:
    """Reverse a redemption or a captured hold."""
    caller = call.caller
    return reversals.reverse(call.hub, caller.partner, caller.evidence, call.path["redemption_id"], call.body)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/redemptions",
        "Redeem points of a member, or hold them",
        RedemptionAnswer,
        post,
        RedemptionRequest,
        member=named_member,
        refusals=(
            "insufficient_points",
            "event_conflict",
            "unknown_member",
            "no_rate",
            "member_in_debt",
            "not_in_pool",
            "member_blocked",
            "credit_limit_reached",
        ),
    ),
    Endpoint(
        "POST",
        "/v1/redemptions/{redemption_id}/capture",
        "Burn what a hold reserves, or a part of it",
        CaptureAnswer,
        capture,
        CaptureRequest,
        body_optional=True,
        refusals=("unknown_event", "hold_closed", "exceeds_original", "event_conflict"),
    ),
    Endpoint(
        "POST",
        "/v1/redemptions/{redemption_id}/void",
        "Release what a hold reserves",
        VoidAnswer,
        void,
        EmptyRequest,
        body_optional=True,
        refusals=("unknown_event", "hold_closed", "event_conflict"),
    ),
    Endpoint(
        "POST",
        "/v1/redemptions/{redemption_id}/reverse",
        "Take a redemption back, whole or in part",
        ReversalAnswer,
        reverse,
        ReversalRequest,
        body_optional=True,
        refusals=("unknown_event", "not_reversible", "exceeds_original", "event_conflict"),
    ),
)
