"""Which requests may take the express lane: how each is named by its raw path, its schema, and what does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from marshmallow import Schema

from hub.services import group_commit
from hub.services.group_commit import Post
from partner_sdk.wire.returns import CaptureRequest
from partner_sdk.wire.schemas import EarningsRequest, RedemptionRequest

_MEMBER = re.compile(r"[!-.0-~]+")
"""A name of a member that means the same however a path is read; the others are left to the usual way."""


class Lane(NamedTuple):
    """One kind of request that may take the lane."""

    method: str
    route: str
    """The path of its endpoint, with names for what varies."""
    schema: type[Schema] | None
    post: Post
    body_optional: bool = False
    of_member: bool = False
    """Whether it counts against the rate limit of the member that it names."""


class Found(NamedTuple):
    """A request's lane, and what varies in its path."""

    lane: Lane
    path: Mapping[str, str]


LANES = (
    Lane("POST", "/v1/earnings", EarningsRequest, group_commit.report),
    Lane("POST", "/v1/redemptions", RedemptionRequest, group_commit.redeem, of_member=True),
    Lane("POST", "/v1/redemptions/{redemption_id}/capture", CaptureRequest, group_commit.capture, body_optional=True),
    Lane("GET", "/v1/members/{member}", None, group_commit.look, of_member=True),
)
_FIXED = {(lane.method, lane.route): Found(lane, {}) for lane in LANES if "{" not in lane.route}
_VARYING = [
    (lane, re.compile(lane.method + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", lane.route)))
    for lane in LANES
    if "{" in lane.route
]


def find(method: str, raw_path: str) -> Found | None:
    """Return the lane of a request by its method and its path as it was sent; None for all that has none."""
    fixed = _FIXED.get((method, raw_path))
    if fixed is not None:
        return fixed
    for lane, pattern in _VARYING:
        match = pattern.fullmatch(method + raw_path)
        if match is not None:
            path = {name: unquote(value) for name, value in match.groupdict().items()}
            return Found(lane, path) if all(map(_MEMBER.fullmatch, path.values())) else None
    return None
