"""The hub's secrets: files of mode 0600 in one folder, made once by ``hansa init``.

    root.pem       signs the list of the hub's keys; partners pin its public half
    signing.pem    signs every answer
    blind.key      keys the blind indexes of member identifiers
    body.key       encrypts the bodies kept as evidence

Losing ``blind.key`` loses the way from a card to its member; keep a copy of the folder apart from the database.
"""

from __future__ import annotations

import hmac
import os
import secrets
import zlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.core.errors import ConfigurationError
from partner_sdk.wire.keys import PrivateKey, key_id

KEY_BYTES = 32
NONCE_BYTES = 12
HUB = "hub"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The hub's secrets in memory."""

    root: PrivateKey
    signing: PrivateKey
    blind: bytes
    body: bytes

    @property
    def keyid(self) -> str:
        """The id of the key that signs answers."""
        return key_id(HUB, self.signing.public)

    def blind_index(self, member: str) -> bytes:
        """Return the keyed index under which ``scheme:value`` is stored; e-mail addresses ignore case."""
        if member.startswith("email:"):
            member = member.casefold()
        return hmac.digest(self.blind, member.encode(), "sha256")

    def seal(self, body: bytes) -> bytes:
        """Compress and encrypt a body (AES-256-GCM, random 96-bit nonce in front)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.body).encrypt(nonce, zlib.compress(body, 1), None)

    def unseal(self, sealed: bytes) -> bytes:
        """Return the body that `seal` was given."""
        return zlib.decompress(AESGCM(self.body).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None))


def create(folder: Path) -> Keyring:
    """Make what is missing in ``folder`` and return the keyring; what is there stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("root.pem", "signing.pem"):
        _write_once(folder / name, PrivateKey.generate().to_pem())
    for name in ("blind.key", "body.key"):
        _write_once(folder / name, secrets.token_bytes(KEY_BYTES))
    return load(folder)


def load(folder: Path) -> Keyring:
    """Read the keyring.

    Raises:
        ConfigurationError: a secret is missing, readable by others, or damaged.
    """
    blind, body = _read(folder / "blind.key"), _read(folder / "body.key")
    if len(blind) != KEY_BYTES or len(body) != KEY_BYTES:
        raise ConfigurationError(f"the secrets in {folder} are damaged: a key must have {KEY_BYTES} bytes")
    return Keyring(
        PrivateKey.from_pem(_read(folder / "root.pem")),
        PrivateKey.from_pem(_read(folder / "signing.pem")),
        blind,
        body,
    )


def _write_once(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing; run 'hansa init' first") from None
