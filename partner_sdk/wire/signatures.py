"""HTTP message signatures: the one profile of RFC 9421 that this network speaks, for requests and answers.

A general implementation takes hundreds of microseconds a message, most of it spent on choices that we do not
offer. So the profile is narrow (two algorithms, fixed components in a fixed order, canonical parameters) and this
module knows nothing else; it costs a few microseconds beyond the curve. Whatever a stranger sends ends in
SignatureRefused with a code of the wire.

A request covers "@method" "@authority" "@path" "@query" and, with a body, "content-type" "content-digest".
A webhook is a request of the hub's, signed like any request with a body.
An answer covers "@status" "content-type" "content-digest", the request's same parts with ;req, and the
request's nonce, so that no answer fits any other request.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from partner_sdk.wire.digests import check_digest, content_digest
from partner_sdk.wire.keys import ALGORITHMS, PublicKey
from partner_sdk.wire.signature_fields import Found, SignatureRefused, find, tagged, write

__all__ = [
    "MAX_AGE_S",
    "MAX_AHEAD_S",
    "MAX_LIFETIME_S",
    "REQUEST_TAG",
    "RESPONSE_TAG",
    "WEBHOOK_TAG",
    "Headers",
    "RequestSignature",
    "RequestTarget",
    "ResponseSignature",
    "SignatureRefused",
    "Signer",
    "check_components",
    "check_digest",
    "check_times",
    "content_digest",
    "echoed_nonce",
    "parse_request_signature",
    "sign_request",
    "sign_response",
    "signature_base",
    "verify_request",
    "verify_response",
]

REQUEST_TAG = "hansa-request"
RESPONSE_TAG = "hansa-response"
WEBHOOK_TAG = "hansa-webhook"
MAX_LIFETIME_S = 300
MAX_AGE_S = 300
MAX_AHEAD_S = 30

_MAX_EPOCH_DIGITS = 12


class Signer(Protocol):
    """Whatever can sign: a `PrivateKey`, or a `HardwareKey`."""

    def sign(self, message: bytes, /) -> bytes:
        """The 64-byte signature over a message."""


class Headers(Protocol):
    """What is asked of a message's header fields: a lookup by name that ignores case."""

    def get(self, name: str, /) -> str | None:
        """The field's value, several lines of it joined by commas, or None."""


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """The parts of a request that signatures cover, as they were sent.

    `authority` is lower case without a default port, `path` the raw path, `query` the raw query with its
    leading "?" ("?" alone when there is none, RFC 9421 section 2.2.7). The last two are the header fields'
    values, None for a request without a body.
    """

    method: str
    authority: str
    path: str
    query: str
    content_type: str | None = None
    content_digest: str | None = None

    @classmethod
    def from_url(
        cls, method: str, url: str, content_type: str | None = None, content_digest: str | None = None
    ) -> "RequestTarget":
        """Take the parts from an absolute URL whose escapes are already the ones that will be sent."""
        parts = urlsplit(url)
        authority = parts.netloc.rpartition("@")[2].lower().removesuffix(_DEFAULT_PORT.get(parts.scheme, ":"))
        return cls(method, authority, parts.path or "/", "?" + parts.query, content_type, content_digest)


class RequestSignature(NamedTuple):
    """A request's signature as read, with every parameter in range but nothing verified yet.

    `components` are the covered identifiers as written, quotes and all; `params_text` is the value of
    "@signature-params" (RFC 9421 section 2.3).
    """

    label: str
    components: tuple[str, ...]
    created: int
    expires: int
    nonce: str
    keyid: str
    alg: str | None
    params_text: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class ResponseSignature:
    """An answer's signature, verified. `created` is the hub's clock in epoch seconds."""

    created: int
    keyid: str
    nonce: str | None
    params_text: str


# --- requests ---


def sign_request(
    target: RequestTarget, key: Signer, keyid: str, *, created: int, expires: int, nonce: str, tag: str = REQUEST_TAG
) -> dict[str, str]:
    """The Signature-Input and Signature fields for a request; `target` has both content fields or neither.

    A request of the hub to a partner's server is signed in the same way, with the tag of webhooks.
    """
    inner = _PLAIN_INNER if target.content_digest is None else _BODY_INNER
    params = f'{inner};created={created};expires={expires};nonce="{nonce}";keyid="{keyid}";tag="{tag}"'
    return write(params, key.sign(_request_base(target, params, inner is _BODY_INNER)))


def parse_request_signature(
    signature_input: str | None, signature: str | None, tag: str = REQUEST_TAG
) -> RequestSignature:
    """Read the one signature that bears the tag from both fields, and hold its parameters to their ranges.

    Raises SignatureRefused: signature_missing, signature_malformed or signature_parameters.
    """
    found = find(signature_input, signature, tag)
    created, expires = _whole(found, "created"), _whole(found, "expires")
    if not created < expires <= created + MAX_LIFETIME_S:
        raise SignatureRefused("signature_parameters", f"expires must be 1 to {MAX_LIFETIME_S} s after created")
    _only(found, _REQUEST_PARAMETERS)
    return RequestSignature(
        found.label, _components(found), created, expires, _nonce(found), _keyid(found), _alg(found),
        found.params_text, found.signature,
    )  # fmt: skip


