"""Writes the vectors beside this file: what another language must reproduce byte for byte.

    python tests/vectors/write_vectors.py

Ed25519 is deterministic (RFC 8032), so every run writes the same files; a test compares them. The seeds are made
for these files only and are public: a key from here must never be registered anywhere.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from partner_sdk.wire import base64url, merkle, signatures, strict_json
from partner_sdk.wire.checkpoints import Checkpoint, origin_of, sign_checkpoint
from partner_sdk.wire.codes import PROBLEM_TYPE, problem
from partner_sdk.wire.file_signatures import FILE_CONTEXT, sign_file
from partner_sdk.wire.hub_keys import KEY_LIST_CONTEXT, HubKey, HubKeyList, sign_key_list
from partner_sdk.wire.keys import (
    REGISTRATION_CONTEXT,
    ROTATION_CONTEXT,
    HardwareKey,
    PrivateKey,
    PublicKey,
    SigningKey,
    key_id,
    registration,
    rotation,
)
from partner_sdk.wire.leaves import Leaf
from partner_sdk.wire.leaves import content_digest as content_digest_of
from partner_sdk.wire.schemas import EarningSchema, validate
from partner_sdk.wire.signatures import RequestTarget, content_digest

CREATED = 1_750_000_000
NONCE = "AAECAwQFBgcICQoLDA0ODw"
JSON = "application/json"
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

Vectors = dict[str, Any]


def main() -> None:
    """Write every file of vectors."""
    for name, vectors in all_vectors().items():
        path = Path(__file__).with_name(f"{name}.json")
        path.write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def all_vectors() -> dict[str, Vectors]:
    """The content of every file, by its name."""
    return {
        "keys": _keys(),
        "ecdsa": _ecdsa(),
        "key_registration": _key_registration(),
        "key_rotation": _key_rotation(),
        "hub_keys": _hub_keys(),
        "file_signature": _file_signature(),
        "requests": _requests(),
        "webhooks": _webhooks(),
        "answers": _answers(),
        "strict_json": _strict_json(),
        "proofs": _proofs(),
    }


def _proofs() -> Vectors:
    sale = json.loads(_EARNINGS)["earnings"][0]
    first = _leaf("earning", sale["event_id"], 12, content_digest_of("earning", validate(EarningSchema, sale)))
    others = [_leaf("pool", f"home-{number}", 0, _seed(f"content {number}")) for number in range(2, 9)]
    leaves = [leaf.hash() for leaf in (first, *others)]
    origin, key = origin_of(_key("root").public), _key("hub")
    return {
        "about": "A log of eight events: leaves, roots, proofs, and its checkpoint, signed by the hub's key. "
        "The origin is made of the root key `root_public`.",
        "root_public": _key("root").public.text(),
        "seed_hex": _seed("hub").hex(),
        "keyid": key_id("hub", key.public),
        "reported": sale,
        "reported_digest": content_digest_of("earning", validate(EarningSchema, sale)).hex(),
        "content_salt": base64url.encode(_seed("content salt")[:16]),
        "leaves": [{"leaf": asdict(leaf), "text": leaf.text(), "hash": leaf.hash().hex()} for leaf in (first, *others)],
        "roots": [merkle.root_of(leaves[:size]).hex() for size in range(9)],
        "inclusion": [_included(leaves, *one) for one in ((0, 1), (0, 8), (5, 8), (2, 3), (1, 5), (6, 7))],
        "consistency": [_consistent(leaves, *one) for one in ((0, 8), (1, 8), (6, 8), (2, 5), (7, 7))],
        "checkpoint": sign_checkpoint(Checkpoint(origin, 8, merkle.root_of(leaves)), key),
    }


def _leaf(kind: str, event_id: str, points: int, digest: bytes) -> Leaf:
    content = hashlib.sha256(_seed("content salt")[:16] + digest).hexdigest()
    record = _seed(f"record of {event_id}").hex()
    return Leaf("grocer", event_id, kind, "posted", points, "2025-06-15T15:06:00.000000Z", content, record)


def _included(leaves: list[bytes], position: int, size: int) -> Vectors:
    path = merkle.inclusion_path(position, size, lambda start, end: merkle.root_of(leaves[start:end]))
    return {"position": position, "size": size, "path": [one.hex() for one in path]}


def _consistent(leaves: list[bytes], old: int, new: int) -> Vectors:
    path = merkle.consistency_path(old, new, lambda start, end: merkle.root_of(leaves[start:end]))
    return {"from": old, "to": new, "path": [one.hex() for one in path]}


def _seed(name: str) -> bytes:
    return hashlib.sha256(f"hansa test vector: {name}".encode()).digest()


def _key(name: str) -> PrivateKey:
    return PrivateKey.from_seed(_seed(name))


class _Recorder:
    """Signs as its key does and keeps what was signed: the signature base."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.base = b""

    def sign(self, message: bytes) -> bytes:
        self.base = message
        return self._key.sign(message)


