"""What only a sandbox does: members that force an outcome. In a live hub their names mean nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from hub.api.calls import Call, Endpoint
from hub.core.errors import Refused
from hub.services.authentication import Caller
from partner_sdk.wire import sandbox_members

SANDBOX = "sandbox"
NOTHING: frozenset[str] = frozenset()
_PREFIX = sandbox_members.PREFIX.encode()


def forces(caller: Caller, body: Mapping[str, Any], path: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the members whom a request names and that force its outcome; none in a live hub."""
    if caller.moment.environment != SANDBOX:
        return NOTHING
    if "earnings" in body and not any(sale["member"].startswith(sandbox_members.PREFIX) for sale in body["earnings"]):
        return NOTHING
    return sandbox_members.named(body, path)


def may_force(body: bytes) -> bool:
    """Tell whether `forces` is worth asking of a body: it names such a member, or may do so in escapes."""
    return _PREFIX in body or b"\\" in body


def handle(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """Answer a call at its endpoint, or as the members that it names force it."""
    forced = forces(call.caller, call.body, call.path)
    if not forced:
        return endpoint.handle(call)
    return sandbox_members.play(
        call.body, forced, lambda body: endpoint.handle(call._replace(body=body)), Refused, time.sleep
    )
