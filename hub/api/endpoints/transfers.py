"""POST /v1/transfers: points from one member to another."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint, named_member
from hub.services import gifts, reporting
from partner_sdk.wire.between import TransferAnswer, TransferRequest


def post(call: Call) -> dict[str, Any]:
    """Transfer, give or donate."""
    return gifts.give(call.hub, reporting.by_partner(call.caller.partner, call.caller.evidence), call.body)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/transfers",
        "Move points of one member to another",
        TransferAnswer,
        post,
        TransferRequest,
        member=named_member,
        refusals=(
            "insufficient_points",
            "event_conflict",
            "unknown_member",
            "same_member",
            "not_a_charity",
            "member_in_debt",
            "limit_exceeded",
            "member_blocked",
        ),
    ),
)
