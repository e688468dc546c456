"""What is fuzzed: one function a reader, which takes any bytes and asserts what must be true of them.

A reader may refuse, with the one exception that it is documented to raise; anything else is a finding. What it
takes must mean one thing: it reads back the same, or another reader of the same grammar agrees.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from hub.api.routes import SIGNED
from hub.core import client_address, request_form
from hub.core.webhook_targets import networks
from hub.services import seals
from partner_sdk.receipts import Receipt
from partner_sdk.webhooks import Replays, WebhookRefused, verify
from partner_sdk.wire import base64url, merkle, signature_fields, signatures, strict_json
from partner_sdk.wire.checkpoints import Checkpoint, CheckpointRefused, origin_of, parse_checkpoint, read_checkpoint
from partner_sdk.wire.digests import check_digest, content_digest
from partner_sdk.wire.hub_keys import KEY_LIST_CONTEXT, KeyListRefused, read_key_list
from partner_sdk.wire.keys import PrivateKey, key_id
from partner_sdk.wire.merkle import ProofRefused
from partner_sdk.wire.schemas import InvalidRequest, KeyRegistration, validate
from partner_sdk.wire.signatures import RequestTarget, SignatureRefused
from partner_sdk.wire.strict_json import MalformedJson

KEY = PrivateKey.from_seed(bytes(range(32)))
SEAL_KEY, SCOPE = bytes(range(32)), "cursor events grocer"
SEALED = seals.write(SEAL_KEY, SCOPE, [1_000, "e1"])
NOW = 1_750_000_000
URL = "https://partner.example/hansa"
PROXIES = networks("10.0.0.0/8,2001:db8::/32")
_BODIES: list[type[Schema]] = [KeyRegistration]
_BODIES += [schema for endpoint in SIGNED for schema in (endpoint.request, endpoint.query) if schema is not None]
SCHEMAS = {one.__name__.encode(): one for one in _BODIES}


ORIGIN = origin_of(KEY.public)
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(40)]
ROOTS = [merkle.root_of(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
NOTED = Checkpoint(ORIGIN, 40, ROOTS[40])


def _hash_of(start: int, end: int) -> bytes:
    return merkle.root_of(LEAVES[start:end])


def json_text(data: bytes) -> None:
    """Strict JSON reads back as it was written, and as Python's own reader understands it."""
    try:
        value = strict_json.loads(data)
    except MalformedJson:
        return
    assert json.loads(data) == value
    assert strict_json.loads(strict_json.dumps(value)) == value


def schema(data: bytes) -> None:
    """A schema, named in the first line, takes a document or refuses it; never fails on it."""
    name, _, text = data.partition(b"\n")
    try:
        document = strict_json.loads(text)
    except MalformedJson:
        return
    try:
        validate(SCHEMAS.get(name, KeyRegistration), document)
    except InvalidRequest as refused:
        strict_json.dumps(refused.errors)


def signature(data: bytes) -> None:
    """The two fields of a signature, a line each: both readers of the grammar agree, and say what was written."""
    given, _, spelled = data.decode("latin-1").partition("\n")
    signatures.echoed_nonce(given)
    try:
        found = signature_fields.find(given, spelled, signatures.REQUEST_TAG)
    except SignatureRefused:
        return
    assert found == signature_fields._read_any(given, spelled, signatures.REQUEST_TAG)
    assert f"{found.label}={found.params_text}" in given
    _request(given, spelled)


def _request(given: str, spelled: str) -> None:
    try:
        parsed = signatures.parse_request_signature(given, spelled)
        signatures.check_components(parsed, has_body=True)
        signatures.check_times(parsed, NOW)
        target = RequestTarget("POST", "hub.example", "/v1/earnings", "?", "application/json", content_digest(b""))
        signatures.verify_request(target, parsed, KEY.public)
    except SignatureRefused:
        return


def digest(data: bytes) -> None:
    """A Content-Digest field and the body after it: taken only if it names the SHA-256 or SHA-512 of the body."""
    header, _, body = data.partition(b"\n")
    try:
        check_digest(header.decode("latin-1"), body)
    except SignatureRefused:
        return
    assert b"sha-256" in header or b"sha-512" in header


