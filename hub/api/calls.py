"""What an endpoint is, and what it is given: the shapes shared by all files in `endpoints`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from marshmallow import Schema

from hub.services.authentication import Caller
from hub.services.context import Hub


class Call(NamedTuple):
    """One authenticated, validated request."""

    hub: Hub
    caller: Caller
    body: Mapping[str, Any]
    """The body as its schema loaded it; empty where there is none."""
    path: Mapping[str, str]
    query: Mapping[str, Any]


def named_member(call: Call) -> str:
    """Return the member that a call names, in its path or in its body."""
    return str(call.path["member"] if "member" in call.path else call.body["member"])


class Endpoint(NamedTuple):
    """One line of the contract: what may be asked, how it is answered, who answers."""

    method: str
    path: str
    summary: str
    answer: type[Schema]
    handle: Callable[[Call], dict[str, Any]]
    request: type[Schema] | None = None
    query: type[Schema] | None = None
    instead: type[Schema] | None = None
    """The other answer, where the query may ask for one."""
    body_optional: bool = False
    """Whether a request without a body means ``{}``."""
    member: Callable[[Call], str] | None = None
    """The member that it is about, whose rate limit it counts against."""
    refusals: tuple[str, ...] = ()
    """Codes this endpoint may refuse with, beyond those that any signed request may meet."""
