"""POST /v1/keys/rotate: a key hands over to a new one. Registration is in `hub.api.public`: nobody known signs it."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint
from hub.services import partners
from partner_sdk.wire.schemas import KeyRotation, RotationAnswer


def rotate(call: Call) -> dict[str, Any]:
    """Let the key that signed the request hand over."""
    return partners.rotate_key(call.hub, call.caller.key, call.body)


ENDPOINTS = (
    Endpoint(
        "POST", "/v1/keys/rotate", "Hand over to a new key", RotationAnswer, rotate, KeyRotation,
        refusals=("weak_key", "proof_invalid", "wrong_environment", "key_exists", "key_handed_over"),
    ),
)  # fmt: skip
