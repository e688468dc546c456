"""The hub's secrets: files of mode 0600 in one folder, made once by ``hansa init``.

    root.pem       signs the list of the hub's keys; partners pin its public half
    signing.pem    signs every answer
    blind.key      keys the blind indexes of member identifiers
    body.key       encrypts the bodies kept as evidence
    environment    whether they are a live hub's or a sandbox's

Losing ``blind.key`` loses the way from a card to its member; keep a copy of the folder apart from the database.
"""

from __future__ import annotations

import hmac
import os
import secrets
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.core.errors import ConfigurationError
from partner_sdk.wire.keys import ED25519, KeyRefused, PrivateKey, check_strength, key_id

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
    if folder.is_dir() and folder.stat().st_mode & 0o022:
        raise ConfigurationError(f"{folder} can be written by others; run: chmod 700 {folder}")
    ring = Keyring(
        _signer(folder / "root.pem"),
        _signer(folder / "signing.pem"),
        _key(folder / "blind.key"),
        _key(folder / "body.key"),
    )
    if ring.root.public == ring.signing.public or ring.blind == ring.body:
        raise ConfigurationError(f"two of the secrets in {folder} are the same")
    return ring


def replace_signing(folder: Path, key: PrivateKey) -> None:
    """Let another key sign from the next start on; the file is replaced whole or not at all."""
    beside = folder / f"signing.pem.{secrets.token_hex(8)}"
    _write_once(beside, key.to_pem())
    beside.replace(folder / "signing.pem")


def bind(folder: Path, environment: str) -> None:
    """Note what kind of hub the secrets are for, once and for all.

    Raises:
        ConfigurationError: they are for another kind.
    """
    _write_once(folder / "environment", environment.encode())
    check_environment(folder, environment)


def check_environment(folder: Path, environment: str) -> None:
    """Refuse secrets of another kind of hub.

    Raises:
        ConfigurationError: they are another kind's, or it is not known what they are for.
    """
    found = _read(folder / "environment").strip()
    if found != environment.encode():
        kind = "live" if found == b"live" else "sandbox"
        raise ConfigurationError(f"the secrets in {folder} are a {kind} hub's, and the database is {environment}")


def _signer(path: Path) -> PrivateKey:
    try:
        key = PrivateKey.from_pem(_read(path))
        check_strength(key.public.raw)
        if key.public.alg != ED25519:
            raise ConfigurationError(f"{path} cannot be used: a hub signs with Ed25519")
    except KeyRefused as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from None
    return key


def _key(path: Path) -> bytes:
    """A key of 32 bytes drawn at random; what somebody typed or counted up is none."""
    key = _read(path)
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} is damaged: a key must have {KEY_BYTES} bytes")
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    # Random bytes never look like this: in a million keys none has fewer than 20 different bytes, or steps.
    if len(set(key)) < KEY_BYTES // 2 or len(steps) < KEY_BYTES // 4 or all(32 <= byte < 127 for byte in key):
        raise ConfigurationError(f"{path} is weak: its {KEY_BYTES} bytes were not drawn at random")
    return key


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
