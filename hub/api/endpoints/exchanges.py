"""/v1/exchanges: take a quote between the caller's own currency and points, and say how the caller's side went."""

from __future__ import annotations

from functools import partial
from typing import Any

from hub.api.calls import Call, Endpoint, named_member
from hub.services import exchange_steps, exchanges, reporting
from partner_sdk.wire.exchanging import ExchangeAnswer, ExchangeRequest, ExchangesAnswer, ExchangesQuery
from partner_sdk.wire.returns import EmptyRequest


def post(call: Call) -> dict[str, Any]:
    """Take a quote."""
    return exchanges.take(call.hub, call.caller.partner, call.caller.evidence, call.body)


def follow(step: str, call: Call) -> dict[str, Any]:
    """Take a step of an exchange."""
    reporter = reporting.by_partner(call.caller.partner, call.caller.evidence)
    return exchange_steps.take_step(call.hub, reporter, call.path["exchange_id"], step)


def get(call: Call) -> dict[str, Any]:
    """Return one exchange."""
    return exchanges.show(call.hub, call.caller.partner, call.path["exchange_id"])


def listing(call: Call) -> dict[str, Any]:
    """Return a page of exchanges."""
    query = call.query
    return exchanges.page(
        call.hub, call.caller.partner, query.get("state", ""), query.get("cursor", ""), query["limit"]
    )  # fmt: skip


def _step(name: str, summary: str, *refusals: str) -> Endpoint:
    return Endpoint(
        "POST",
        f"/v1/exchanges/{{exchange_id}}/{name}",
        summary,
        ExchangeAnswer,
        partial(follow, name),
        EmptyRequest,
        body_optional=True,
        refusals=("unknown_event", "exchange_closed", *refusals),
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/exchanges",
        "Take the quote of an exchange",
        ExchangeAnswer,
        post,
        ExchangeRequest,
        member=named_member,
        refusals=(
            "unknown_member",
            "quote_invalid",
            "quote_expired",
            "quote_taken",
            "insufficient_points",
            "member_in_debt",
            "issuing_frozen",
            "no_rate",
            "no_contract",
            "payment_missing",
            "payment_taken",
            "limit_exceeded",
            "event_conflict",
            "member_blocked",
        ),
    ),
    _step("confirm", "Say that the caller's side of an exchange is done", "no_contract"),
    _step("fail", "Say that the caller's side of an exchange is not done and will not be"),
    _step("reverse", "Undo a confirmed exchange", "not_reversible", "insufficient_points"),
    Endpoint("GET", "/v1/exchanges/{exchange_id}", "One exchange", ExchangeAnswer, get, refusals=("unknown_event",)),
    Endpoint(
        "GET",
        "/v1/exchanges",
        "Own exchanges",
        ExchangesAnswer,
        listing,
        query=ExchangesQuery,
        refusals=("cursor_invalid",),
    ),
)
