"""Both ways against an independent implementation of RFC 9421: it verifies ours, and we verify its."""

import datetime
import secrets
import time
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519

from partner_sdk.wire import base64url, keys
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.signatures import (
    RequestTarget,
    check_components,
    check_times,
    content_digest,
    parse_request_signature,
    sign_request,
    sign_response,
    verify_request,
    verify_response,
)

BODY = b'{"points":7}'
ANSWER = b'{"status":"posted"}'
REQUEST_COMPONENTS = ("@method", "@authority", "@path", "@query")
BODY_COMPONENTS = (*REQUEST_COMPONENTS, "content-type", "content-digest")
ANSWER_COMPONENTS = (
    '"@status"', '"content-type"', '"content-digest"',
    '"@method";req', '"@authority";req', '"@path";req', '"@query";req',
)  # fmt: skip


@dataclass
class Request:
    """A request as the other implementation wants to see it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """An answer as the other implementation wants to see it."""

    status_code: int
    headers: dict[str, str]
    request: Request


class Keys(HTTPSignatureKeyResolver):
    """One key, whatever the name."""

    def __init__(self, key: PrivateKey) -> None:
        self._key: Any = serialization.load_pem_private_key(key.to_pem(), None)

    def resolve_private_key(self, key_id: str) -> Any:
        return self._key

    def resolve_public_key(self, key_id: str) -> Any:
        return self._key.public_key()


THEIRS = {keys.ED25519: ED25519, keys.ECDSA_P256: ECDSA_P256_SHA256}


@pytest.fixture(params=keys.ALGORITHMS)
def key(request: pytest.FixtureRequest) -> PrivateKey:
    return PrivateKey.generate(alg=request.param)


@pytest.fixture
def signer(key: PrivateKey) -> HTTPMessageSigner:
    return HTTPMessageSigner(signature_algorithm=THEIRS[key.public.alg], key_resolver=Keys(key))


@pytest.fixture
def verifier(key: PrivateKey) -> HTTPMessageVerifier:
    return HTTPMessageVerifier(signature_algorithm=THEIRS[key.public.alg], key_resolver=Keys(key))


@pytest.fixture
def nonce() -> str:
    return base64url.encode(secrets.token_bytes(16))


def _post() -> tuple[Request, RequestTarget]:
    headers = {"Content-Type": "application/json", "Content-Digest": content_digest(BODY)}
    request = Request("POST", "https://Hub.example:8443/v1/redemptions", headers)
    target = RequestTarget.from_url("POST", request.url, headers["Content-Type"], headers["Content-Digest"])
    return request, target


def _get() -> tuple[Request, RequestTarget]:
    request = Request("GET", "https://hub.example/v1/members/card%3A7%20%C3%A9?a=b%20c&limit=10")
    return request, RequestTarget.from_url("GET", request.url)


CASES = {"post": (_post, BODY, BODY_COMPONENTS), "get": (_get, None, REQUEST_COMPONENTS)}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@cases
def test_it_verifies_our_requests(case: Any, key: PrivateKey, verifier: HTTPMessageVerifier, nonce: str) -> None:
    (request, target), body, components = case[0](), case[1], case[2]
    now = int(time.time())
    keyid = key_id("grocer", key.public)
    request.headers.update(sign_request(target, key, keyid, created=now, expires=now + 60, nonce=nonce))
    (result,) = verifier.verify(request, expect_tag="hansa-request", require_components=components, body=body)
    assert result.nonce == nonce
    assert result.parameters["keyid"] == keyid
    assert len(result.covered_components) == len(components) + 1


@cases
@pytest.mark.parametrize("include_alg", [True, False])
def test_we_verify_its_requests(
    case: Any, include_alg: bool, key: PrivateKey, signer: HTTPMessageSigner, nonce: str
) -> None:
    (request, target), body, components = case[0](), case[1], case[2]
    now = datetime.datetime.now(datetime.UTC)
    signer.sign(
        request,
        key_id="grocer.AAAAAAAAAAAAAAAA",
        created=now,
        expires=now + datetime.timedelta(seconds=300),
        nonce=nonce,
        tag="hansa-request",
        include_alg=include_alg,
        covered_component_ids=components,
        use_existing_digest="Content-Digest" in request.headers,
    )
    read = parse_request_signature(request.headers["Signature-Input"], request.headers["Signature"])
    check_components(read, has_body=body is not None)
    check_times(read, now.timestamp())
    verify_request(target, read, key.public)
    assert (read.nonce, read.keyid, read.label) == (nonce, "grocer.AAAAAAAAAAAAAAAA", "pyhms")


@cases
@pytest.mark.parametrize("with_nonce", [True, False])
def test_it_verifies_our_answers(
    case: Any, with_nonce: bool, key: PrivateKey, verifier: HTTPMessageVerifier, nonce: str
) -> None:
    (request, target), body = case[0](), case[1]
    headers = {"Content-Type": "application/json"} | sign_response(
        status=409,
        content_type="application/json",
        body=ANSWER,
        target=target,
        nonce=nonce if with_nonce else None,
        key=key,
        keyid="hub.AAAAAAAAAAAAAAAA",
        created=int(time.time()),
    )
    required = ANSWER_COMPONENTS if body is None else (*ANSWER_COMPONENTS, '"content-digest";req')
    (result,) = verifier.verify(
        Answer(409, headers, request), expect_tag="hansa-response", require_components=required, body=ANSWER
    )
    assert result.nonce == (nonce if with_nonce else None)
    assert len(result.covered_components) == len(required) + 1


@cases
def test_we_verify_its_answers(case: Any, key: PrivateKey, signer: HTTPMessageSigner, nonce: str) -> None:
    (request, target), body = case[0](), case[1]
    answer = Answer(200, {"Content-Type": "application/json", "Content-Digest": content_digest(ANSWER)}, request)
    components = ANSWER_COMPONENTS if body is None else (*ANSWER_COMPONENTS, '"content-digest";req')
    signer.sign(
        answer,
        key_id="hub.AAAAAAAAAAAAAAAA",
        nonce=nonce,
        tag="hansa-response",
        covered_component_ids=components,
        use_existing_digest=True,
    )
    read = verify_response(
        status=200,
        headers={name.lower(): value for name, value in answer.headers.items()},
        body=ANSWER,
        target=target,
        nonce=nonce,
        public_of=lambda keyid: key.public,
    )
    assert read.keyid == "hub.AAAAAAAAAAAAAAAA"


@cases
def test_both_sign_the_same_bytes(case: Any, key: PrivateKey, signer: HTTPMessageSigner, nonce: str) -> None:
    """Ed25519 is deterministic: the same parameters in the same order must give the same signature."""
    (request, target), components = case[0](), case[2]
    now = datetime.datetime(2025, 6, 15, tzinfo=datetime.UTC)
    signer.sign(
        request,
        key_id="grocer.AAAAAAAAAAAAAAAA",
        created=now,
        expires=now + datetime.timedelta(seconds=60),
        nonce=nonce,
        label="hansa",
        tag="hansa-request",
        include_alg=False,
        covered_component_ids=components,
        use_existing_digest="Content-Digest" in request.headers,
    )
    read = parse_request_signature(request.headers["Signature-Input"], request.headers["Signature"])
    base = verify_request(target, read, key.public)
    if key.public.alg == keys.ED25519:
        assert b64decode(request.headers["Signature"].split(":")[1]) == key.sign(base)