def _keys() -> Vectors:
    owners = {"grocer": "partner", "hub": "hub"}
    return {
        "about": "Keys, their JWK (RFC 8037), thumbprint (RFC 7638) and keyid; and keys that must be refused.",
        "keys": [
            {
                "owner": owner,
                "seed_hex": _seed(name).hex(),
                "public_hex": _key(name).public.raw.hex(),
                "jwk": _key(name).public.jwk(),
                "thumbprint": _key(name).public.thumbprint(),
                "keyid": key_id(owner, _key(name).public),
            }
            for owner, name in owners.items()
        ],
        "refused": [{"public_hex": raw.hex(), "because": because} for raw, because in _weak_keys()],
    }


class _Deterministic:
    """ECDSA with the nonce of RFC 6979, so that these files stay as they are; any other nonce is as good."""

    def __init__(self, name: str) -> None:
        scalar = 1 + int.from_bytes(_seed(name), "big") % (_N - 1)
        self.scalar = scalar.to_bytes(32, "big")
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.public = PublicKey.from_raw(point)

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _ecdsa() -> Vectors:
    key = _Deterministic("partner, hardware")
    signing = HardwareKey(key.public, key.sign)
    url, keyid = "https://hub.example/v1/ping", key_id("grocer", key.public)
    recorder = _Recorder(signing)
    target = RequestTarget.from_url("GET", url)
    headers = signatures.sign_request(target, recorder, keyid, created=CREATED, expires=CREATED + 300, nonce=NONCE)
    return {
        "about": "ECDSA on P-256 (ecdsa-p256-sha256 of RFC 9421): a key, its registration, a request; and what must be"
        " refused. Signatures are r and s of 32 bytes; these have the nonces of RFC 6979, others are as good.",
        "scalar_hex": key.scalar.hex(),
        "public_hex": key.public.raw.hex(),
        "jwk": key.public.jwk(),
        "thumbprint": key.public.thumbprint(),
        "keyid": keyid,
        "registration": registration("grocer", signing),
        "request": {"method": "GET", "url": url, "headers": headers, "base": recorder.base.decode()},
        "refused_keys": [{"public_hex": raw.hex(), "because": because} for raw, because in _no_points(key.public.raw)],
        "refused_signatures": [
            {"signature_hex": wrong.hex(), "because": because}
            for wrong, because in _no_signatures(key.sign(recorder.base))
        ],
    }