def cursor(data: bytes) -> None:
    """A sealed text is read only as this hub wrote it; also when bytes of a genuine one are changed."""
    for text in (data.decode("latin-1"), _altered(data)):
        content = seals.read(SEAL_KEY, SCOPE, text)
        assert (content is not None) == (text == SEALED)


def _altered(data: bytes) -> str:
    """The genuine text with bytes exchanged: pairs of where and by what."""
    raw = bytearray(base64url.decode(SEALED))
    for where, what in zip(data[::2], data[1::2], strict=False):
        raw[where % len(raw)] ^= what
    return base64url.encode(bytes(raw))


def webhook(data: bytes) -> None:
    """A message that the hub signed, whatever it says, is read or refused."""
    keyid = key_id("hub", KEY.public)
    target = RequestTarget.from_url("POST", URL, "application/json", content_digest(data))
    fields = signatures.sign_request(
        target, KEY, keyid, created=NOW, expires=NOW + 60, nonce="A" * 22, tag=signatures.WEBHOOK_TAG
    )
    headers = fields | {"Content-Type": "application/json", "Content-Digest": content_digest(data)}
    try:
        message = verify("POST", URL, headers, data, public_of=lambda _: KEY.public, replays=Replays(), now=NOW)
    except WebhookRefused:
        return
    assert json.loads(data)["id"] == message.id


def key_list(data: bytes) -> None:
    """A list of hub keys that the root key signed, whatever it says, is read or refused."""
    signed = base64url.encode(KEY.sign(KEY_LIST_CONTEXT + data))
    try:
        read_key_list({"key_list": base64url.encode(data), "signature": signed}, KEY.public)
    except KeyListRefused:
        return


def request_head(data: bytes) -> None:
    """The form of a request, and whose address it is from, of lines: method, path, query, then fields."""
    method, path, query, *lines = (data + b"\n\n\n").split(b"\n")
    fields = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines)]
    fault = request_form.fault("1.1", method.decode("latin-1"), path, query, fields)
    assert fault is None or fault[0] in {request_form.MALFORMED, request_form.TOO_LARGE}
    assert fault is not None or [name for name, _ in fields].count(b"host") == 1
    forwarded = ",".join(value.decode("latin-1") for name, value in fields if name == b"x-forwarded-for")
    assert client_address.of("10.0.0.1", forwarded, PROXIES)
    assert client_address.of("192.0.2.1", forwarded, PROXIES) == "192.0.2.1"


def checkpoint(data: bytes) -> None:
    """A note is read only if its text is the one that the log's key signed; as text of a log it is read or refused."""
    note = data.decode("utf-8", "surrogateescape")
    try:
        read = read_checkpoint(note, ORIGIN, KEY.public)
    except CheckpointRefused:
        pass
    else:
        assert read == NOTED
    try:
        assert parse_checkpoint(note, ORIGIN).text() in note
    except CheckpointRefused:
        return


def proof(data: bytes) -> None:
    """Two positions and a path of hashes: what an inclusion or consistency proof is taken for is so in a small tree."""
    first, second, path = *(data + b"\0\0")[:2], [data[at : at + 32] for at in range(2, len(data), 32)]
    leaf, position, size = LEAVES[first % len(LEAVES)], first % len(LEAVES), second % (len(LEAVES) + 1)
    try:
        merkle.check_inclusion(leaf, position, size, path, ROOTS[size])
    except ProofRefused:
        pass
    else:
        assert path == merkle.inclusion_path(position, size, _hash_of)
    try:
        merkle.check_consistency(position, size, ROOTS[position], ROOTS[size], path)
    except ProofRefused:
        return
    assert path == merkle.consistency_path(position, size, _hash_of)


def receipt(data: bytes) -> None:
    """A line of a file of receipts is read and verified, or refused."""
    try:
        read = Receipt.read(data)
        assert read.path
        assert read.created >= 0
        read.verify(lambda _: KEY.public)
    except (ValueError, SignatureRefused):
        return


TARGETS: dict[str, Callable[[bytes], Any]] = {
    "json": json_text,
    "schema": schema,
    "signature": signature,
    "digest": digest,
    "cursor": cursor,
    "webhook": webhook,
    "key_list": key_list,
    "request_head": request_head,
    "checkpoint": checkpoint,
    "proof": proof,
    "receipt": receipt,
}
"""Name, which is also the folder of its corpus -> reader."""
