"""ECDSA over P-256: published vectors, encodings that must be refused, and keys that live elsewhere."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from partner_sdk.wire import base64url, p256
from partner_sdk.wire.keys import (
    ECDSA_P256,
    HardwareKey,
    KeyFormatError,
    KeyRefused,
    PrivateKey,
    ProofInvalid,
    PublicKey,
    WeakKey,
    key_id,
    registration,
    verify_registration,
)
from partner_sdk.wire.signatures import (
    RequestTarget,
    SignatureRefused,
    parse_request_signature,
    sign_request,
    verify_request,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "rfc9421.json").read_text())
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TARGET = RequestTarget.from_url("GET", "https://hub.example/v1/ping")
NONCE = "AAECAwQFBgcICQoLDA0ODw"


@pytest.fixture
def key() -> PrivateKey:
    return PrivateKey.generate(alg=ECDSA_P256)


def _point(x: int, y: int) -> bytes:
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS["signatures"] if one["alg"] == ECDSA_P256], ids=lambda one: str(one["name"])
)
def test_the_published_signatures_verify(vector: dict[str, Any]) -> None:
    jwk = VECTORS["keys"][vector["keyid"]]["jwk"]
    raw = b"\x04" + base64url.decode(jwk["x"]) + base64url.decode(jwk["y"])
    base = vector["signature_base"].encode()
    assert PublicKey.load_trusted(raw).verify(b64decode(vector["signature_b64"]), base)
    assert not PublicKey.load_trusted(raw).verify(b64decode(vector["signature_b64"]), base + b" ")


def test_the_published_keys_are_weak() -> None:
    jwk = VECTORS["keys"]["test-key-ecc-p256"]["jwk"]
    with pytest.raises(WeakKey, match="published"):
        PublicKey.from_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y")})


def test_the_thumbprint_is_over_the_members_in_order() -> None:
    """RFC 7638 section 3.2: crv, kty, x, y; the digest was computed apart."""
    jwk = VECTORS["keys"]["test-key-ecc-p256"]["jwk"]
    public = PublicKey.load_trusted(b"\x04" + base64url.decode(jwk["x"]) + base64url.decode(jwk["y"]))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'.encode())
    assert public.thumbprint() == base64url.encode(digest.finalize())


def test_a_key_survives_its_encodings(key: PrivateKey) -> None:
    public = key.public
    assert public.alg == ECDSA_P256
    assert PublicKey.from_jwk(public.jwk()) == PublicKey.from_raw(public.raw) == public
    assert PrivateKey.from_pem(key.to_pem()).public == PrivateKey.from_pem(key.to_pem(b"x"), b"x").public == public


def test_points_that_are_none_are_refused(key: PrivateKey) -> None:
    x, y = (int.from_bytes(part, "big") for part in (key.public.raw[1:33], key.public.raw[33:]))
    for wrong in (_point(x, y ^ 1), _point(0, 0), _point(y, x), _point(P - 1, P - 1)):
        with pytest.raises(WeakKey, match="not a point"):
            PublicKey.from_raw(wrong)
    root = pow(p256._B, (P + 1) // 4, P)
    assert PublicKey.from_raw(_point(0, root)).alg == ECDSA_P256
    for wrong in (_point(P, root), _point(0, P), _point(2**256 - 1, y)):
        with pytest.raises(WeakKey, match="canonical"):
            PublicKey.from_raw(wrong)
    for head in (0, 2, 3, 6, 7):
        with pytest.raises(WeakKey, match="uncompressed"):
            PublicKey.from_raw(bytes([head]) + key.public.raw[1:])
    for infinity_or_compressed in (b"\x00", bytes([2 + (y & 1)]) + key.public.raw[1:33]):
        with pytest.raises(KeyFormatError):
            PublicKey.from_raw(infinity_or_compressed)


def test_a_jwk_has_just_its_members_and_its_curve(key: PrivateKey) -> None:
    jwk = key.public.jwk()
    wrong: list[dict[str, Any]] = [
        {name: value for name, value in jwk.items() if name != "y"},
        jwk | {"d": jwk["x"]},
        jwk | {"kty": "OKP"},
        jwk | {"crv": "P-384"},
        jwk | {"crv": "secp256k1"},
        jwk | {"crv": "Ed25519", "kty": "OKP"},
        jwk | {"y": jwk["y"] + "A"},
        jwk | {"y": jwk["y"] + "="},
        jwk | {"y": None},
        jwk | {"x": 7},
    ]
    for one in wrong:
        with pytest.raises(KeyRefused):
            PublicKey.from_jwk(one)


def test_private_keys_on_other_curves_are_refused() -> None:
    for curve in (ec.SECP384R1(), ec.SECP256K1()):
        pem = ec.generate_private_key(curve).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(KeyFormatError):
            PrivateKey.from_pem(pem)


def test_signatures_out_of_range_or_in_der_are_refused(key: PrivateKey) -> None:
    message = b"seven points"
    good = key.sign(message)
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    assert key.public.verify(good, message)
    for wrong in ((0, s), (r, 0), (0, 0), (N, s), (r, N), (2**256 - 1, s), (r, 2**256 - 1)):
        assert not key.public.verify(b"".join(part.to_bytes(32, "big") for part in wrong), message)
    der = ec.generate_private_key(ec.SECP256R1()).sign(message, ec.ECDSA(hashes.SHA256()))
    for wrong_length in (der, good[:63], good + b"\x00", b""):
        assert not key.public.verify(wrong_length, message)


def test_alg_must_be_the_keys(key: PrivateKey) -> None:
    other = PrivateKey.generate()
    for one in (key, other):
        for alg in (ECDSA_P256, "ed25519"):
            fields = sign_request(
                TARGET, _Saying(one, alg), "grocer.AAAAAAAAAAAAAAAA", created=1, expires=9, nonce=NONCE
            )
            written = fields["Signature-Input"].replace(";tag=", f';alg="{alg}";tag=')
            read = parse_request_signature(written, fields["Signature"])
            if alg == one.public.alg:
                verify_request(TARGET, read, one.public)
            else:
                with pytest.raises(SignatureRefused) as refusal:
                    verify_request(TARGET, read, one.public)
                assert refusal.value.code == "signature_parameters"


class _Saying:
    """Signs a base in which the algorithm is named."""

    def __init__(self, key: PrivateKey, alg: str) -> None:
        self._key, self._alg = key, alg

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message.replace(b";tag=", f';alg="{self._alg}";tag='.encode()))


def test_a_registration_proves_possession(key: PrivateKey) -> None:
    document = registration("grocer", key)
    assert verify_registration(document) == key.public
    assert key_id("grocer", key.public) == f"grocer.{key.public.thumbprint()[:16]}"
    with pytest.raises(ProofInvalid):
        verify_registration(document | {"partner": "pharmacy"})


def test_hardware_signs_and_is_held_to_it(key: PrivateKey) -> None:
    private = serialization.load_pem_private_key(key.to_pem(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    asked: list[bytes] = []

    def der(message: bytes) -> bytes:
        asked.append(message)
        return private.sign(message, ec.ECDSA(hashes.SHA256()))

    def raw(message: bytes) -> bytes:
        r, s = decode_dss_signature(der(message))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    assert verify_registration(registration("grocer", HardwareKey(key.public, raw))) == key.public
    assert len(asked) == 1
    with pytest.raises(KeyFormatError, match="DER"):
        HardwareKey(key.public, der).sign(b"x")
    with pytest.raises(KeyRefused, match="not a signature of this key"):
        HardwareKey(PrivateKey.generate(alg=ECDSA_P256).public, raw).sign(b"x")
    assert repr(HardwareKey(key.public, raw)) == f"<HardwareKey {key.public.thumbprint()[:16]}>"
