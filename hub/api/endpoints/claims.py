"""/v1/claims: purchases that brought no points, claimed afterwards, and what both partners do about them."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import retro_claims
from partner_sdk.wire.claiming import ClaimAnswer, ClaimMoveRequest, ClaimQuery, ClaimRequest, ClaimsAnswer
from partner_sdk.wire.schemas import EventsQuery


def post(call: Call) -> dict[str, Any]:
    """Make a claim."""
    return retro_claims.open_claim(call.hub, call.caller.partner, call.caller.evidence, call.body)


def move(call: Call) -> dict[str, Any]:
    """Move a claim on."""
    caller = call.caller.partner.partner_id
    claimant, claim_id = call.body.get("partner", caller), call.path["claim_id"]
    return retro_claims.move(call.hub, caller, claimant, claim_id, call.body, call.caller.evidence)


def get(call: Call) -> dict[str, Any]:
    """Return one claim."""
    caller = call.caller.partner.partner_id
    return retro_claims.show(call.hub, caller, call.query.get("partner", caller), call.path["claim_id"])


def listing(call: Call) -> dict[str, Any]:
    """Return a page of claims."""
    return retro_claims.page(call.hub, call.caller.partner, call.query.get("cursor", ""), call.query["limit"])


_OF_PURCHASES = ("no_contract", "no_rate", "currency_mismatch")

ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/claims",
        "Claim points of a purchase afterwards",
        ClaimAnswer,
        post,
        ClaimRequest,
        refusals=(
            "unknown_member", "unknown_card", "unknown_partner", *_OF_PURCHASES, "occurred_in_future", "not_claimable",
            "event_conflict",
        ),
    ),
    Endpoint(
        "POST",
        "/v1/claims/{claim_id}/moves",
        "Answer or withdraw a claim, or decide on it",
        ClaimAnswer,
        move,
        ClaimMoveRequest,
        refusals=(
            "unknown_claim", "claim_closed", "already_reported", *_OF_PURCHASES, "points_over_cap", "issuing_frozen",
            "credit_limit_reached", "pack_exhausted", "event_conflict", "unknown_card", "unknown_member",
        ),
    ),
    Endpoint(
        "GET", "/v1/claims/{claim_id}", "One claim", ClaimAnswer, get, query=ClaimQuery, refusals=("unknown_claim",)
    ),
    Endpoint(
        "GET",
        "/v1/claims",
        "Claims of the caller, or about purchases at it",
        ClaimsAnswer,
        listing,
        query=EventsQuery,
        refusals=("cursor_invalid",),
    ),
)  # fmt: skip