def _no_signatures(good: bytes) -> list[tuple[bytes, str]]:
    r, s, order = good[:32], good[32:], _N.to_bytes(32, "big")
    return [
        (bytes(32) + s, "r is 0"),
        (r + bytes(32), "s is 0"),
        (order + s, "r is the order of the group"),
        (r + order, "s is the order of the group"),
        (encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")), "DER"),
    ]


def _no_points(sound: bytes) -> list[tuple[bytes, str]]:
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    return [
        (sound[:64] + bytes([sound[64] ^ 1]), "the bytes are not a point of the curve"),
        (b"\x04" + bytes(64), "the bytes are not a point of the curve"),
        (b"\x04" + p.to_bytes(32, "big") + sound[33:], "the encoding is not canonical"),
        (b"\x06" + sound[1:], "the encoding is not that of an uncompressed point"),
        (b"\x00", "the point at infinity"),
        (bytes([2 + sound[64] % 2]) + sound[1:33], "a compressed point"),
    ]


def _weak_keys() -> list[tuple[bytes, str]]:
    p, sign = 2**255 - 19, 1 << 255
    order_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
    small = [1, p - 1, 0, sign, order_8, order_8 | sign, p - order_8, (p - order_8) | sign]
    twice = [p + 1, 1 | sign, (p + 1) | sign, (p - 1) | sign, p, p | sign, p + 3, 2**256 - 1]
    sound = int.from_bytes(_key("partner").public.raw, "little")
    mixed = (p - (sound & (sign - 1))) | ((sound & sign) ^ sign)
    return [
        *((_little(number), "the point has small order") for number in small),
        *((_little(number), "the encoding is not canonical") for number in twice),
        (_little(mixed), "the point has mixed order"),
        (_little(2), "the bytes are not a point of the curve"),
        (base64url.decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"), "published in RFC 9421 B.1.4"),
        (base64url.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), "published in RFC 8037 A.1"),
    ]


def _little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def _key_registration() -> Vectors:
    key = _key("partner")
    signed = REGISTRATION_CONTEXT + f"grocer\n{key.public.thumbprint()}".encode()
    bound = {"signed": f"{signed.decode()}\nsandbox", "document": registration("grocer", key, "sandbox")}
    return {
        "about": "The body of POST /v1/keys. `proof` is the key's signature over the UTF-8 bytes of `signed`.",
        "seed_hex": _seed("partner").hex(),
        "partner": "grocer",
        "signed": signed.decode(),
        "document": registration("grocer", key),
        "for_a_sandbox": bound,
    }


def _key_rotation() -> Vectors:
    former, new = _key("partner"), _Deterministic("partner, hardware")
    keyid = key_id("grocer", former.public)
    signed = ROTATION_CONTEXT + f"{keyid}\n{new.public.thumbprint()}".encode()
    return {
        "about": "The body of POST /v1/keys/rotate, a request that the former key signs. `proof` is the new key's"
        " signature over the UTF-8 bytes of `signed`; here the new key is in hardware (ecdsa.json).",
        "former_keyid": keyid,
        "new_keyid": key_id("grocer", new.public),
        "signed": signed.decode(),
        "document": rotation(keyid, HardwareKey(new.public, new.sign)),
    }


def _hub_keys() -> Vectors:
    old, new = _key("hub, before"), _key("hub")
    listed = HubKeyList(
        version=2,
        environment="sandbox",
        keys=(
            HubKey(key_id("hub", old.public), old.public, CREATED - 1000, CREATED + 1000),
            HubKey(key_id("hub", new.public), new.public, CREATED),
        ),
        issued_at=CREATED,
    )
    document = sign_key_list(listed, _key("root"))
    return {
        "about": "The answer to GET /v1/hub-keys. `signature` is the root key's over the UTF-8 bytes of `signed`.",
        "root_seed_hex": _seed("root").hex(),
        "root_public": _key("root").public.text(),
        "signed": (KEY_LIST_CONTEXT + base64url.decode(document["key_list"])).decode(),
        "document": document,
    }


def _file_signature() -> Vectors:
    file, key = "a statement\n", _key("hub")
    about = {"kind": "statement", "cycle": "2025-06", "partner": "grocer"}
    keyid, digest = key_id("hub", key.public), hashlib.sha256(file.encode()).digest()
    document = sign_file(digest, about, CREATED, keyid, key, _hub_keys()["document"])
    return {
        "about": "A file and its signature. `signature` is the hub's over the UTF-8 bytes of `signed`.",
        "root_public": _key("root").public.text(),
        "seed_hex": _seed("hub").hex(),
        "file": file,
        "signed": (FILE_CONTEXT + base64url.decode(document["signed"])).decode(),
        "document": document,
    }


_EARNINGS = strict_json.dumps(
    {
        "earnings": [
            {
                "event_id": "till4-000123",
                "member": "card:1234",
                "occurred_at": "2025-06-15T17:05:58+02:00",
                "amount": {"minor": 1250, "currency": "USD"},
                "store": "Łódź 3",
            }
        ]
    }
)
_MESSAGES: dict[str, tuple[str, str, bytes | None]] = {
    "with a body": ("POST", "https://hub.example/v1/earnings", _EARNINGS),
    "with a query": ("GET", "https://hub.example:8443/v1/events?cursor=abc&limit=7", None),
    "without a query, escapes in the path": ("GET", "https://hub.example/v1/members/email%3Aa%40b.example", None),
}


def _target(method: str, url: str, body: bytes | None) -> RequestTarget:
    if body is None:
        return RequestTarget.from_url(method, url)
    return RequestTarget.from_url(method, url, JSON, content_digest(body))


def _requests() -> Vectors:
    keyid = key_id("grocer", _key("partner").public)
    return {
        "about": "Signed requests: `base` is what is signed (RFC 9421 section 2.5), `headers` what is sent.",
        "seed_hex": _seed("partner").hex(),
        "keyid": keyid,
        "created": CREATED,
        "expires": CREATED + 60,
        "nonce": NONCE,
        "requests": [_request(name, keyid, *message) for name, message in _MESSAGES.items()],
    }


def _request(name: str, keyid: str, method: str, url: str, body: bytes | None) -> Vectors:
    recorder, target = _Recorder(_key("partner")), _target(method, url, body)
    signed = signatures.sign_request(
        target,
        recorder,
        keyid,
        created=CREATED,
        expires=CREATED + 60,
        nonce=NONCE,
    )
    content = {} if body is None else {"Content-Type": JSON, "Content-Digest": content_digest(body)}
    return {
        "name": name,
        "method": method,
        "url": url,
        "body": None if body is None else body.decode(),
        "base": recorder.base.decode(),
        "headers": content | signed,
    }


_MESSAGE = strict_json.dumps(
    {
        "id": "msg_7",
        "topic": "points.posted",
        "partner": "grocer",
        "occurred_at": "2025-06-15T15:05:59Z",
        "data": {"event_id": "till4-000123", "kind": "earning", "status": "posted", "points": 12},
    }
)


def _webhooks() -> Vectors:
    recorder, url, keyid = (
        _Recorder(_key("hub")),
        "https://shop.example/hansa?till=4",
        key_id("hub", _key("hub").public),
    )
    signed = signatures.sign_request(
        _target("POST", url, _MESSAGE),
        recorder,
        keyid,
        created=CREATED,
        expires=CREATED + 300,
        nonce=NONCE,
        tag=signatures.WEBHOOK_TAG,
    )
    return {
        "about": "A message to a partner's server, signed by the hub's key of answers.json: `base` is what is signed.",
        "seed_hex": _seed("hub").hex(),
        "keyid": keyid,
        "messages": [
            {
                "method": "POST",
                "url": url,
                "body": _MESSAGE.decode(),
                "base": recorder.base.decode(),
                "headers": {"Content-Type": JSON, "Content-Digest": content_digest(_MESSAGE)} | signed,
            }
        ],
    }


def _answers() -> Vectors:
    done = strict_json.dumps({"results": [{"event_id": "till4-000123", "status": "posted", "points": 12}]})
    page = strict_json.dumps({"events": [], "next_cursor": "abc", "more": False})
    unsigned = strict_json.dumps(problem("signature_missing", "Signature-Input or Signature is absent"))
    return {
        "about": "Signed answers to the requests of requests.json, by `request`; the last one's carried no nonce.",
        "seed_hex": _seed("hub").hex(),
        "keyid": key_id("hub", _key("hub").public),
        "created": CREATED + 1,
        "answers": [
            _answer("with a body", NONCE, 200, JSON, done),
            _answer("with a query", NONCE, 200, JSON, page),
            _answer("with a body", None, 401, PROBLEM_TYPE, unsigned),
        ],
    }


def _answer(request: str, nonce: str | None, status: int, content_type: str, body: bytes) -> Vectors:
    recorder = _Recorder(_key("hub"))
    headers = signatures.sign_response(
        status=status,
        content_type=content_type,
        body=body,
        target=_target(*_MESSAGES[request]),
        nonce=nonce,
        key=recorder,
        keyid=key_id("hub", _key("hub").public),
        created=CREATED + 1,
    )
    return {
        "request": request,
        "nonce": nonce,
        "status": status,
        "body": body.decode(),
        "base": recorder.base.decode(),
        "headers": {"Content-Type": content_type} | headers,
    }


def _strict_json() -> Vectors:
    refused = {
        "byte order mark": b"\xef\xbb\xbf{}",
        "not UTF-8": b'["\xff"]',
        "duplicate key": b'{"a":1,"a":1}',
        "duplicate key behind an escape": b'{"a":1,"\\u0061":1}',
        "NaN": b"[NaN]",
        "Infinity": b"[-Infinity]",
        "fraction": b"[1.0]",
        "exponent": b"[1e2]",
        "20 digits": b"[10000000000000000000]",
        "NUL": b'["\\u0000"]',
        "lone surrogate": b'["\\ud800"]',
        "lone surrogate in a key": b'{"\\udc00":1}',
        "17 levels": b"[" * 17 + b"]" * 17,
        "two values": b"{}{}",
        "trailing comma": b"[1,]",
    }
    accepted = {
        "spaces": b' {"a" : [ 1 , -2 ] }\n',
        "19 digits": b"[9999999999999999999]",
        "a pair of surrogates": b'["\\ud83d\\ude00"]',
        "an escaped backslash": b'["\\\\u0000"]',
        "16 levels": b"[" * 16 + b"]" * 16,
    }
    return {
        "about": "Bodies in hexadecimal, as strict JSON takes them or refuses them (malformed_json).",
        "refused": {name: body.hex() for name, body in refused.items()},
        "accepted": {name: body.hex() for name, body in accepted.items()},
    }


if __name__ == "__main__":
    main()
