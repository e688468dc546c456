"""Keys: names, encodings, proof of possession, and every kind of key that proves nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from partner_sdk.wire import base64url, curve, keys, p256
from partner_sdk.wire.keys import (
    KeyFormatError,
    KeyRefused,
    PrivateKey,
    ProofInvalid,
    PublicKey,
    WeakKey,
    key_id,
    key_owner,
    name_environment,
    registration,
    verify_registration,
)

P = 2**255 - 19

# The eight points of small order, and the further encodings of those that have two (RFC 8032 section 5.1.2).
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SIGN = 1 << 255
SMALL_ORDER = {
    "order 1": 1,
    "order 2": P - 1,
    "order 4": 0,
    "order 4, negative": SIGN,
    "order 8": ORDER_8,
    "order 8, negative": ORDER_8 | SIGN,
    "order 8, other": P - ORDER_8,
    "order 8, other, negative": (P - ORDER_8) | SIGN,
}
NON_CANONICAL = {
    "order 1, y + p": P + 1,
    "order 1, sign of zero": 1 | SIGN,
    "order 1, both": (P + 1) | SIGN,
    "order 2, sign of zero": (P - 1) | SIGN,
    "order 4, y + p": P,
    "order 4, negative, y + p": P | SIGN,
    "all ones": 2**256 - 1,
    "y = p + 3": P + 3,
}


def _encode(number: int) -> bytes:
    return number.to_bytes(32, "little")


@pytest.mark.parametrize("number", SMALL_ORDER.values(), ids=SMALL_ORDER.keys())
def test_points_of_small_order_are_weak(number: int) -> None:
    with pytest.raises(WeakKey, match="small order"):
        PublicKey.from_raw(_encode(number))


def test_the_table_of_small_order_has_all_eight_points() -> None:
    assert len({_encode(number) for number in SMALL_ORDER.values()}) == 8


@pytest.mark.parametrize("number", NON_CANONICAL.values(), ids=NON_CANONICAL.keys())
def test_encodings_that_are_not_canonical_are_weak(number: int) -> None:
    with pytest.raises(WeakKey, match="canonical"):
        PublicKey.from_raw(_encode(number))


def test_a_point_of_mixed_order_is_weak(partner_key: PrivateKey) -> None:
    """A good key plus the point of order 2, (0, -1): the sum is (-x, -y)."""
    y = int.from_bytes(partner_key.public.raw, "little")
    mixed = (P - (y & (SIGN - 1))) | ((y & SIGN) ^ SIGN)
    with pytest.raises(WeakKey, match="mixed order"):
        PublicKey.from_raw(_encode(mixed))


def test_bytes_off_the_curve_are_weak() -> None:
    with pytest.raises(WeakKey, match="not a point"):
        PublicKey.from_raw(_encode(2))


@pytest.mark.parametrize("raw", sorted(keys.PUBLISHED_TEST_KEYS), ids=lambda raw: raw.hex()[:12])
def test_published_test_keys_are_weak_though_sound(raw: bytes) -> None:
    assert (curve if len(raw) == 32 else p256).weakness(raw) is None
    with pytest.raises(WeakKey, match="published"):
        PublicKey.from_raw(raw)


def test_the_rfc_9421_test_key_is_among_the_published_ones(vectors: dict[str, Any]) -> None:
    with pytest.raises(WeakKey):
        PublicKey.from_text(vectors["keys"]["test-key-ed25519"]["jwk"]["x"])


def test_the_rfc_8037_thumbprint() -> None:
    """RFC 8037 appendix A.3."""
    raw = base64url.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert PublicKey.load_trusted(raw).thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_public_key_survives_its_encodings(partner_key: PrivateKey) -> None:
    public = partner_key.public
    assert PublicKey.from_jwk(public.jwk()) == public
    assert PublicKey.from_raw(public.raw) == public
    assert PublicKey.from_text(public.text()) == public
    assert PublicKey.load_trusted(public.raw) == public


JWK = {"kty": "OKP", "crv": "Ed25519", "x": "kXDqI1Vb0qjEYsEOzqXZRdVZV3RJ5lUUOZ8HGvxIEqg"}


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "OKP", "crv": "Ed25519"},
        {**JWK, "d": "AAAA"},
        {**JWK, "kid": "x"},
        {**JWK, "kty": "EC"},
        {**JWK, "crv": "X25519"},
        {**JWK, "x": 1},
        {**JWK, "x": None},
        {**JWK, "x": ["a"]},
        {**JWK, "x": ""},
        {**JWK, "x": JWK["x"] + "="},
        {**JWK, "x": JWK["x"][:-1]},
        {**JWK, "x": JWK["x"] + "A"},
        {**JWK, "x": JWK["x"][:-1] + "h"},
        {**JWK, "x": JWK["x"].replace("V", "+", 1)},
        {**JWK, "x": "é" * 43},
        {**JWK, "x": JWK["x"] + "\n"},
        [],
        None,
        "jwk",
    ],
)
def test_what_is_no_jwk_is_a_format_error(jwk: Any) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey.from_jwk(jwk)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_has_32_bytes(length: int) -> None:
    for load in (PublicKey.from_raw, PublicKey.load_trusted, PrivateKey.from_seed):
        with pytest.raises(KeyFormatError):
            load(bytes(length))


def test_a_private_key_survives_pem(partner_key: PrivateKey) -> None:
    assert PrivateKey.from_pem(partner_key.to_pem()).public == partner_key.public
    assert PrivateKey.from_pem(partner_key.to_pem(b"secret"), b"secret").public == partner_key.public


def test_a_pem_that_cannot_be_read_is_a_format_error(partner_key: PrivateKey) -> None:
    elliptic = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    locked = partner_key.to_pem(b"secret")
    for pem, password in ((b"", None), (b"x", None), (elliptic, None), (locked, None), (locked, b"wrong")):
        with pytest.raises(KeyFormatError):
            PrivateKey.from_pem(pem, password)


def test_generated_keys_differ_and_are_sound() -> None:
    first, second = PrivateKey.generate(), PrivateKey.generate()
    assert first.public != second.public
    assert curve.weakness(first.public.raw) is None


def test_a_private_key_does_not_show_itself(partner_key: PrivateKey) -> None:
    assert repr(partner_key) == f"<PrivateKey {partner_key.public.thumbprint()[:16]}>"


def test_a_signature_is_this_keys_over_this_message(partner_key: PrivateKey, stranger_key: PrivateKey) -> None:
    signature = partner_key.sign(b"message")
    assert partner_key.public.verify(signature, b"message")
    assert not partner_key.public.verify(signature, b"massage")
    assert not stranger_key.public.verify(signature, b"message")
    assert not partner_key.public.verify(signature[:-1], b"message")
    assert not partner_key.public.verify(b"", b"message")


def test_a_signature_has_no_second_spelling(partner_key: PrivateKey) -> None:
    """RFC 8032 section 5.1.7: S must be below the group's order, or anyone could write another signature."""
    signature = partner_key.sign(b"message")
    order = 2**252 + 27742317777372353535851937790883648493
    raised = int.from_bytes(signature[32:], "little") + order
    assert not partner_key.public.verify(signature[:32] + raised.to_bytes(32, "little"), b"message")


