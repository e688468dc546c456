"""/v1/merges: two accounts of one person become one, and two again."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import merges, reporting
from partner_sdk.wire.between import MergeAnswer, MergeRequest
from partner_sdk.wire.returns import EmptyRequest


def post(call: Call) -> dict[str, Any]:
    """Merge one member into another."""
    return merges.merge(call.hub, reporting.by_service_desk(call.caller), call.body)


def undo(call: Call) -> dict[str, Any]:
    """Undo a merge."""
    return merges.undo(call.hub, reporting.by_service_desk(call.caller), call.path["event_id"])


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/merges",
        "Merge one member into another",
        MergeAnswer,
        post,
        MergeRequest,
        refusals=("not_allowed", "event_conflict", "unknown_member", "same_member", "already_merged", "member_blocked"),
    ),
    Endpoint(
        "POST",
        "/v1/merges/{event_id}/undo",
        "Undo a merge",
        MergeAnswer,
        undo,
        EmptyRequest,
        body_optional=True,
        refusals=("not_allowed", "unknown_event", "event_conflict", "merged_since"),
    ),
)
