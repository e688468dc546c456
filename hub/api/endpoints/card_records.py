"""POST /v1/card-records: what an issuer reports of its cards."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import card_records
from partner_sdk.wire.card_records import CardRecordsAnswer, CardRecordsRequest


def post(call: Call) -> dict[str, Any]:
    """Post the records; one result each, in order."""
    caller = call.caller
    return {"results": card_records.post(call.hub, caller.partner, caller.evidence, call.body["records"])}


ENDPOINTS = (
    Endpoint("POST", "/v1/card-records", "Report purchases with cards", CardRecordsAnswer, post, CardRecordsRequest),
)
