"""What came over the wire, before anybody is believed: limits, raw target, strict JSON, schemas.

The server's bridge (`hub.asgi`) leaves the raw target and what it refused in the environment, because a
signature is over the target as it was sent and WSGI only knows the decoded path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request as FlaskRequest
from marshmallow import Schema

from hub.core.errors import Refused
from hub.services import card_guard
from hub.services.authentication import Request
from hub.services.context import PartnerKey
from partner_sdk.wire import signatures, strict_json
from partner_sdk.wire.schemas import InvalidRequest, validate
from partner_sdk.wire.signatures import RequestTarget
from partner_sdk.wire.strict_json import MalformedJson
from partner_sdk.wire.values import IDENTIFIER

RAW_PATH = "hansa.raw_path"
ENTRY = "hansa.entry"
"""The `Entry` of a request."""
REFUSED = "hansa.refused"
"""The refusal of a request that the bridge did not let in."""
COUNTED, MEMBER_COUNTED = "hansa.counted", "hansa.member_counted"
"""How the partner stands after the request was counted, by the lane that gave it up; and whether its member's was."""
_JSON = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)


@dataclass(slots=True)
class Entry:
    """What the log will say of a request; filled in on its way."""

    request_id: str
    route: str | None = None
    """The path of its endpoint with names for what varies; None where there is no such endpoint."""
    code: str | None = None
    """Why it was refused."""
    partner: str | None = None
    keyid: str | None = None
    """A key that is registered; where ``code`` is one of the signature's, only what the request claims."""

    def of_endpoint(self, name: str | None) -> None:
        """Note the endpoint, which is named by its method and path."""
        self.route = name.partition(" ")[2] if name else None

    def of_key(self, key: PartnerKey | None) -> None:
        """Note who signed."""
        if key is not None:
            self.partner, self.keyid = key.partner_id, key.keyid


def target_of(environ: Mapping[str, Any]) -> RequestTarget:
    """Return the target as it was sent, for signatures, from a WSGI environment."""
    return RequestTarget(
        environ["REQUEST_METHOD"],
        normal_authority(environ["wsgi.url_scheme"], environ.get("HTTP_HOST", "")),
        environ[RAW_PATH],
        "?" + environ["QUERY_STRING"],
        environ.get("CONTENT_TYPE"),
        environ.get("HTTP_CONTENT_DIGEST"),
    )


def request_of(environ: Mapping[str, Any], body: bytes) -> Request:
    """Return a request that was read whole, for authentication."""
    signature_input, signature = environ.get("HTTP_SIGNATURE_INPUT"), environ.get("HTTP_SIGNATURE")
    return Request(target_of(environ), signature_input, signature, body)


def normal_authority(scheme: str, authority: str) -> str:
    """Return the authority in lower case without its scheme's default port (RFC 9421 section 2.2.3)."""
    return authority.lower().removesuffix({"http": ":80", "https": ":443"}[scheme])


def check_let_in(request: FlaskRequest) -> None:
    """Refuse what the bridge did, whatever it asks for. A busy hub still tells that it is alive.

    Raises:
        Refused: ``rate_limited``, ``header_too_large``, ``malformed_request``, ``body_too_large``, ``body_too_slow``.
    """
    refused: Refused | None = request.environ.get(REFUSED)
    if refused is not None and refused.code != "unavailable":
        raise refused


def received(request: FlaskRequest) -> Request:
    """Return the request with its body.

    Raises:
        Refused: ``unavailable``.
    """
    refused: Refused | None = request.environ.get(REFUSED)
    if refused is not None:
        raise refused
    return request_of(request.environ, request.get_data(cache=False))


def nonce_of(request: FlaskRequest) -> str | None:
    """Return the nonce of the request's signature if exactly one can be read, also from a refused request."""
    return signatures.echoed_nonce(request.headers.get("Signature-Input"))


def path_ids(path: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables of a path, once those that name events are found to be ids.

    Raises:
        Refused: ``unknown_event`` for one that nobody can have given to anything.
    """
    for name, value in path.items():
        if name.endswith("_id") and not IDENTIFIER.fullmatch(value):
            raise Refused("unknown_event", "This is no id of anything.")
    return path


def json_body(request: Request, schema: type[Schema] | None, *, optional: bool = False) -> Mapping[str, Any]:
    """Return the body as ``schema`` loads it; where it is ``optional``, none is as good as ``{}``.

    Raises:
        Refused: ``unsupported_media_type``, ``malformed_json``, ``card_number``, ``invalid_request``;
            ``malformed_request`` for a body where none belongs.
    """
    if schema is None:
        if request.body:
            raise Refused("malformed_request", "This call takes no body.")
        return {}
    if optional and not request.body:
        return validate(schema, {})
    if not _JSON.fullmatch(request.target.content_type or ""):
        raise Refused("unsupported_media_type", "The body must be application/json.")
    try:
        document = strict_json.loads(request.body)
        card_guard.refuse_in_body(request.body, document)
        return validate(schema, document)
    except MalformedJson as error:
        raise Refused("malformed_json", f"{error}.") from error
    except InvalidRequest as error:
        raise Refused("invalid_request", "The body does not fit its schema.", errors=error.errors) from error


def query(request: FlaskRequest, schema: type[Schema] | None) -> Mapping[str, Any]:
    """Return the query parameters as ``schema`` loads them; where there is no schema none are taken.

    Raises:
        Refused: ``invalid_request``, ``card_number``; ``malformed_request`` for a parameter given twice.
    """
    given = request.args.to_dict(flat=False)
    card_guard.refuse_in("query", (text for name, values in given.items() for text in (name, *values)))
    if any(len(values) > 1 for values in given.values()):
        raise Refused("malformed_request", "A query parameter is given twice.")
    flat = {name: values[0] for name, values in given.items()}
    if schema is None:
        if flat:
            raise Refused("malformed_request", "This call takes no query parameters.")
        return {}
    try:
        return validate(schema, flat)
    except InvalidRequest as error:
        raise Refused("invalid_request", "The query does not fit its schema.", errors=error.errors) from error
