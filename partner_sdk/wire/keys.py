"""Keys, their names, and the proof that whoever registers a key also holds it.

A key is for Ed25519, or for ECDSA over P-256 where hardware knows nothing else (`partner_sdk.wire.p256`).

The hub never sees a private key. A partner makes one, registers the public half with a signature over its own
thumbprint, and the operator compares that thumbprint with the partner out of band before the key counts.

    KeyRefused
    ├── KeyFormatError   not a key at all
    ├── WeakKey          a key that proves nothing
    └── ProofInvalid     a key whose holder did not sign
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from partner_sdk.wire import base64url, curve, p256

ED25519 = "ed25519"
ECDSA_P256 = "ecdsa-p256-sha256"
ALGORITHMS = (ED25519, ECDSA_P256)
"""As RFC 9421 section 6.2.2 names them."""

REGISTRATION_CONTEXT = b"hansa-key-registration-v1\n"
ROTATION_CONTEXT = b"hansa-key-rotation-v1\n"

ENVIRONMENTS = ("live", "sandbox")
_ENVIRONMENT = "Hansa-Environment: "
_OWNER = re.compile(r"[a-z][a-z0-9-]{1,31}")
_KEY_ID = re.compile(r"([a-z][a-z0-9-]{1,31})\.[A-Za-z0-9_-]{16}")

# Anyone can sign with these: the private halves are printed in the RFCs named.
PUBLISHED_TEST_KEYS = frozenset(
    bytes.fromhex(raw)
    for raw in (
        "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb",  # RFC 9421 B.1.4
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",  # RFC 8032 7.1 test 1, 8037 A.1
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",  # RFC 8032 7.1 test 2
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",  # RFC 8032 7.1 test 3
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",  # RFC 8032 7.1 test 1024
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",  # RFC 8032 7.1 and 7.3 SHA(abc)
        "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",  # RFC 8032 7.2 foo, bar, foo2
        "0f1d1274943b91415889152e893d80e93275a1fc0b65fd71b4b0dda10ad7d772",  # RFC 8032 7.2 foo3
        "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",  # RFC 8410 10
        (
            "04a885586552c2acf6471878cfd7b0935b4ffe0fd2dfc341248ea17bc41e058af0"  # RFC 9421 B.1.3
            "31ce2737d2d30ce0617e851e83c61ef5679d151867657649035d90a74cd9e85d"
        ),
        (
            "047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445"  # RFC 7515 A.3
            "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad"
        ),
        (
            "0430a0424cd21c2944838a2d75c92b37e76ea20d9f00893a3b4eee8a3c0aafec3e"  # RFC 7517 A.1
            "e04b65e92456d9888b52b379bdfbd51ee869ef1f0fc65b6659695b6cce081723"
        ),
        (
            "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"  # RFC 6979 A.2.5
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
        ),
    )
)


class KeyRefused(ValueError):
    """A key or a registration cannot be accepted; `detail` is a sentence for its owner."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class KeyFormatError(KeyRefused):
    """The value is not a key in the form asked for."""


class WeakKey(KeyRefused):
    """The value is a key under which a signature proves nothing."""


