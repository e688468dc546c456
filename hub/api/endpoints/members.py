"""/v1/members: enrol members, attach identifiers, look at a balance."""

from __future__ import annotations

from typing import Any

from hub.api.calls import Call, Endpoint, named_member
from hub.services import members
from partner_sdk.wire.schemas import MemberAnswer, MembersAnswer, MembersRequest


def post(call: Call) -> dict[str, Any]:
    """Enrol members and attach identifiers; one result each, in order."""
    return {"results": members.enrol(call.hub, call.caller.partner, call.body["members"])}


def get(call: Call) -> dict[str, Any]:
    """Return a member's balance."""
    caller = call.caller
    return members.view(call.hub, call.path["member"], caller.partner.partner_id, caller.moment)


ENDPOINTS = (
    Endpoint("POST", "/v1/members", "Enrol members, attach identifiers", MembersAnswer, post, MembersRequest),
    Endpoint(
        "GET",
        "/v1/members/{member}",
        "Balance of a member",
        MemberAnswer,
        get,
        member=named_member,
        refusals=("unknown_member", "member_blocked"),
    ),
)
