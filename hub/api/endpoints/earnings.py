"""/v1/earnings: a batch of sales, and the confirmation that one stands."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import confirmations, earnings
from partner_sdk.wire.returns import ConfirmationAnswer, EmptyRequest
from partner_sdk.wire.schemas import EarningsAnswer, EarningsRequest


def post(call: Call) -> dict[str, Any]:
    """Post the sales; one result each, in order."""
    caller = call.caller
    return {"results": earnings.post(call.hub, caller.partner, caller.evidence, call.body["earnings"], caller.moment)}


def confirm(call: Call) -> dict[str, Any]:
    """Confirm one sale."""
    return confirmations.confirm(call.hub, call.caller.partner, call.caller.evidence, call.path["event_id"])


ENDPOINTS = (
    Endpoint("POST", "/v1/earnings", "Report sales that earn points", EarningsAnswer, post, EarningsRequest),
    Endpoint(
        "POST",
        "/v1/earnings/{event_id}/confirm",
        "Let the pending points of a sale be spent",
        ConfirmationAnswer,
        confirm,
        EmptyRequest,
        body_optional=True,
        refusals=("unknown_event", "not_reversible", "not_pending"),
    ),
)
