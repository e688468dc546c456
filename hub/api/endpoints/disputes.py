"""/v1/disputes: open disputes about lines of the caller's statements, take them further, and look at them."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import disputes
from partner_sdk.wire.disputing import DisputeAnswer, DisputeRequest, EscalationRequest
from partner_sdk.wire.returns import EmptyRequest
from partner_sdk.wire.schemas import DisputesAnswer, EventsQuery


def post(call: Call) -> dict[str, Any]:
    """Open a dispute."""
    return disputes.open_dispute(call.hub, call.caller.partner, call.body)


def escalate(call: Call) -> dict[str, Any]:
    """Take a rejected dispute to its next stage."""
    return disputes.escalate(call.hub, call.caller.partner, call.path["dispute_id"], call.body)


def withdraw(call: Call) -> dict[str, Any]:
    """Give a dispute up."""
    return disputes.withdraw(call.hub, call.caller.partner, call.path["dispute_id"])


def get(call: Call) -> dict[str, Any]:
    """Return one dispute."""
    return disputes.show(call.hub, call.caller.partner.partner_id, call.path["dispute_id"])


def listing(call: Call) -> dict[str, Any]:
    """Return a page of disputes."""
    return disputes.page(call.hub, call.caller.partner, call.query.get("cursor", ""), call.query["limit"])


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/disputes",
        "Dispute lines of a statement",
        DisputeAnswer,
        post,
        DisputeRequest,
        refusals=("unknown_cycle", "unknown_line", "not_disputable", "exceeds_original", "event_conflict"),
    ),
    Endpoint(
        "POST",
        "/v1/disputes/{dispute_id}/escalate",
        "Take a rejected dispute further",
        DisputeAnswer,
        escalate,
        EscalationRequest,
        refusals=("unknown_dispute", "dispute_closed"),
    ),
    Endpoint(
        "POST",
        "/v1/disputes/{dispute_id}/withdraw",
        "Withdraw a dispute",
        DisputeAnswer,
        withdraw,
        EmptyRequest,
        body_optional=True,
        refusals=("unknown_dispute", "dispute_closed"),
    ),
    Endpoint("GET", "/v1/disputes/{dispute_id}", "One dispute", DisputeAnswer, get, refusals=("unknown_dispute",)),
    Endpoint(
        "GET", "/v1/disputes", "Own disputes", DisputesAnswer, listing, query=EventsQuery, refusals=("cursor_invalid",)
    ),
)
