"""GET /v1/records: all that the caller sent in a day or a cycle, and what became of each record."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import records
from partner_sdk.wire.records import RecordsAnswer, RecordsQuery


def get(call: Call) -> dict[str, Any]:
    """Return a page of records."""
    query, caller = call.query, call.caller.partner.partner_id
    asked = (query.get("day"), query.get("cycle"), query.get("cursor", ""), query["limit"])
    return records.page(call.hub, caller, *asked)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/records",
        "Own records of a day or a cycle, and what became of them",
        RecordsAnswer,
        get,
        query=RecordsQuery,
        refusals=("unknown_cycle", "cursor_invalid"),
    ),
)
