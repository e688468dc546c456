"""POST /v1/pools: who puts points together, and who spends them."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import household_pools, reporting
from partner_sdk.wire.between import PoolAnswer, PoolRequest


def post(call: Call) -> dict[str, Any]:
    """Set the members of a pool."""
    reporter = reporting.by_partner(call.caller.partner, call.caller.evidence)
    return household_pools.set_members(call.hub, reporter, call.body)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/pools",
        "Set the members of a household pool",
        PoolAnswer,
        post,
        PoolRequest,
        refusals=("event_conflict", "unknown_member", "same_member", "in_another_pool"),
    ),
)
