"""Parts of the OpenAPI document beside schemas: what stands in paths, header fields of answers, and links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hub.api.calls import Endpoint
from partner_sdk.wire.fields import Text
from partner_sdk.wire.values import cycle, identifier, member

_VALUES: dict[str, Text] = {"member": member(), "cycle": cycle()}
_ID = identifier()
_WHOLE, _TEXT = {"type": "integer", "minimum": 1}, {"type": "string"}
HEADERS: dict[str, dict[str, Any]] = {
    "Request-Id": {"description": "Under which the operator finds the request in the log", "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait", "schema": _WHOLE},
    "RateLimit-Policy": {"description": "A rate limit: q requests in w seconds", "schema": _TEXT},
    "RateLimit": {"description": "What is left of it, and in how many seconds there is more", "schema": _TEXT},
}
_RATE_LIMIT = ("RateLimit-Policy", "RateLimit")


def path_parameters(path: str) -> list[dict[str, Any]]:
    """Return the parameters of a path, each with its pattern."""
    return [
        {"in": "path", "name": name, "required": True, "schema": {**_TEXT, **_VALUES.get(name, _ID).metadata}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def headers(status: str, signed: bool) -> dict[str, Any]:
    """Return references to the header fields that answers with a status have."""
    names = ["Request-Id"]
    names += ["Retry-After"] if status in {"429", "503"} else []
    names += _RATE_LIMIT if status == "429" or (status == "200" and signed) else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def links(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return what may follow an answer: the calls whose path has an id that the answer gives."""
    given = [name for name in endpoint.answer().fields if name.endswith("_id")]
    return {
        operation_id(other.method, other.path): {
            "operationId": operation_id(other.method, other.path),
            "parameters": {name: f"$response.body#/{name}"},
        }
        for name in given
        for other in endpoints
        if f"/{{{name}}}" in other.path and endpoint.method == "POST" and "{" not in endpoint.path
    }


def operation_id(method: str, path: str) -> str:
    """Return the name of an operation, the words of its path in a row."""
    return "_".join([method.lower(), *re.findall(r"[a-z]+", path.removeprefix("/v1"))])