def check_components(sig: RequestSignature, has_body: bool) -> None:
    """Refuse (signature_components) a signature that does not cover exactly what it must, in order."""
    required = _BODY_COMPONENTS if has_body else _PLAIN_COMPONENTS
    if sig.components != required:
        raise SignatureRefused("signature_components", f"the signature must cover ({' '.join(required)})")


def check_times(sig: RequestSignature, now: float) -> None:
    """Refuse (clock_skew) a signature that is too old, too far ahead, or expired at `now` (epoch seconds)."""
    if sig.created < now - MAX_AGE_S:
        raise SignatureRefused("clock_skew", f"created is more than {MAX_AGE_S} s ago")
    if sig.created > now + MAX_AHEAD_S:
        raise SignatureRefused("clock_skew", f"created is more than {MAX_AHEAD_S} s ahead")
    if sig.expires <= now:
        raise SignatureRefused("clock_skew", "the signature has expired")


def signature_base(target: RequestTarget, sig: RequestSignature) -> bytes:
    """The bytes that a request's signature is over (RFC 9421 section 2.5), for checked components."""
    has_body = sig.components == _BODY_COMPONENTS
    if has_body and (target.content_type is None or target.content_digest is None):
        raise SignatureRefused("signature_components", "a covered header field is absent")
    return _request_base(target, sig.params_text, has_body)


def verify_request(target: RequestTarget, sig: RequestSignature, public: PublicKey) -> bytes:
    """Verify a request whose components and times were checked; returns the base that was signed.

    Raises SignatureRefused with signature_invalid, or signature_parameters when `alg` is not the key's.
    """
    _check_alg(sig.alg, public)
    base = signature_base(target, sig)
    if not public.verify(sig.signature, base):
        raise SignatureRefused("signature_invalid", "the signature is not this key's over this request")
    return base


def _request_base(target: RequestTarget, params: str, has_body: bool) -> bytes:
    base = (
        f'"@method": {target.method}\n"@authority": {target.authority}\n'
        f'"@path": {target.path}\n"@query": {target.query}\n'
    )
    if has_body:
        base += f'"content-type": {target.content_type}\n"content-digest": {target.content_digest}\n'
    return _base_bytes(base, params, 6 if has_body else 4)


# --- answers ---


def echoed_nonce(signature_input: str | None) -> str | None:
    """The nonce that the answer to a request must carry: the one under our tag, if it can be read at all.

    It is read from refused requests too, so that a refusal is bound to its request as far as that goes.
    """
    try:
        ours = tagged(signature_input or "", REQUEST_TAG)
    except SignatureRefused:
        return None
    nonces = [value for *_, pairs in ours for name, value in pairs if name == "nonce" and _NONCE.fullmatch(value)]
    return nonces[0][1:-1] if len(nonces) == 1 else None


def sign_response(
    *,
    status: int,
    content_type: str,
    body: bytes,
    target: RequestTarget,
    nonce: str | None,
    key: Signer,
    keyid: str,
    created: int,
) -> dict[str, str]:
    """The Content-Digest, Signature-Input and Signature fields for an answer to the request at `target`.

    `nonce` is the request's, or None when it carried no readable one.
    """
    digest = content_digest(body)
    inner = _PLAIN_ANSWER_INNER if target.content_digest is None else _BODY_ANSWER_INNER
    nonce_param = "" if nonce is None else f';nonce="{nonce}"'
    params = f'{inner};created={created};keyid="{keyid}"{nonce_param};tag="{RESPONSE_TAG}"'
    base = _response_base(status, content_type, digest, target, params)
    return {"Content-Digest": digest, **write(params, key.sign(base))}


def verify_response(
    *,
    status: int,
    headers: Headers,
    body: bytes,
    target: RequestTarget,
    nonce: str | None,
    public_of: Callable[[str], PublicKey | None],
) -> ResponseSignature:
    """Verify that the hub gave exactly this answer to exactly this request; raises SignatureRefused.

    `public_of` gives the hub's key for a keyid, or None when the hub has no such key (unknown_key).
    """
    digest, content_type = headers.get("content-digest"), headers.get("content-type")
    if digest is None or content_type is None:
        raise SignatureRefused("signature_missing", "the answer has no Content-Digest or no Content-Type")
    check_digest(digest, body)
    found = find(headers.get("signature-input"), headers.get("signature"), RESPONSE_TAG)
    answer = _response_signature(found, target, nonce)
    public = public_of(answer.keyid)
    if public is None:
        raise SignatureRefused("unknown_key", f"the hub has no key {answer.keyid}")
    _check_alg(_alg(found), public)
    if not public.verify(found.signature, _response_base(status, content_type, digest, target, found.params_text)):
        raise SignatureRefused("signature_invalid", "the signature is not the hub's over this answer")
    return answer


