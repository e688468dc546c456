"""Ed25519 by libsodium, for the keys that every request is held against and every answer is signed with.

It verifies in less than half the time that OpenSSL takes (docs/decisions/0055-libsodium.md) and makes the same
signatures. Of what no honest signer makes it takes less: points of small order are refused, whoever signed with them.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from partner_sdk.wire.keys import PrivateKey, PublicKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64


class QuickPublicKey(PublicKey):
    """A public key that verifies quickly if it is for Ed25519, and as usual otherwise."""

    __slots__ = ()

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the 64 bytes of `signature` are this key's over `message` (RFC 8032 section 5.1.7, FIPS 186-5)."""
        if len(self.raw) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            return super().verify(signature, message)
        try:
            crypto_sign_open(signature + message, self.raw)
        except BadSignatureError:
            return False
        return True


class QuickPrivateKey(PrivateKey):
    """A private key that signs quickly if it is for Ed25519, and as usual otherwise."""

    __slots__ = ("_pair",)

    def __init__(self, key: Ed25519PrivateKey | EllipticCurvePrivateKey, environment: str | None = None) -> None:
        super().__init__(key, environment)
        self._pair: bytes | None = None
        if isinstance(key, Ed25519PrivateKey):
            self._pair = crypto_sign_seed_keypair(key.private_bytes_raw())[1]

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message` (RFC 8032 section 5.1.6); of Ed25519 always the same bytes."""
        if self._pair is None:
            return super().sign(message)
        return crypto_sign(message, self._pair)[:SIGNATURE_BYTES]
