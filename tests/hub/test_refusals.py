"""One table of everything for which a signed request is refused before anybody reads what it asks for.

Each line changes one thing of an honest request. Whatever it is, the answer is the documented code, signed by
the hub and bound to the request as it was sent, and no table has a row more than before.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import pytest

from hub.api.calls import Endpoint
from hub.api.openapi import SIGNED_REFUSALS
from hub.api.routes import SIGNED
from hub.services import partners
from partner_sdk.wire import base64url
from partner_sdk.wire.codes import CODES, PROBLEM_TYPE
from partner_sdk.wire.keys import PrivateKey, PublicKey, key_id, registration
from partner_sdk.wire.schemas import ProblemSchema, validate
from partner_sdk.wire.signatures import content_digest
from tests.support import coalition
from tests.support.network import Network, sale
from tests.support.raw import JSON_TYPE, Answer, RawClient
from tests.support.spelled import BODY_INNER, PLAIN_INNER, Sent, sign, unsigned, usual, written


class Cast(NamedTuple):
    """Who sends: an honest partner, and one whose keys are in every state."""

    net: Network
    honest: RawClient
    other: RawClient
    states: dict[str, RawClient]


Build = Callable[[Cast], Sent]
Change = Callable[[Sent], Sent]


@pytest.fixture(scope="module")
def cast(net: Network) -> Cast:
    honest, other = net.join(), net.join()
    return Cast(net, honest, other, _keys_in_every_state(net))


def _keys_in_every_state(net: Network) -> dict[str, RawClient]:
    hub, partner = net.hub, net.join().partner
    keys = {state: PrivateKey.generate() for state in ("retired", "retiring", "revoked", "active", "pending")}
    coalition.add_key(hub, partner, keys["retired"])
    coalition.add_key(hub, partner, keys["retiring"], overlap=timedelta(seconds=-1))
    partners.revoke_key(hub, partner, coalition.add_key(hub, partner, keys["revoked"]))
    coalition.add_key(hub, partner, keys["active"])
    partners.register_key(hub, registration(partner, keys["pending"]))
    stored = {one["keyid"]: one["state"] for one in partners.keys(hub, partner)}
    assert {state: stored[key_id(partner, key.public)] for state, key in keys.items()} == {key: key for key in keys}
    suspended = net.join()
    partners.set_status(hub, suspended.partner, "suspended")
    states = {state: net.client(partner, key) for state, key in keys.items()}
    return states | {"unknown": net.client(partner, PrivateKey.generate()), "suspended": suspended}


# --- honest requests ---


def _post(client: RawClient, net: Network, path: str = "/v1/earnings") -> Sent:
    """An honest report of one sale, not signed yet."""
    body = json.dumps({"earnings": [sale(net.fresh("e"), net.member())]}).encode()
    return unsigned(client, "POST", path, body)


def _get(client: RawClient, path: str = "/v1/events?limit=5") -> Sent:
    return unsigned(client, "GET", path)


def _honest(cast: Cast) -> Sent:
    return sign(cast.honest, _post(cast.honest, cast.net))


def _honest_get(cast: Cast) -> Sent:
    return sign(cast.honest, _get(cast.honest))


# --- changed after signing ---


def _after(change: Change, start: Build = _honest) -> Build:
    return lambda cast: change(start(cast))


def _after_by(change: Callable[[Cast, Sent], Sent]) -> Build:
    return lambda cast: change(cast, _honest(cast))


def _input(pattern: str, replacement: str) -> Change:
    return lambda sent: sent.changed("Signature-Input", pattern, replacement)


def _moved(name: str) -> Change:
    """A second earlier."""

    def change(sent: Sent) -> Sent:
        found = re.search(rf"{name}=(\d+)", sent.field("Signature-Input"))
        assert found
        return _input(found[0], f"{name}={int(found[1]) - 1}")(sent)

    return change


def _bytes_flipped(sent: Sent) -> Sent:
    raw = bytearray(base64.b64decode(sent.field("Signature")[5:-1]))
    raw[0] ^= 1
    return sent.having("Signature", f"sig=:{base64.b64encode(raw).decode()}:")


def _of_another_request(cast: Cast, sent: Sent) -> Sent:
    other = _honest(cast)
    return sent.having("Signature", other.field("Signature")).having("Signature-Input", other.field("Signature-Input"))


def _sha512(sent: Sent) -> str:
    return f"sha-512=:{base64.b64encode(hashlib.sha512(sent.body).digest()).decode()}:"


OTHER_NONCE = base64url.encode(bytes(16))
CHANGED: dict[str, tuple[Build, str]] = {
    "method to one the path does not take": (_after(lambda s: s._replace(method="PUT")), "method_not_allowed"),
    "method in small letters": (_after(lambda s: s._replace(method="post")), "malformed_request"),
    "path to another endpoint": (_after(lambda s: s._replace(target="/v1/redemptions")), "signature_invalid"),
    "path in escapes": (_after(lambda s: s._replace(target="/v1/%65arnings")), "not_found"),
    "path in escapes, as it was signed": (
        lambda cast: sign(cast.honest, _post(cast.honest, cast.net, "/v1/%65arnings")),
        "not_found",
    ),
    "path with a slash more": (_after(lambda s: s._replace(target="/v1//earnings")), "not_found"),
    "path with a slash at its end": (_after(lambda s: s._replace(target="/v1/earnings/")), "not_found"),
    "query added": (_after(lambda s: s._replace(target="/v1/earnings?x=1")), "signature_invalid"),
    "query changed": (_after(lambda s: s._replace(target="/v1/events?limit=6"), _honest_get), "signature_invalid"),
    "query spelled otherwise": (
        _after(lambda s: s._replace(target="/v1/events?%6Cimit=5"), _honest_get),
        "signature_invalid",
    ),
    "query taken away": (_after(lambda s: s._replace(target="/v1/events"), _honest_get), "signature_invalid"),
    "authority to a stranger's": (_after(lambda s: s.having("Host", "points.example")), "wrong_authority"),
    "authority to another of the hub's": (
        _after(lambda s: s.changed("Host", r"127\.0\.0\.1", "localhost")),
        "signature_invalid",
    ),
    "authority without its port": (_after(lambda s: s.having("Host", "127.0.0.1")), "wrong_authority"),
    "content type": (
        _after(lambda s: s.having("Content-Type", "application/json; charset=utf-8")),
        "signature_invalid",
    ),
    "content type taken away": (_after(lambda s: s.having("Content-Type")), "signature_components"),
    "content type doubled": (_after(lambda s: s.having("Content-Type", JSON_TYPE, JSON_TYPE)), "malformed_request"),
    "content digest to another's": (
        _after(lambda s: s.having("Content-Digest", content_digest(b"{}"))),
        "digest_mismatch",
    ),
    "content digest to another algorithm": (
        _after(lambda s: s.having("Content-Digest", _sha512(s))),
        "signature_invalid",
    ),
    "content digest to an unknown algorithm": (
        _after(lambda s: s.having("Content-Digest", "md5=:AAAA:")),
        "digest_malformed",
    ),
    "content digest to no dictionary": (_after(lambda s: s.having("Content-Digest", "sha-256")), "digest_malformed"),
    "content digest taken away": (_after(lambda s: s.having("Content-Digest")), "digest_malformed"),
    "content digest doubled": (
        _after(lambda s: s.having("Content-Digest", *[s.field("Content-Digest")] * 2)),
        "digest_malformed",
    ),
    "body": (_after(lambda s: s._replace(body=s.body.replace(b"1000", b"9000"))), "digest_mismatch"),
    "body's white space": (_after(lambda s: s._replace(body=s.body.replace(b" ", b"\t"))), "digest_mismatch"),
    "body taken away": (
        _after(lambda s: s._replace(body=b"").having("Content-Length", "0")),
        "signature_components",
    ),
    "created": (_after(_moved("created")), "signature_invalid"),
    "expires": (_after(_moved("expires")), "signature_invalid"),
    "nonce": (_after(_input(r'nonce="[^"]+"', f'nonce="{OTHER_NONCE}"')), "signature_invalid"),
    "keyid to one nobody has": (_after(_input(r"\.[A-Za-z0-9_-]{16}\"", '.AAAAAAAAAAAAAAAA"')), "unknown_key"),
    "keyid to another partner's": (
        _after_by(lambda cast, s: _input(r'keyid="[^"]+"', f'keyid="{cast.other.keyid}"')(s)),
        "signature_invalid",
    ),
    "tag": (_after(_input("hansa-request", "hansa-response")), "signature_malformed"),
    "alg added": (_after(_input("$", ';alg="ed25519"')), "signature_invalid"),
    "order of the parameters": (_after(_input(r"(;created=\d+)(;expires=\d+)", r"\2\1")), "signature_invalid"),
    "signature's first byte": (_after(_bytes_flipped), "signature_invalid"),
    "signature to that of another request": (_after_by(_of_another_request), "signature_invalid"),
    "signature to no base64": (_after(lambda s: s.having("Signature", "sig=:*:")), "signature_malformed"),
    "signature cut short": (
        _after(lambda s: s.changed("Signature", r"[A-Za-z0-9+/=]{4}:$", ":")),
        "signature_malformed",
    ),
    "signature under another label": (_after(lambda s: s.changed("Signature", "sig=", "gis=")), "signature_malformed"),
    "signature doubled": (
        _after(lambda s: s.having("Signature", *[s.field("Signature")] * 2)),
        "signature_malformed",
    ),
    "components in another order": (
        _after(_input('"@method" "@authority"', '"@authority" "@method"')),
        "signature_components",
    ),
    "a component less": (_after(_input(r'"@query" ', "")), "signature_components"),
    "a component more": (_after(_input(r'"@query"', '"@query" "host"')), "signature_components"),
    "a component twice": (_after(_input(r'"@query"', '"@query" "@query"')), "signature_components"),
    "a component's parameter": (_after(_input(r'"@query"', '"@query";req')), "signature_components"),
    "Signature-Input to no dictionary": (_after(lambda s: s.having("Signature-Input", "(((")), "signature_malformed"),
}


# --- properly signed, over parameters that are not right ---


def _signed_with(change: Callable[[dict[str, str]], Sequence[str]]) -> Build:
    def build(cast: Cast) -> Sent:
        return sign(cast.honest, _post(cast.honest, cast.net), change(usual(cast.honest)))

    return build


def _without(name: str) -> Build:
    return _signed_with(lambda usual: written({own: value for own, value in usual.items() if own != name}))


def _with(name: str, value: str) -> Build:
    return _signed_with(lambda usual: written(usual | {name: value}))


def _doubled(name: str) -> Build:
    return _signed_with(lambda usual: [*written(usual), f"{name}={usual[name]}"])


def _lasting(age_s: int, lifetime_s: int) -> Build:
    def build(cast: Cast) -> Sent:
        params = usual(cast.honest, int(time.time()) - age_s, lifetime_s)
        return sign(cast.honest, _post(cast.honest, cast.net), written(params))

    return build


def _covering(inner: str) -> Build:
    return lambda cast: sign(cast.honest, _post(cast.honest, cast.net), inner=inner)


def _get_covering_a_content_type(cast: Cast) -> Sent:
    sent = _get(cast.honest).having("Content-Type", JSON_TYPE)
    return sign(cast.honest, sent, inner=f'{PLAIN_INNER[:-1]} "content-type")')


def _twice(cast: Cast) -> Sent:
    """Two signatures with the tag, each of them good."""
    sent = _honest(cast)
    again = sign(cast.honest, sent._replace(fields=sent.fields[:-2]))
    for name in ("Signature-Input", "Signature"):
        sent = sent.having(name, f"{sent.field(name)}, {again.field(name).replace('sig=', 'more=', 1)}")
    return sent


NONCES = (
    '""',
    '"AAAAAAAAAAAAAAAAAAAAA"',
    '"AAAAAAAAAAAAAAAAAAAAAAA"',
    '"AAAAAAAAAAAAAAAAAAAAAA=="',
    '"AAAAAAAAAAAAAAAAAAAAAB"',
    '"AAAAAAAAAAAAAAAAAAAA+A"',
    "AAAAAAAAAAAAAAAAAAAAAA",
    ":AAAAAAAAAAAAAAAAAAAAAA==:",
)
NAMES = ("created", "expires", "nonce", "keyid")
PARAMETERS: dict[str, tuple[Build, str]] = {
    **{f"{name} missing": (_without(name), "signature_parameters") for name in NAMES},
    "tag missing": (_without("tag"), "signature_malformed"),
    **{f"{name} doubled": (_doubled(name), "signature_malformed") for name in (*NAMES, "tag")},
    "alg doubled": (
        _signed_with(lambda usual: [*written(usual), 'alg="ed25519"', 'alg="ed25519"']),
        "signature_malformed",
    ),
    **{
        f"created is {value}": (_with("created", value), "signature_parameters")
        for value in ("0", "-1", '"1750000000"', "1750000000.5", "01750000000", "1750000000000", "?1")
    },
    "created without a value": (
        _signed_with(lambda usual: ["created", *written(usual)[1:]]),
        "signature_parameters",
    ),
    "expires at created": (_lasting(0, 0), "signature_parameters"),
    "expires before created": (_lasting(0, -10), "signature_parameters"),
    "expires 301 s after created": (_lasting(0, 301), "signature_parameters"),
    "expires is text": (_with("expires", '"soon"'), "signature_parameters"),
    **{f"nonce is {value}": (_with("nonce", value), "signature_parameters") for value in NONCES},
    **{
        f"keyid is {value}": (_with("keyid", value), "signature_parameters")
        for value in ('""', "shop1", f'"{"k" * 101}"')
    },
    "keyid is nobody's": (_with("keyid", '"x"'), "unknown_key"),
    **{
        f"alg is {value}": (_with("alg", value), "signature_parameters")
        for value in ('"rsa-pss-sha512"', '"hmac-sha256"', '"Ed25519"', "ed25519")
    },
    "tag is another's": (_with("tag", '"hansa"'), "signature_malformed"),
    "tag is a token": (_with("tag", "hansa-request"), "signature_malformed"),
    "an unknown parameter": (_with("context", '"1"'), "signature_parameters"),
    "a parameter with a space before it": (_with(" created", "1"), "signature_malformed"),
    "created 301 s ago": (_lasting(302, 300), "clock_skew"),
    "created years ago": (_lasting(100_000_000, 300), "clock_skew"),
    "created ahead": (_lasting(-45, 300), "clock_skew"),
    "expired": (_lasting(100, 50), "clock_skew"),
    "covers nothing": (_covering("()"), "signature_components"),
    "covers no digest": (_covering(PLAIN_INNER), "signature_components"),
    "covers one thing more": (_covering(BODY_INNER[:-1] + ' "host")'), "signature_components"),
    "covers in another order": (
        _covering('("@authority" "@method" "@path" "@query" "content-type" "content-digest")'),
        "signature_components",
    ),
    "covers no body of a call without one": (
        _get_covering_a_content_type,
        "signature_components",
    ),
    "two signatures with the tag": (_twice, "signature_malformed"),
    "no signature": (lambda cast: _post(cast.honest, cast.net), "signature_missing"),
    "no signature, no body": (lambda cast: _get(cast.honest), "signature_missing"),
    "no Signature": (_after(lambda s: s.having("Signature")), "signature_missing"),
    "no Signature-Input": (_after(lambda s: s.having("Signature-Input")), "signature_missing"),
    "fields written with underscores": (
        _after(lambda s: s._replace(fields=[(name.replace("ture-", "ture_"), value) for name, value in s.fields])),
        "signature_missing",
    ),
    "only another's signature": (
        _after(lambda s: s.having("Signature-Input", 'p=("@method");tag="proxy"').having("Signature", "p=:AAAA:")),
        "signature_malformed",
    ),
    "another's signature beside ours that is no structured field": (
        _after(lambda s: s.having("Signature-Input", f"{s.field('Signature-Input')}, p=(")),
        "signature_malformed",
    ),
}


# --- keys ---


def _signed_by(state: str) -> Build:
    return lambda cast: sign(cast.states[state], _post(cast.states[state], cast.net))


KEYS: dict[str, tuple[Build, str]] = {
    **{f"key is {state}": (_signed_by(state), f"key_{state}") for state in ("pending", "retired", "revoked")},
    "key is unknown": (_signed_by("unknown"), "unknown_key"),
    "partner is suspended": (_signed_by("suspended"), "partner_suspended"),
}


# --- registration of keys that prove nothing ---

P = 2**255 - 19
SIGN = 1 << 255
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
WEAK = {
    "order 1": 1,
    "order 2": P - 1,
    "order 4": 0,
    "order 4, negative": SIGN,
    "order 8": ORDER_8,
    "order 8, negative": ORDER_8 | SIGN,
    "order 8, other": P - ORDER_8,
    "order 8, other, negative": (P - ORDER_8) | SIGN,
    "order 1, not canonical": P + 1,
    "order 1, negative zero": 1 | SIGN,
    "order 1, both": (P + 1) | SIGN,
    "order 2, negative zero": (P - 1) | SIGN,
    "order 4, not canonical": P,
    "order 4, not canonical, negative": P | SIGN,
    "large, not canonical": P + 3,
    "all ones": 2**256 - 1,
}
PUBLISHED = {
    "RFC 9421": "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb",
    "RFC 8032 test 1, RFC 8037": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "RFC 8032 test 2": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "RFC 8032 test 3": "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "RFC 8032 test 1024": "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
    "RFC 8032 test SHA(abc)": "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
}
RFC_8032_TEST_1_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
FORGED = b"\1" + bytes(63)
"""A signature under the identity point over any message whatever: R is the identity, S is nought."""


class _NoSecret(PrivateKey):
    """Signs with the forgery; good enough for keys that prove nothing."""

    def __init__(self, raw: bytes) -> None:
        self.public, self.environment = PublicKey.load_trusted(raw), None

    def sign(self, message: bytes) -> bytes:
        return FORGED


def _register(cast: Cast, key: PrivateKey, document: dict[str, object] | None = None) -> Sent:
    partner = cast.honest.partner
    body = json.dumps(document or registration(partner, key)).encode()
    signer = RawClient(cast.honest.authority, partner, key, cast.honest.root)
    return sign(signer, unsigned(signer, "POST", "/v1/keys", body))


def _register_weak(number: int, cast: Cast) -> Sent:
    return _register(cast, _NoSecret(number.to_bytes(32, "little")))


def _register_published(raw: str, cast: Cast) -> Sent:
    return _register(cast, _NoSecret(bytes.fromhex(raw)))


def _register_mixed_order(cast: Cast) -> Sent:
    """A good key plus the point of order 2: (x, y) + (0, -1) = (-x, -y)."""
    y = int.from_bytes(PrivateKey.generate().public.raw, "little")
    return _register_weak((P - (y & (SIGN - 1))) | ((y & SIGN) ^ SIGN), cast)


def _register_with(**changes: object) -> Build:
    def build(cast: Cast) -> Sent:
        key = PrivateKey.generate()
        return _register(cast, key, registration(cast.honest.partner, key) | changes)

    return build


def _register_for(name: str, cast: Cast) -> Sent:
    """A good registration for ``name``, signed by the key it registers."""
    key = PrivateKey.generate()
    signer = RawClient(cast.honest.authority, name, key, cast.honest.root)
    sent = _register(cast, key, registration(name, key))
    return sign(signer, sent._replace(fields=sent.fields[:-2]))


def _stolen_proof(cast: Cast) -> Sent:
    """A proof that its owner made for another partner."""
    key = PrivateKey.generate()
    proof = registration(cast.other.partner, key)["proof"]
    return _register(cast, key, registration(cast.honest.partner, key) | {"proof": proof})


def _a_blank_more(sent: Sent) -> Sent:
    return sent._replace(body=sent.body + b" ").having("Content-Length", str(len(sent.body) + 1))


REGISTRATIONS: dict[str, tuple[Build, str]] = {
    **{f"key of {name}": (partial(_register_weak, number), "weak_key") for name, number in WEAK.items()},
    **{f"test key of {name}": (partial(_register_published, raw), "weak_key") for name, raw in PUBLISHED.items()},
    "test key with its secret": (
        lambda cast: _register(cast, PrivateKey.from_seed(bytes.fromhex(RFC_8032_TEST_1_SEED))),
        "weak_key",
    ),
    "key of mixed order": (_register_mixed_order, "weak_key"),
    "key off the curve": (partial(_register_weak, 2), "weak_key"),
    "proof of nothing": (_register_with(proof="A" * 86), "proof_invalid"),
    "proof for another partner": (_stolen_proof, "proof_invalid"),
    "proof cut short": (_register_with(proof="A" * 85), "invalid_request"),
    "request signed by another key": (
        lambda cast: _register(cast, cast.honest.key, registration(cast.honest.partner, PrivateKey.generate())),
        "unknown_key",
    ),
    "registration changed after signing": (
        _after(_a_blank_more, lambda cast: _register(cast, PrivateKey.generate())),
        "digest_mismatch",
    ),
    "registration for live hubs": (lambda cast: _register(cast, PrivateKey.generate("live")), "wrong_environment"),
    "registration for live hubs, changed": (_register_with(environment="sandbox"), "proof_invalid"),
    "registration for no hubs": (_register_with(environment="test"), "invalid_request"),
    "registration for nobody": (partial(_register_for, "nobody"), "unknown_partner"),
    "registration of a key of the coalition": (partial(_register_for, "coalition"), "unknown_partner"),
}

CASES = {
    **{f"changed: {name}": case for name, case in CHANGED.items()},
    **{f"signed: {name}": case for name, case in PARAMETERS.items()},
    **{f"key: {name}": case for name, case in KEYS.items()},
    **{f"registration: {name}": case for name, case in REGISTRATIONS.items()},
}


def _assert_refused(answer: Answer, code: str) -> None:
    assert (answer.status, answer.code) == (CODES[code].status, code)
    assert answer.signed
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    validate(ProblemSchema, answer.json)


@pytest.mark.parametrize("name", CASES)
def test_a_request_that_is_not_right_is_refused_and_leaves_nothing(cast: Cast, name: str) -> None:
    build, code = CASES[name]
    sent = build(cast)
    before = cast.net.rows()
    _assert_refused(cast.honest.transmit(*sent), code)
    assert cast.net.rows() == before


def test_the_table_meets_every_code_of_the_signature() -> None:
    elsewhere = {"rate_limited", "internal_error", "unavailable", "header_too_large"}
    assert set(SIGNED_REFUSALS) - {code for _, code in CASES.values()} == elsewhere


@pytest.mark.parametrize("name", [name for name, (_, code) in CASES.items() if code == "clock_skew"])
def test_a_refusal_for_the_clock_carries_the_hubs(cast: Cast, name: str) -> None:
    before = datetime.now(UTC)
    answer = cast.honest.transmit(*CASES[name][0](cast))
    assert before <= datetime.fromisoformat(answer.json["server_time"]) <= datetime.now(UTC)


# --- what looks odd and is right ---

ACCEPTED: dict[str, Build] = {
    "as it should be": _honest,
    "without a body": _honest_get,
    "alg given": _with("alg", '"ed25519"'),
    "parameters in another order": _signed_with(lambda usual: list(reversed(written(usual)))),
    "created 290 s ago": _lasting(290, 300),
    "created 20 s ahead": _lasting(-20, 300),
    "another label": _after(
        lambda s: s.changed("Signature-Input", "^sig=", "a-1.b*=").changed("Signature", "^sig=", "a-1.b*=")
    ),
    "a proxy's signature beside ours": _after(
        lambda s: s.changed("Signature-Input", "^", 'p=("@method");created=1;tag="proxy", ').changed(
            "Signature", "^", "p=:AAAA:, "
        )
    ),
    "a proxy's signature in a line of its own": _after(
        lambda s: s._replace(
            fields=[("Signature-Input", 'p=("@method");tag="proxy"'), ("Signature", "p=:AAAA:"), *s.fields]
        )
    ),
    "query that is empty": _after(lambda s: s._replace(target="/v1/earnings?")),
    "authority in capitals": lambda cast: sign(
        cast.net.client(cast.honest.partner), _post(cast.honest, cast.net)
    ).having("Host", cast.honest.authority.upper()),
    "digests of two kinds": lambda cast: _with_two_digests(cast),
    "a digest of an unknown kind beside": lambda cast: _with_digests(cast, "md5=:AAAA:, {}"),
    "content type with its charset": lambda cast: sign(
        cast.honest, _post(cast.honest, cast.net).having("Content-Type", "Application/JSON; charset=UTF-8")
    ),
    "a field with an underscore beside ours": _after(
        lambda s: s._replace(fields=[("Content_Digest", "md5=:AAAA:"), ("Content_Type", "text/plain"), *s.fields])
    ),
    "key is active": _signed_by("active"),
    "key is retiring": _signed_by("retiring"),
}


def _with_digests(cast: Cast, form: str) -> Sent:
    sent = _post(cast.honest, cast.net)
    return sign(cast.honest, sent.having("Content-Digest", form.format(sent.field("Content-Digest"))))


def _with_two_digests(cast: Cast) -> Sent:
    sent = _post(cast.honest, cast.net)
    return sign(cast.honest, sent.having("Content-Digest", f"{_sha512(sent)}, {sent.field('Content-Digest')}"))


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_request_that_only_looks_odd_is_answered(cast: Cast, name: str) -> None:
    answer = cast.honest.transmit(*ACCEPTED[name](cast))
    assert answer.status == 200, answer.body
    assert answer.signed
    assert all(one["status"] == "posted" for one in answer.json.get("results", ()))


def test_a_key_becomes_usable_with_its_approval_and_useless_with_its_revocation(cast: Cast) -> None:
    key, client = PrivateKey.generate(), cast.net.join()
    document = registration(client.partner, key)
    new = cast.net.client(client.partner, key)
    registered = new.call("POST", "/v1/keys", document)
    assert (registered.status, registered.json["state"], registered.signed) == (200, "pending", True)
    _assert_refused(new.call("GET", "/v1/ping"), "key_pending")
    partners.approve_key(cast.net.hub, client.partner, new.keyid)
    assert new.call("GET", "/v1/ping").json["key_state"] == "active"
    assert client.call("GET", "/v1/ping").json["key_state"] == "retiring"
    assert new.call("POST", "/v1/keys", document).json["state"] == "active"
    partners.revoke_key(cast.net.hub, client.partner, new.keyid)
    _assert_refused(new.call("GET", "/v1/ping"), "key_revoked")
    assert client.call("GET", "/v1/ping").status == 200


def test_only_so_many_keys_may_wait_for_approval(cast: Cast) -> None:
    client = cast.net.join()
    for _ in range(partners.MAX_PENDING_KEYS):
        key = PrivateKey.generate()
        assert (
            cast.net.client(client.partner, key).call("POST", "/v1/keys", registration(client.partner, key)).status
            == 200
        )
    last = PrivateKey.generate()
    refused = cast.net.client(client.partner, last).call("POST", "/v1/keys", registration(client.partner, last))
    _assert_refused(refused, "too_many_pending_keys")


# --- every call there is ---

BY_ITSELF = "/v1/keys"
"""Signed by the very key that it registers; it has a table of its own above."""


@pytest.mark.parametrize(
    "endpoint", [one for one in SIGNED if one.path != BY_ITSELF], ids=lambda one: f"{one.method} {one.path}"
)
def test_no_call_is_answered_to_whom_it_is_not_for(cast: Cast, endpoint: Endpoint) -> None:
    target = re.sub(r"\{\w+\}", "none", endpoint.path)
    bare = unsigned(cast.honest, endpoint.method, target, b"{}" if endpoint.method == "POST" else b"")
    honest, before = sign(cast.honest, bare), cast.net.rows()
    others = _input(r'keyid="[^"]+"', f'keyid="{cast.other.keyid}"')(honest)
    refused = {
        "signature_missing": [bare],
        "signature_invalid": [others, honest._replace(target=f"{target}?x=1"), _bytes_flipped(honest)],
        "digest_mismatch": [honest._replace(body=b"[]")] if honest.body else [],
        "clock_skew": [sign(cast.honest, bare, written(usual(cast.honest, int(time.time()) - 400, 300)))],
        "unknown_key": [sign(cast.states["unknown"], bare)],
        "key_revoked": [sign(cast.states["revoked"], bare)],
        "partner_suspended": [sign(cast.states["suspended"], bare)],
    }
    for code, requests in refused.items():
        for sent in requests:
            _assert_refused(cast.honest.transmit(*sent), code)
    assert cast.net.rows() == before
