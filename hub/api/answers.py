"""Answers: every JSON document leaves signed by the hub and bound to the request it answers."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, request

from hub.api import incoming, rate_limit
from hub.core.errors import HubError, Refused
from hub.services.context import Hub
from hub.services.rate_limits import RateLimited
from partner_sdk.wire import signatures, strict_json
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE, problem

LOG = logging.getLogger("hansa.api")
JSON_TYPE = "application/json"
RETRY_AFTER_S = "1"


def document(content: dict[str, Any], status: int = 200, content_type: str = JSON_TYPE) -> Response:
    """Return a JSON answer; `sign` is applied to it on its way out."""
    return Response(strict_json.dumps(content), status, content_type=content_type)


def refusal(refused: Refused) -> Response:
    """Return the problem document (RFC 9457) of a refusal."""
    request.environ[incoming.ENTRY].code = refused.code
    answer = document(problem_of(refused), CODES[refused.code].status, PROBLEM_TYPE)
    if isinstance(refused, RateLimited):
        answer.headers["Retry-After"] = str(refused.standing.whole_wait_s)
        answer.headers.extend(rate_limit.fields(refused.standing))
    elif answer.status_code == 503 or refused.code == "not_sealed":
        answer.headers["Retry-After"] = RETRY_AFTER_S
    return answer


def problem_of(refused: Refused) -> dict[str, Any]:
    """Return what a refusal says; a name that a caller made up may hold NUL, and no answer does."""
    members = dict(refused.members)
    faults = [{**one, "pointer": one["pointer"].replace("\0", "\ufffd")} for one in members.get("errors", ())]
    if faults:
        members["errors"] = faults
    return problem(refused.code, refused.detail, **members)


def sign(hub: Hub, answer: Response) -> Response:
    """Sign a JSON answer (RFC 9421, bound to the request by its ``;req`` components and its nonce).

    A hub that has no key to sign with says so in words; no client takes them for an answer.
    """
    if answer.content_type not in {JSON_TYPE, PROBLEM_TYPE}:
        return answer
    try:
        signer = hub.signer()
    except HubError as error:
        LOG.error("answers cannot be signed: %s", error)
        return Response("The hub cannot sign its answers; its operator must look.\n", 503, content_type="text/plain")
    answer.headers.extend(
        signatures.sign_response(
            status=answer.status_code,
            content_type=answer.content_type,
            body=answer.get_data(),
            target=incoming.target_of(request.environ),
            nonce=incoming.nonce_of(request),
            key=signer.key,
            keyid=signer.keyid,
            created=int(hub.real_time().timestamp()),
        )
    )
    return answer
