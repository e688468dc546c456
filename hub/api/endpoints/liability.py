"""/v1/liability and /v1/accruals: what the caller's points come to."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import liability
from partner_sdk.wire.liability import AccrualsAnswer, AccrualsQuery, LiabilityAnswer


def held(call: Call) -> dict[str, Any]:
    """Return what members hold of the caller's points."""
    return liability.of_partner(call.hub, call.caller.partner.partner_id)


def accrued(call: Call) -> dict[str, Any]:
    """Return what the caller's points of a cycle came to."""
    return liability.accruals(call.hub, call.caller.partner.partner_id, call.query["cycle"])


ENDPOINTS = (
    Endpoint("GET", "/v1/liability", "What members hold of the caller's points", LiabilityAnswer, held),
    Endpoint(
        "GET",
        "/v1/accruals",
        "What the caller's points of a cycle came to",
        AccrualsAnswer,
        accrued,
        query=AccrualsQuery,
        refusals=("unknown_cycle",),
    ),
)
