"""The OpenAPI 3.1 document, written from the same index and schemas that serve the requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from hub.api import openapi_parts
from hub.api.calls import Endpoint
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE
from partner_sdk.wire.schemas import HubKeysAnswer, KeyAnswer, KeyRegistration, ProblemSchema

SIGNED_REFUSALS = (
    "signature_missing", "signature_malformed", "signature_parameters", "signature_components", "clock_skew",
    "signature_invalid", "unknown_key", "key_pending", "key_retired", "key_revoked", "wrong_authority",
    "partner_suspended", "rate_limited", "header_too_large", "malformed_request", "internal_error", "unavailable",
)  # fmt: skip
BODY_REFUSALS = (
    "body_too_large", "body_too_slow", "digest_malformed", "digest_mismatch", "unsupported_media_type",
    "malformed_json", "card_number", "invalid_request",
)  # fmt: skip
PUBLIC_REFUSALS = ("rate_limited", "header_too_large", "malformed_request", "internal_error", "unavailable")
EXACTLY_ONE = ("QuoteRequest", "QuoteAnswer")
"""Schemas of which a document has exactly one member, whichever."""
ABOUT = (
    "Every request is signed (RFC 9421, Ed25519, tag hansa-request) and every JSON answer is signed by the hub"
    " (tag hansa-response). The whole contract is in docs/protocol.md."
)


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the document for the signed endpoints and the public ones."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title="Hansa", version=version("hansa"), openapi_version="3.1.0", plugins=[plugin],
        info={"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
    )  # fmt: skip
    for name, header in openapi_parts.HEADERS.items():
        spec.components.header(name, header)
    for endpoint in endpoints:
        spec.path(endpoint.path, operations={endpoint.method.lower(): _operation(endpoint, endpoints)})
    for path, method, operation in _public():
        spec.path(path, operations={method: operation})
    written: dict[str, Any] = spec.to_dict()
    for name in EXACTLY_ONE:
        written["components"]["schemas"].get(name, {}).update(minProperties=1, maxProperties=1)
    return written


def _schema_name(schema: Any) -> str:
    name = schema.__name__ if isinstance(schema, type) else type(schema).__name__
    return name.removesuffix("Schema")


def _operation(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    refusals = [*SIGNED_REFUSALS, *endpoint.refusals]
    operation: dict[str, Any] = {
        "operationId": openapi_parts.operation_id(endpoint.method, endpoint.path),
        "summary": endpoint.summary,
        "parameters": [*openapi_parts.path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
    }
    if endpoint.request is not None:
        operation["requestBody"] = _body(endpoint.request) | {"required": not endpoint.body_optional}
        refusals += BODY_REFUSALS
    if endpoint.query is not None:
        refusals.append("invalid_request")
    if endpoint.query is not None or "{" in endpoint.path:
        refusals.append("card_number")
    done = _answer("Done", *filter(None, (endpoint.answer, endpoint.instead)), counted=True)
    followed = openapi_parts.links(endpoint, endpoints)
    operation["responses"] = {"200": done | ({"links": followed} if followed else {}), **_problems(refusals)}
    return operation


def _query_parameters(schema: type[Schema] | None) -> list[dict[str, Any]]:
    return [] if schema is None else [{"in": "query", "schema": schema}]


def _body(schema: type[Schema]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(description: str, *schemas: type[Schema], counted: bool = False) -> dict[str, Any]:
    return {
        "description": description,
        "headers": openapi_parts.headers("200", counted),
        "content": {"application/json": {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": list(schemas)}}},
    }


def _problems(codes: Iterable[str]) -> dict[str, Any]:
    """Return one response a status, naming the codes it may carry."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {
        str(status): {
            "description": "Refused: " + ", ".join(sorted(names)),
            "headers": openapi_parts.headers(str(status), True),
            "content": {PROBLEM_TYPE: {"schema": ProblemSchema}},
        }
        for status, names in sorted(by_status.items())
    }


def _public() -> list[tuple[str, str, dict[str, Any]]]:
    register = {
        "operationId": "post_keys",
        "summary": "Register a key (signed by that very key)",
        "requestBody": _body(KeyRegistration),
        "responses": {
            "200": _answer("The key, as the hub recorded it", KeyAnswer),
            **_problems(
                [
                    *SIGNED_REFUSALS,
                    *BODY_REFUSALS,
                    "weak_key",
                    "wrong_environment",
                    "proof_invalid",
                    "unknown_partner",
                    "key_exists",
                    "too_many_pending_keys",
                ]
            ),
        },
    }
    hub_keys = {
        "operationId": "get_hub_keys",
        "summary": "The hub's keys, signed by its root key",
        "responses": {"200": _answer("The signed list", HubKeysAnswer), **_problems(PUBLIC_REFUSALS)},
    }
    return [("/v1/keys", "post", register), ("/v1/hub-keys", "get", hub_keys)]