def test_a_keyid_names_owner_and_key(partner_key: PrivateKey) -> None:
    keyid = key_id("grocer", partner_key.public)
    assert keyid == f"grocer.{partner_key.public.thumbprint()[:16]}"
    assert key_owner(keyid) == "grocer"


@pytest.mark.parametrize(
    "keyid", ["", "grocer", "grocer.", "grocer.short", ".aaaaaaaaaaaaaaaa", "G.aaaaaaaaaaaaaaaa",
              "grocer.aaaaaaaaaaaaaaa!", "grocer.aaaaaaaaaaaaaaaa\n", "a.b.aaaaaaaaaaaaaaaa"],
)  # fmt: skip
def test_what_is_no_keyid_names_nobody(keyid: str) -> None:
    with pytest.raises(KeyFormatError):
        key_owner(keyid)


def test_a_registration_proves_the_key(partner_key: PrivateKey) -> None:
    document = registration("grocer", partner_key)
    assert verify_registration(json.loads(json.dumps(document))) == partner_key.public


def test_a_proof_is_for_one_partner_and_one_key(partner_key: PrivateKey, stranger_key: PrivateKey) -> None:
    document = registration("grocer", partner_key)
    forged = [
        {**document, "partner": "pharmacy"},
        {**document, "public_key": stranger_key.public.jwk()},
        {**document, "proof": registration("grocer", stranger_key)["proof"]},
        {**document, "proof": ""},
        {**document, "proof": document["proof"] + "="},
        {**document, "proof": "é"},
    ]
    for attempt in forged:
        with pytest.raises(ProofInvalid):
            verify_registration(attempt)