class ProofInvalid(KeyRefused):
    """The registration is not signed by the key that it registers."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. Equality is by its raw bytes: 32 for Ed25519, and 65 for P-256, the uncompressed point."""

    raw: bytes
    _key: Ed25519PublicKey | ec.EllipticCurvePublicKey = field(compare=False, repr=False)

    @classmethod
    def from_raw(cls, raw: bytes) -> "PublicKey":
        """Load raw bytes from a stranger; raises KeyFormatError or WeakKey. Takes up to two milliseconds."""
        check_strength(raw)
        return cls.load_trusted(raw)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "PublicKey":
        """Load a JWK with just the members kty, crv, x (RFC 8037 section 2), and y on P-256 (RFC 7518 section 6.2).

        Refuses as `from_raw` does.
        """
        members = set(jwk) if isinstance(jwk, Mapping) else set()
        if members - {"y"} != {"kty", "crv", "x"}:
            raise KeyFormatError("a public key is a JWK with exactly the members kty, crv and x, and y on P-256")
        if (jwk["kty"], jwk["crv"], "y" in members) == ("OKP", "Ed25519", False):
            return cls.from_text(jwk["x"])
        if (jwk["kty"], jwk["crv"], "y" in members) == ("EC", "P-256", True):
            return cls.from_raw(b"\x04" + _coordinate(jwk["x"]) + _coordinate(jwk["y"]))
        raise KeyFormatError("the key is neither of type OKP on Ed25519 nor of type EC on P-256")

    @classmethod
    def from_text(cls, x: str) -> "PublicKey":
        """Load the base64url text of a raw Ed25519 key, the `x` of its JWK; refuses as `from_raw` does."""
        return cls.from_raw(_coordinate(x))

    @classmethod
    def load_trusted(cls, raw: bytes) -> "PublicKey":
        """Load raw bytes that passed `check_strength` before, such as a key from the hub's own store."""
        if len(raw) == p256.POINT_BYTES:
            return cls(raw, p256.load(raw))
        _check_length(raw)
        return cls(raw, Ed25519PublicKey.from_public_bytes(raw))

    @property
    def alg(self) -> str:
        """The algorithm that the key is for, one of `ALGORITHMS`."""
        return ECDSA_P256 if len(self.raw) == p256.POINT_BYTES else ED25519

    def text(self) -> str:
        """The raw key in base64url, 43 characters of Ed25519: the form in which a root key is handed out."""
        return base64url.encode(self.raw)

    def jwk(self) -> dict[str, str]:
        """The key as a JWK (RFC 8037 section 2, RFC 7518 section 6.2)."""
        if self.alg == ED25519:
            return {"kty": "OKP", "crv": "Ed25519", "x": self.text()}
        x, y = base64url.encode(self.raw[1:33]), base64url.encode(self.raw[33:])
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def thumbprint(self) -> str:
        """The RFC 7638 SHA-256 thumbprint, base64url, 43 characters."""
        members = ",".join(f'"{name}":"{value}"' for name, value in sorted(self.jwk().items()))
        canonical = f"{{{members}}}"
        return base64url.encode(hashlib.sha256(canonical.encode()).digest())

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the 64 bytes of `signature` are this key's over `message` (RFC 8032 section 5.1.7, FIPS 186-5)."""
        if isinstance(self._key, ec.EllipticCurvePublicKey):
            return p256.verify(self._key, signature, message)
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """A private key in memory; it shows itself nowhere but in `to_pem`.

    `environment` says for which hubs it is, live or sandbox; None while it is for whichever it is registered at first.
    """

    __slots__ = ("_key", "environment", "public")

    def __init__(self, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, environment: str | None = None) -> None:
        self._key, self.environment = key, environment
        self.public = PublicKey.load_trusted(_raw_public(key))

    @classmethod
    def generate(cls, environment: str | None = None, alg: str = ED25519) -> "PrivateKey":
        """Make a new key from the system's randomness, for one of `ALGORITHMS`."""
        if alg == ECDSA_P256:
            return cls(ec.generate_private_key(ec.SECP256R1()), environment)
        return cls(Ed25519PrivateKey.generate(), environment)

    @classmethod
    def from_seed(cls, seed: bytes) -> "PrivateKey":
        """Load the 32-byte seed of RFC 8032; raises KeyFormatError for any other length."""
        _check_length(seed)
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> "PrivateKey":
        """Load PKCS #8 PEM, with its password when it has one; raises KeyFormatError.

        A line before it, as `to_pem` writes it (RFC 7468 section 2 allows such text), names its environment.
        """
        try:
            key = serialization.load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFormatError(f"not a readable PEM private key: {error}") from None
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key, _environment_in(pem))
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFormatError("the private key is neither for Ed25519 nor for ECDSA on P-256")
        return cls(key, _environment_in(pem))

    def to_pem(self, password: bytes | None = None) -> bytes:
        """The key as PKCS #8 PEM, encrypted when a password is given. Keep it as secret as the till."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        pem = self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return pem if self.environment is None else f"{_ENVIRONMENT}{self.environment}\n".encode() + pem

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`; of Ed25519 the same message always gives the same bytes."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return p256.sign(self._key, message)
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"<PrivateKey {self.public.thumbprint()[:16]}>"


class HardwareKey:
    """A private key that stays where it is, such as in a security module: `sign` is asked for each signature.

    `sign` returns 64 bytes, for ECDSA r and s of 32 bytes each. What it returns is checked before it is used, so a
    module that answers in DER or signs with another key is found out here and not by the hub.
    """

    __slots__ = ("_sign", "environment", "public")

    def __init__(self, public: PublicKey, sign: Callable[[bytes], bytes], environment: str | None = None) -> None:
        self.public, self.environment = public, environment
        self._sign = sign

    def sign(self, message: bytes) -> bytes:
        """The module's signature over `message`; raises KeyRefused when it is not one of this key."""
        signature = self._sign(message)
        if len(signature) != 64:
            raise KeyFormatError(f"a signature is 64 raw bytes, not {len(signature)}; DER must be unpacked to r and s")
        if not self.public.verify(signature, message):
            raise KeyRefused("what the hardware returned is not a signature of this key")
        return signature

    def __repr__(self) -> str:
        return f"<HardwareKey {self.public.thumbprint()[:16]}>"


SigningKey = PrivateKey | HardwareKey
"""Whatever a partner can sign with."""


def check_strength(raw: bytes) -> None:
    """Refuse raw bytes that must not become anybody's key; raises KeyFormatError or WeakKey."""
    on_p256 = len(raw) == p256.POINT_BYTES
    if not on_p256:
        _check_length(raw)
    if raw in PUBLISHED_TEST_KEYS:
        raise WeakKey("this is a test key published in an RFC: anybody can sign with it")
    weakness = p256.weakness(raw) if on_p256 else curve.weakness(raw)
    if weakness is not None:
        raise WeakKey(weakness)


