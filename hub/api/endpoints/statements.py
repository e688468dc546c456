"""/v1/statements: the caller's published statements and their lines."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import history
from partner_sdk.wire.schemas import EventsQuery, StatementAnswer, StatementLinesAnswer, StatementsAnswer


def listing(call: Call) -> dict[str, Any]:
    """Return a page of statements."""
    return history.statement_page(call.hub, call.caller.partner, call.query.get("cursor", ""), call.query["limit"])


def get(call: Call) -> dict[str, Any]:
    """Return one statement: nets, positions and digests."""
    return history.statement(call.hub, call.caller.partner, call.path["cycle"])


def lines(call: Call) -> dict[str, Any]:
    """Return a page of a statement's lines."""
    return history.statement_lines(
        call.hub, call.caller.partner, call.path["cycle"], call.query.get("cursor", ""), call.query["limit"]
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/statements",
        "Own statements",
        StatementsAnswer,
        listing,
        query=EventsQuery,
        refusals=("cursor_invalid",),
    ),
    Endpoint(
        "GET",
        "/v1/statements/{cycle}",
        "One statement",
        StatementAnswer,
        get,
        refusals=("unknown_cycle",),
    ),
    Endpoint(
        "GET",
        "/v1/statements/{cycle}/lines",
        "Lines of a statement",
        StatementLinesAnswer,
        lines,
        query=EventsQuery,
        refusals=("unknown_cycle", "cursor_invalid"),
    ),
)
