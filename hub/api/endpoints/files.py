"""/v1/files: bulk files, part by part; how far they are; what became of each of their records."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services.files import receiving, results
from partner_sdk.wire.files import FileAnswer, FilePartAnswer, FilePartRequest, FileRequest, FileResultsAnswer
from partner_sdk.wire.returns import EmptyRequest
from partner_sdk.wire.schemas import EventsQuery


def open_file(call: Call) -> dict[str, Any]:
    """Open a file, or return it as it stands."""
    return receiving.open_file(call.hub, call.caller.partner, call.caller.evidence, call.body)


def add_part(call: Call) -> dict[str, Any]:
    """Keep a part."""
    return receiving.add_part(call.hub, call.caller.partner, call.path["file_id"], call.path["number"], call.body)


def complete(call: Call) -> dict[str, Any]:
    """Say that all of a file is there."""
    return receiving.complete(call.hub, call.caller.partner, call.path["file_id"])


def show(call: Call) -> dict[str, Any]:
    """Return a file as it stands."""
    return receiving.view(call.hub, call.caller.partner.partner_id, call.path["file_id"])


def result_page(call: Call) -> dict[str, Any]:
    """Return a page of results."""
    asked = call.query.get("cursor", ""), call.query["limit"]
    return results.page(call.hub, call.caller.partner, call.path["file_id"], *asked)


ENDPOINTS = (
    Endpoint(
        "POST", "/v1/files", "Open a bulk file", FileAnswer, open_file, FileRequest,
        refusals=("unknown_template", "unknown_file", "event_conflict"),
    ),
    Endpoint(
        "POST", "/v1/files/{file_id}/parts/{number}", "Send a part of a file", FilePartAnswer, add_part,
        FilePartRequest, refusals=("unknown_file", "event_conflict", "file_closed"),
    ),
    Endpoint(
        "POST", "/v1/files/{file_id}/complete", "Say that all parts of a file were sent", FileAnswer, complete,
        EmptyRequest, body_optional=True, refusals=("unknown_file", "parts_missing"),
    ),
    Endpoint("GET", "/v1/files/{file_id}", "See how far a file is", FileAnswer, show, refusals=("unknown_file",)),
    Endpoint(
        "GET", "/v1/files/{file_id}/results", "List what became of a file's records", FileResultsAnswer, result_page,
        query=EventsQuery, refusals=("unknown_file", "file_not_posted", "cursor_invalid"),
    ),
)  # fmt: skip
