"""/v1/events: what the caller reported, in commit order, and what of its terminals' numbers is missing."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import explaining, history, sequences
from partner_sdk.wire.explaining import ExplanationAnswer
from partner_sdk.wire.schemas import EventsAnswer, EventsQuery, GapsAnswer, OwnEventsQuery


def get(call: Call) -> dict[str, Any]:
    """Return a page of events, or of gaps where the query asks for those."""
    if "gaps" in call.query:
        return gaps(call)
    return history.event_page(call.hub, call.caller.partner, call.query.get("cursor", ""), call.query["limit"])


def gaps(call: Call) -> dict[str, Any]:
    """Return a page of gaps."""
    return sequences.gap_page(call.hub, call.caller.partner, call.query.get("cursor", ""), call.query["limit"])


def explanation(call: Call) -> dict[str, Any]:
    """Say how an event of the caller's came to its points."""
    return explaining.explain_to(call.hub, call.caller.partner.partner_id, call.path["event"])


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/events/{event}/explanation",
        "Why an own event gave or took its points",
        ExplanationAnswer,
        explanation,
        refusals=("unknown_event",),
    ),
    Endpoint(
        "GET",
        "/v1/events",
        "Own events, or what is missing of them",
        EventsAnswer,
        get,
        query=OwnEventsQuery,
        instead=GapsAnswer,
        refusals=("cursor_invalid",),
    ),
    Endpoint(
        "GET",
        "/v1/events/gaps",
        "Missing and repeated numbers of terminals",
        GapsAnswer,
        gaps,
        query=EventsQuery,
        refusals=("cursor_invalid",),
    ),
)