def key_id(owner: str, public: PublicKey) -> str:
    """The name of a key on the wire: `<owner>.<first 16 characters of its thumbprint>`."""
    return f"{owner}.{public.thumbprint()[:16]}"


def key_owner(keyid: str) -> str:
    """Whose key a keyid names; raises KeyFormatError when it has not the form of one."""
    match = _KEY_ID.fullmatch(keyid)
    if match is None:
        raise KeyFormatError("a keyid is <partner>.<first 16 characters of the key's thumbprint>")
    return match[1]


def registration(partner: str, key: SigningKey, environment: str | None = None) -> dict[str, Any]:
    """The document that registers a key for a partner: {"partner", "public_key", "environment"?, "proof"}.

    It says the environment that the key is for, or else the one that is given, if any.
    """
    wanted = key.environment or environment
    proof = key.sign(_registration_message(partner, key.public, wanted))
    bound = {} if wanted is None else {"environment": wanted}
    return {"partner": partner, "public_key": key.public.jwk(), **bound, "proof": base64url.encode(proof)}


def verify_registration(document: Mapping[str, Any]) -> PublicKey:
    """The key that a registration document proves; raises KeyFormatError, WeakKey or ProofInvalid."""
    partner, proof = document.get("partner"), document.get("proof")
    if not isinstance(partner, str) or not _OWNER.fullmatch(partner) or not isinstance(proof, str):
        raise KeyFormatError("a registration has the members partner, public_key and proof")
    environment = document.get("environment")
    if environment not in (None, *ENVIRONMENTS):
        raise KeyFormatError("a key is for a live hub or for a sandbox")
    public = PublicKey.from_jwk(document.get("public_key", {}))
    if not public.verify(_decode_proof(proof), _registration_message(partner, public, environment)):
        raise ProofInvalid("the proof is not this key's signature over its own thumbprint")
    return public


def rotation(keyid: str, new: SigningKey, environment: str | None = None) -> dict[str, Any]:
    """The document by which the key `keyid` hands over to a new one: {"public_key", "environment"?, "proof"}.

    The request that it goes in is signed by the old key. The environment is the new key's, or else the one given.
    """
    wanted = new.environment or environment
    proof = new.sign(_rotation_message(keyid, new.public, wanted))
    bound = {} if wanted is None else {"environment": wanted}
    return {"public_key": new.public.jwk(), **bound, "proof": base64url.encode(proof)}


def verify_rotation(keyid: str, document: Mapping[str, Any]) -> PublicKey:
    """The new key that a rotation by `keyid` proves; raises KeyFormatError, WeakKey or ProofInvalid."""
    public = PublicKey.from_jwk(document["public_key"])
    message = _rotation_message(keyid, public, document.get("environment"))
    if not public.verify(_decode_proof(document["proof"]), message):
        raise ProofInvalid("the proof is not the new key's signature over the old one's name and its own thumbprint")
    return public


def _decode_proof(proof: str) -> bytes:
    try:
        return base64url.decode(proof)
    except ValueError as error:
        raise ProofInvalid(f"the proof is {error}") from None


def _registration_message(partner: str, public: PublicKey, environment: str | None) -> bytes:
    lines = (partner, public.thumbprint()) if environment is None else (partner, public.thumbprint(), environment)
    return REGISTRATION_CONTEXT + "\n".join(lines).encode("ascii")


def name_environment(pem: bytes, environment: str) -> bytes:
    """A key file that names its environment, made of one that may not; the key and its password stay."""
    return pem if _environment_in(pem) else f"{_ENVIRONMENT}{environment}\n".encode() + pem


def _environment_in(pem: bytes) -> str | None:
    """The environment that a key file names before its key; raises KeyFormatError for one that there is not."""
    found = re.match(rf"(?:.*\n)*?{_ENVIRONMENT}(.*?)\r?\n", pem.partition(b"-----BEGIN")[0].decode("latin-1"))
    if found and found[1] not in ENVIRONMENTS:
        raise KeyFormatError("the key file names an environment that is neither live nor sandbox")
    return found[1] if found else None


def _rotation_message(keyid: str, public: PublicKey, environment: str | None) -> bytes:
    lines = (keyid, public.thumbprint()) if environment is None else (keyid, public.thumbprint(), environment)
    return ROTATION_CONTEXT + "\n".join(lines).encode("ascii")


def _raw_public(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    public = key.public_key()
    if isinstance(public, Ed25519PublicKey):
        return public.public_bytes_raw()
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _coordinate(text: Any) -> bytes:
    """32 bytes from base64url; raises KeyFormatError."""
    try:
        raw = base64url.decode(text)
    except TypeError:
        raise KeyFormatError("the key is not text") from None
    except ValueError as error:
        raise KeyFormatError(f"the key is {error}") from None
    _check_length(raw)
    return raw


def _check_length(raw: bytes) -> None:
    if len(raw) != 32:
        raise KeyFormatError("a key or coordinate has 32 bytes")
