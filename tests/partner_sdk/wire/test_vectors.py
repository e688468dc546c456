"""The vectors in tests/vectors: as the script writes them, and good by the functions that read them."""

import hashlib
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from partner_sdk.wire import base64url, merkle, strict_json
from partner_sdk.wire.checkpoints import origin_of, read_checkpoint
from partner_sdk.wire.file_signatures import read_file_signature
from partner_sdk.wire.hub_keys import read_key_list
from partner_sdk.wire.keys import (
    KeyRefused,
    PrivateKey,
    PublicKey,
    WeakKey,
    key_id,
    verify_registration,
    verify_rotation,
)
from partner_sdk.wire.leaves import Leaf, content_digest
from partner_sdk.wire.schemas import EarningSchema, validate
from partner_sdk.wire.signatures import (
    RequestTarget,
    check_components,
    check_digest,
    check_times,
    parse_request_signature,
    verify_request,
    verify_response,
)

FOLDER = Path(__file__).parents[2] / "vectors"
NAMES = [
    "keys",
    "ecdsa",
    "key_registration",
    "key_rotation",
    "hub_keys",
    "file_signature",
    "requests",
    "webhooks",
    "answers",
    "strict_json",
    "proofs",
]


def _load(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return vectors


def _public(vectors: dict[str, Any]) -> PublicKey:
    return PrivateKey.from_seed(bytes.fromhex(vectors["seed_hex"])).public


def _target(request: dict[str, Any]) -> RequestTarget:
    headers = request["headers"]
    return RequestTarget.from_url(
        request["method"], request["url"], headers.get("Content-Type"), headers.get("Content-Digest")
    )


def test_the_files_are_what_the_script_writes() -> None:
    written = runpy.run_path(str(FOLDER / "write_vectors.py"))["all_vectors"]()
    assert sorted(written) == sorted(NAMES)
    for name in NAMES:
        assert _load(name) == written[name]


@pytest.mark.parametrize("key", _load("keys")["keys"], ids=lambda key: key["owner"])
def test_keys(key: dict[str, Any]) -> None:
    public = _public(key)
    assert public.raw.hex() == key["public_hex"]
    assert (public.jwk(), public.thumbprint(), key_id(key["owner"], public)) == (
        key["jwk"],
        key["thumbprint"],
        key["keyid"],
    )


@pytest.mark.parametrize("weak", _load("keys")["refused"], ids=lambda weak: weak["public_hex"][:12])
def test_weak_keys(weak: dict[str, Any]) -> None:
    with pytest.raises(WeakKey):
        PublicKey.from_raw(bytes.fromhex(weak["public_hex"]))


def test_key_registration() -> None:
    vectors = _load("key_registration")
    assert verify_registration(vectors["document"]) == _public(vectors)
    assert verify_registration(vectors["for_a_sandbox"]["document"]) == _public(vectors)
    with pytest.raises(KeyRefused):
        verify_registration(vectors["document"] | {"partner": "pharmacy"})


def test_key_rotation() -> None:
    vectors = _load("key_rotation")
    public = verify_rotation(vectors["former_keyid"], vectors["document"])
    assert key_id("grocer", public) == vectors["new_keyid"]
    for other in (vectors["new_keyid"], "pharmacy." + vectors["former_keyid"].partition(".")[2]):
        with pytest.raises(KeyRefused):
            verify_rotation(other, vectors["document"])


def test_ecdsa() -> None:
    vectors = _load("ecdsa")
    public = PublicKey.from_jwk(vectors["jwk"])
    assert verify_registration(vectors["registration"]) == public
    assert (public.raw.hex(), public.thumbprint(), key_id("grocer", public)) == (
        vectors["public_hex"], vectors["thumbprint"], vectors["keyid"],
    )  # fmt: skip
    request = vectors["request"]
    read = parse_request_signature(request["headers"]["Signature-Input"], request["headers"]["Signature"])
    base = verify_request(RequestTarget.from_url(request["method"], request["url"]), read, public)
    assert base == request["base"].encode()
    for refused in vectors["refused_signatures"]:
        assert not public.verify(bytes.fromhex(refused["signature_hex"]), base)
    for refused in vectors["refused_keys"]:
        with pytest.raises(KeyRefused):
            PublicKey.from_raw(bytes.fromhex(refused["public_hex"]))


def test_hub_keys() -> None:
    vectors = _load("hub_keys")
    listed = read_key_list(vectors["document"], PublicKey.from_text(vectors["root_public"]))
    assert [key.not_after for key in listed.keys] == [1_750_001_000, None]


def test_file_signature() -> None:
    vectors = _load("file_signature")
    digest = hashlib.sha256(vectors["file"].encode()).digest()
    read = read_file_signature(vectors["document"], digest, PublicKey.from_text(vectors["root_public"]))
    assert read.about == {"kind": "statement", "cycle": "2025-06", "partner": "grocer"}
    assert base64url.decode(vectors["document"]["signed"]).decode() == vectors["signed"].partition("\n")[2]


@pytest.mark.parametrize("request_", _load("requests")["requests"], ids=lambda request: request["name"])
def test_requests(request_: dict[str, Any]) -> None:
    headers, vectors = request_["headers"], _load("requests")
    read = parse_request_signature(headers["Signature-Input"], headers["Signature"])
    check_components(read, request_["body"] is not None)
    check_times(read, vectors["created"])
    assert verify_request(_target(request_), read, _public(vectors)) == request_["base"].encode()
    if request_["body"] is not None:
        check_digest(headers["Content-Digest"], request_["body"].encode())


@pytest.mark.parametrize("answer", _load("answers")["answers"], ids=lambda answer: str(answer["status"]))
def test_answers(answer: dict[str, Any]) -> None:
    vectors = _load("answers")
    (asked,) = (one for one in _load("requests")["requests"] if one["name"] == answer["request"])
    read = verify_response(
        status=answer["status"],
        headers={name.lower(): value for name, value in answer["headers"].items()},
        body=answer["body"].encode(),
        target=_target(asked),
        nonce=answer["nonce"],
        public_of={vectors["keyid"]: _public(vectors)}.get,
    )
    assert read.created == vectors["created"]
    assert answer["base"].endswith(f'"@signature-params": {read.params_text}')


def test_the_log_of_the_proofs() -> None:
    vectors = _load("proofs")
    leaves = [Leaf(**one["leaf"]) for one in vectors["leaves"]]
    assert [(leaf.text(), leaf.hash().hex()) for leaf in leaves] == [
        (one["text"], one["hash"]) for one in vectors["leaves"]
    ]
    digest = content_digest("earning", validate(EarningSchema, vectors["reported"]))
    assert digest.hex() == vectors["reported_digest"]
    assert leaves[0].is_of(base64url.decode(vectors["content_salt"]), digest)
    roots = [bytes.fromhex(one) for one in vectors["roots"]]
    for one in vectors["inclusion"]:
        path, size = [bytes.fromhex(step) for step in one["path"]], one["size"]
        merkle.check_inclusion(leaves[one["position"]].hash(), one["position"], size, path, roots[size])
    for one in vectors["consistency"]:
        path, old, new = [bytes.fromhex(step) for step in one["path"]], one["from"], one["to"]
        merkle.check_consistency(old, new, roots[old], roots[new], path)
    origin = origin_of(PublicKey.from_text(vectors["root_public"]))
    read = read_checkpoint(vectors["checkpoint"], origin, _public(vectors))
    assert (read.size, read.root) == (8, roots[8])


def test_strict_json() -> None:
    vectors = _load("strict_json")
    for body in vectors["accepted"].values():
        strict_json.loads(bytes.fromhex(body))
    for body in vectors["refused"].values():
        with pytest.raises(strict_json.MalformedJson):
            strict_json.loads(bytes.fromhex(body))