def _response_signature(found: Found, target: RequestTarget, nonce: str | None) -> ResponseSignature:
    required = _PLAIN_ANSWER_COMPONENTS if target.content_digest is None else _BODY_ANSWER_COMPONENTS
    if _components(found) != required:
        raise SignatureRefused("signature_components", f"the signature must cover ({' '.join(required)})")
    _only(found, _RESPONSE_PARAMETERS)
    _alg(found)
    echoed = _nonce(found) if "nonce" in found.params else None
    if echoed != nonce:
        raise SignatureRefused("signature_parameters", "the answer is to another request: its nonce differs")
    return ResponseSignature(_whole(found, "created"), _keyid(found), echoed, found.params_text)


def _response_base(status: int, content_type: str, digest: str, target: RequestTarget, params: str) -> bytes:
    base = (
        f'"@status": {status}\n"content-type": {content_type}\n"content-digest": {digest}\n'
        f'"@method";req: {target.method}\n"@authority";req: {target.authority}\n'
        f'"@path";req: {target.path}\n"@query";req: {target.query}\n'
    )
    if target.content_digest is None:
        return _base_bytes(base, params, 7)
    return _base_bytes(base + f'"content-digest";req: {target.content_digest}\n', params, 8)


# --- parameters and bases ---


def _components(found: Found) -> tuple[str, ...]:
    return _KNOWN_INNERS.get(found.inner) or tuple(found.inner[1:-1].split(" "))


def _only(found: Found, allowed: frozenset[str]) -> None:
    if not allowed.issuperset(found.params):
        raise SignatureRefused("signature_parameters", "the signature has a parameter that is not known")


def _whole(found: Found, name: str) -> int:
    value = found.params.get(name, "")
    if not value.isdigit() or len(value) > _MAX_EPOCH_DIGITS or value[0] == "0":
        raise SignatureRefused("signature_parameters", f"{name} must be a whole number of seconds")
    return int(value)


def _nonce(found: Found) -> str:
    value = found.params.get("nonce", "")
    if not _NONCE.fullmatch(value):
        raise SignatureRefused("signature_parameters", "nonce must be 16 bytes in base64url without padding")
    return value[1:-1]


def _keyid(found: Found) -> str:
    value = found.params.get("keyid", "")
    if not _KEYID.fullmatch(value):
        raise SignatureRefused("signature_parameters", "keyid must be a string of 1 to 100 plain characters")
    return value[1:-1]


def _alg(found: Found) -> str | None:
    value = found.params.get("alg")
    if value is None:
        return None
    if value not in _ALGS:
        raise SignatureRefused("signature_parameters", f"alg, when given, must be {' or '.join(ALGORITHMS)}")
    return value[1:-1]


def _check_alg(alg: str | None, public: PublicKey) -> None:
    """Refuse an algorithm other than the one that the key was registered for."""
    if alg is not None and alg != public.alg:
        raise SignatureRefused("signature_parameters", f"alg, when given, must be the key's: {public.alg}")


def _base_bytes(base: str, params: str, lines: int) -> bytes:
    """End the base; a line break or a character that no header field can carry never reaches the curve."""
    whole = f'{base}"@signature-params": {params}'
    if whole.count("\n") != lines or "\r" in whole:
        raise SignatureRefused("signature_invalid", "a covered value contains a line break")
    try:
        return whole.encode("latin-1")
    except UnicodeEncodeError:
        raise SignatureRefused("signature_invalid", "a covered value cannot be a header field") from None


_ALGS = frozenset(f'"{alg}"' for alg in ALGORITHMS)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_REQUEST_PARAMETERS = frozenset(("created", "expires", "nonce", "keyid", "alg", "tag"))
_RESPONSE_PARAMETERS = frozenset(("created", "keyid", "nonce", "alg", "tag"))

_PLAIN_COMPONENTS = ('"@method"', '"@authority"', '"@path"', '"@query"')
_BODY_COMPONENTS = (*_PLAIN_COMPONENTS, '"content-type"', '"content-digest"')
_PLAIN_ANSWER_COMPONENTS = (
    '"@status"', '"content-type"', '"content-digest"', *(f"{name};req" for name in _PLAIN_COMPONENTS),
)  # fmt: skip
_BODY_ANSWER_COMPONENTS = (*_PLAIN_ANSWER_COMPONENTS, '"content-digest";req')
_KNOWN_INNERS = {
    f"({' '.join(components)})": components
    for components in (_PLAIN_COMPONENTS, _BODY_COMPONENTS, _PLAIN_ANSWER_COMPONENTS, _BODY_ANSWER_COMPONENTS)
}
_PLAIN_INNER, _BODY_INNER, _PLAIN_ANSWER_INNER, _BODY_ANSWER_INNER = _KNOWN_INNERS

_NONCE = re.compile(r'"[A-Za-z0-9_-]{21}[AQgw]"')
_KEYID = re.compile(r'"[!#-\[\]-~]{1,100}"')