@pytest.mark.parametrize("environment", ["live", "sandbox"])
def test_a_registration_for_one_environment_is_for_no_other(environment: str) -> None:
    key = PrivateKey.generate(environment)
    document = registration("grocer", key)
    assert (document["environment"], verify_registration(document)) == (environment, key.public)
    other = {"live": "sandbox", "sandbox": "live"}[environment]
    for attempt in ({**document, "environment": other}, {name: document[name] for name in document if name[0] == "p"}):
        with pytest.raises(ProofInvalid):
            verify_registration(attempt)


@pytest.mark.parametrize("password", [None, b"open sesame"])
def test_a_key_file_keeps_its_environment(password: bytes | None) -> None:
    key = PrivateKey.generate("sandbox")
    pem = key.to_pem(password)
    assert PrivateKey.from_pem(pem, password).environment == "sandbox"
    assert name_environment(pem, "live") == pem
    plain = PrivateKey.generate().to_pem(password)
    assert PrivateKey.from_pem(plain, password).environment is None
    noted = b"of the till in the hall\r\n" + name_environment(plain, "live").replace(b"\n", b"\r\n")
    assert PrivateKey.from_pem(noted, password).environment == "live"
    with pytest.raises(KeyFormatError, match="neither"):
        PrivateKey.from_pem(pem.replace(b"sandbox", b"test"), password)


@pytest.mark.parametrize(
    "change",
    [{"environment": "test"}, {"partner": None}, {"partner": "Grocer"}, {"partner": "gröcer"}, {"proof": None},
     {"public_key": None},
     {"public_key": "x"}],
)  # fmt: skip
def test_a_registration_that_is_none_is_a_format_error(change: dict[str, Any], partner_key: PrivateKey) -> None:
    with pytest.raises(KeyFormatError):
        verify_registration({**registration("grocer", partner_key), **change})


def test_an_empty_registration_is_a_format_error() -> None:
    with pytest.raises(KeyFormatError):
        verify_registration({})


def test_a_weak_key_cannot_be_registered(vectors: dict[str, Any]) -> None:
    key = PrivateKey.from_seed(bytes.fromhex(vectors["keys"]["test-key-ed25519"]["test_seed_hex"]))
    with pytest.raises(WeakKey):
        verify_registration(registration("grocer", key))


def test_a_forged_registration_under_a_small_order_key_is_weak(partner_key: PrivateKey) -> None:
    """R = A = the identity and S = 0 verify for every message, in a library that checks nothing more."""
    identity = _encode(1)
    document = {
        "partner": "grocer",
        "public_key": {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(identity)},
        "proof": base64url.encode(identity + bytes(32)),
    }
    with pytest.raises(WeakKey):
        verify_registration(document)


def test_all_refusals_of_keys_are_of_one_kind() -> None:
    assert all(issubclass(kind, KeyRefused) for kind in (KeyFormatError, WeakKey, ProofInvalid))


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    path = Path(__file__).parents[2] / "vectors" / "rfc9421.json"
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded
