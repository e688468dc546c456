"""Ed25519 keys, their names, and the proof that whoever registers a key also holds it.

The hub never sees a private key. A partner makes one, registers the public half with a signature over its own
thumbprint, and the operator compares that thumbprint with the partner out of band before the key counts.

    KeyRefused
    ├── KeyFormatError   not a key at all
    ├── WeakKey          a key that proves nothing
    └── ProofInvalid     a key whose holder did not sign
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from partner_sdk.wire import base64url, curve

REGISTRATION_CONTEXT = b"hansa-key-registration-v1\n"

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
    )
)


class KeyRefused(ValueError):
    """A key or a registration cannot be accepted; `detail` is a sentence for its owner."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class KeyFormatError(KeyRefused):
    """The value is not an Ed25519 key in the form asked for."""


class WeakKey(KeyRefused):
    """The value is a key under which a signature proves nothing."""


class ProofInvalid(KeyRefused):
    """The registration is not signed by the key that it registers."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key. Equality is by its 32 raw bytes."""

    raw: bytes
    _key: Ed25519PublicKey = field(compare=False, repr=False)

    @classmethod
    def from_raw(cls, raw: bytes) -> "PublicKey":
        """Load 32 bytes from a stranger; raises KeyFormatError or WeakKey. Takes about two milliseconds."""
        check_strength(raw)
        return cls.load_trusted(raw)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "PublicKey":
        """Load a JWK with just the members kty, crv, x (RFC 8037 section 2); refuses as `from_raw` does."""
        if not isinstance(jwk, Mapping) or set(jwk) != {"kty", "crv", "x"}:
            raise KeyFormatError("a public key is a JWK with exactly the members kty, crv and x")
        if jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519":
            raise KeyFormatError("the key is not of type OKP on the curve Ed25519")
        return cls.from_text(jwk["x"])

    @classmethod
    def from_text(cls, x: str) -> "PublicKey":
        """Load the base64url text of the raw key, the `x` of its JWK; refuses as `from_raw` does."""
        try:
            return cls.from_raw(base64url.decode(x))
        except TypeError:
            raise KeyFormatError("the key is not text") from None
        except KeyRefused:
            raise
        except ValueError as error:
            raise KeyFormatError(f"the key is {error}") from None

    @classmethod
    def load_trusted(cls, raw: bytes) -> "PublicKey":
        """Load 32 bytes that passed `check_strength` before, such as a key from the hub's own store."""
        _check_length(raw)
        return cls(raw, Ed25519PublicKey.from_public_bytes(raw))

    def text(self) -> str:
        """The raw key in base64url, 43 characters: the form in which a root key is handed out."""
        return base64url.encode(self.raw)

    def jwk(self) -> dict[str, str]:
        """The key as a JWK (RFC 8037 section 2)."""
        return {"kty": "OKP", "crv": "Ed25519", "x": self.text()}

    def thumbprint(self) -> str:
        """The RFC 7638 SHA-256 thumbprint, base64url, 43 characters."""
        canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{self.text()}"}}'
        return base64url.encode(hashlib.sha256(canonical.encode()).digest())

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's over `message` (RFC 8032 section 5.1.7)."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """An Ed25519 private key; it shows itself nowhere but in `to_pem`.

    `environment` says for which hubs it is, live or sandbox; None while it is for whichever it is registered at first.
    """

    __slots__ = ("_key", "environment", "public")

    def __init__(self, key: Ed25519PrivateKey, environment: str | None = None) -> None:
        self._key, self.environment = key, environment
        self.public = PublicKey.load_trusted(key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, environment: str | None = None) -> "PrivateKey":
        """Make a new key from the system's randomness."""
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
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFormatError("the private key is not for Ed25519")
        return cls(key, _environment_in(pem))

    def to_pem(self, password: bytes | None = None) -> bytes:
        """The key as PKCS #8 PEM, encrypted when a password is given. Keep it as secret as the till."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        pem = self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return pem if self.environment is None else f"{_ENVIRONMENT}{self.environment}\n".encode() + pem

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature over `message`; the same message always gives the same bytes."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"<PrivateKey {self.public.thumbprint()[:16]}>"


def check_strength(raw: bytes) -> None:
    """Refuse raw bytes that must not become anybody's key; raises KeyFormatError or WeakKey."""
    _check_length(raw)
    if raw in PUBLISHED_TEST_KEYS:
        raise WeakKey("this is a test key published in an RFC: anybody can sign with it")
    weakness = curve.weakness(raw)
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


def registration(partner: str, key: PrivateKey, environment: str | None = None) -> dict[str, Any]:
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


def _check_length(raw: bytes) -> None:
    if len(raw) != 32:
        raise KeyFormatError("an Ed25519 key has 32 bytes")
