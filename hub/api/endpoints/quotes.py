"""POST /v1/quotes: what an earning, a redemption or an exchange would give."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import quotes
from partner_sdk.wire.schemas import QuoteAnswer, QuoteRequest


def post(call: Call) -> dict[str, Any]:
    """Quote without doing it."""
    return quotes.quote(call.hub, call.caller.partner, call.body)


def member(call: Call) -> str:
    """Return whom the quote is for."""
    (asked,) = call.body.values()
    return str(asked["member"])


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/quotes",
        "Quote an earning, a redemption or an exchange",
        QuoteAnswer,
        post,
        QuoteRequest,
        member=member,
        refusals=(
            "unknown_member",
            "no_rate",
            "no_contract",
            "currency_mismatch",
            "points_mismatch",
            "points_over_cap",
            "occurred_in_future",
            "amount_not_exchangeable",
            "member_in_debt",
            "not_in_pool",
            "member_blocked",
        ),
    ),
)
