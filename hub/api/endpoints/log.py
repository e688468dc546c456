"""/v1/log: the log's checkpoint, and proofs of what is in it and that it only ever grew."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import log_proofs
from partner_sdk.wire.log import CheckpointAnswer, ConsistencyAnswer, ConsistencyQuery, ProofAnswer, ProofQuery


def checkpoint(call: Call) -> dict[str, Any]:
    """Return the newest checkpoint."""
    return log_proofs.checkpoint(call.hub)


def proof(call: Call) -> dict[str, Any]:
    """Return the proof that an event is in the log."""
    caller, query = call.caller.partner.partner_id, call.query
    return log_proofs.proof(call.hub, caller, query.get("partner", caller), query["event_id"], query.get("size"))


def consistency(call: Call) -> dict[str, Any]:
    """Return the proof that the log of one size begins that of another."""
    return log_proofs.consistency(call.hub, call.query["from"], call.query["to"])


ENDPOINTS = (
    Endpoint("GET", "/v1/log/checkpoint", "The log's newest checkpoint", CheckpointAnswer, checkpoint),
    Endpoint(
        "GET",
        "/v1/log/proof",
        "Proof that an event is in the log",
        ProofAnswer,
        proof,
        query=ProofQuery,
        refusals=("unknown_event", "not_sealed", "log_size"),
    ),
    Endpoint(
        "GET",
        "/v1/log/consistency",
        "Proof that the log only grew",
        ConsistencyAnswer,
        consistency,
        query=ConsistencyQuery,
        refusals=("log_size",),
    ),
)
