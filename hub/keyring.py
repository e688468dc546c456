"""The hub's secrets: files of mode 0600 in one folder, made once by ``hansa init``.

    root.pub         the root key, which partners pin
    root.pem         its private half, which signs the list of the hub's keys; may be kept on another machine
    signing.pem      the first key that signs answers
    signing.ID.pem   those that came after it; which of them signs, the published list decides
    blind.key        keys the blind indexes of member identifiers
    body.key         encrypts the bodies kept as evidence
    environment      whether they are a live hub's or a sandbox's

Losing ``blind.key`` loses the way from a card to its member; keep a copy of the folder apart from the database.
"""

from __future__ import annotations

import hmac
import os
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.core.errors import ConfigurationError
from hub.curve import QuickPrivateKey
from partner_sdk.wire.keys import ED25519, KeyRefused, PrivateKey, PublicKey, check_strength, key_id

KEY_BYTES = 32
NONCE_BYTES = 12
HUB = "hub"
SMALL_BYTES, SMALL_WINDOW_BITS, SMALL_MEMORY = 4_096, 12, 4
"""Up to which size zlib works with a window and tables as small as these (its manual: windowBits, memLevel)."""


@dataclass(frozen=True, slots=True)
class Root:
    """The root key: what partners pin, and the private half as long as it is on this machine."""

    public: PublicKey
    private: PrivateKey | None


@dataclass(frozen=True, slots=True)
class Keyring:
    """The hub's secrets in memory."""

    root: Root
    signers: Mapping[str, PrivateKey]
    """The keys that may sign answers, by their ids, if the published list says so."""
    blind: bytes
    body: bytes
    folder: Path

    def blind_index(self, member: str) -> bytes:
        """Return the keyed index under which ``scheme:value`` is stored; e-mail addresses ignore case."""
        if member.startswith("email:"):
            member = member.casefold()
        return hmac.digest(self.blind, member.encode(), "sha256")

    def seal(self, body: bytes) -> bytes:
        """Compress and encrypt a body (AES-256-GCM, random 96-bit nonce in front)."""
        return _sealed(self.body, body) if body else _sealed_nothing(self.body)

    def unseal(self, sealed: bytes) -> bytes:
        """Return the body that `seal` was given."""
        return zlib.decompress(_cipher(self.body).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None))


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _sealed(key: bytes, body: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, _compressed(body), None)


@lru_cache(maxsize=8)
def _sealed_nothing(key: bytes) -> bytes:
    """Return one text for all empty bodies: there is nothing in them to tell apart, and every request to read has one.

    Its nonce belongs to this one text, so it is never used for two.
    """
    return _sealed(key, b"")


def _compressed(body: bytes) -> bytes:
    """Compress a body (RFC 1950); a small one with small tables, which are most of what it costs."""
    if len(body) > SMALL_BYTES:
        return zlib.compress(body, 1)
    packer = zlib.compressobj(1, zlib.DEFLATED, SMALL_WINDOW_BITS, SMALL_MEMORY)
    return packer.compress(body) + packer.flush()


def create(folder: Path) -> Keyring:
    """Make what is missing in ``folder`` and return the keyring; what is there stays, and so does a root kept away."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "root.pub").exists():
        _write_once(folder / "root.pem", PrivateKey.generate().to_pem())
    if not any(folder.glob("signing*.pem")):
        _write_once(folder / "signing.pem", PrivateKey.generate().to_pem())
    for name in ("blind.key", "body.key"):
        _write_once(folder / name, secrets.token_bytes(KEY_BYTES))
    _write_once(folder / "root.pub", f"{load(folder).root.public.text()}\n".encode())
    return load(folder)


def load(folder: Path) -> Keyring:
    """Read the keyring.

    Raises:
        ConfigurationError: a secret is missing, readable by others, or damaged.
    """
    if folder.is_dir() and folder.stat().st_mode & 0o022:
        raise ConfigurationError(f"{folder} can be written by others; run: chmod 700 {folder}")
    root, found = _root(folder), signers(folder)
    ring = Keyring(root, found, _key(folder / "blind.key"), _key(folder / "body.key"), folder)
    if root.public in [one.public for one in found.values()] or ring.blind == ring.body:
        raise ConfigurationError(f"two of the secrets in {folder} are the same")
    return ring


def signers(folder: Path) -> dict[str, PrivateKey]:
    """Read the keys that may sign, by their ids.

    Raises:
        ConfigurationError: one cannot be read, or there is none.
    """
    keys = [signer(path) for path in (folder / "signing.pem", *sorted(folder.glob("signing.?*.pem"))) if path.exists()]
    if not keys:
        raise ConfigurationError(f"{folder / 'signing.pem'} is missing; run 'hansa init' first")
    return {name_of(key.public): key for key in keys}


def name_of(public: PublicKey) -> str:
    """Return the id of a key of the hub's."""
    return key_id(HUB, public)


def add_signer(folder: Path, key: PrivateKey) -> None:
    """Keep one more key that may sign; its file is there whole or not at all."""
    beside = folder / f"new.{secrets.token_hex(8)}"
    _write_once(beside, key.to_pem())
    beside.replace(folder / f"signing.{name_of(key.public).removeprefix(HUB + '.')}.pem")


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


def signer(path: Path) -> PrivateKey:
    """Read a private key of the hub's from its file.

    Raises:
        ConfigurationError: it is missing, readable by others, or no key that a hub may sign with.
    """
    try:
        key = QuickPrivateKey.from_pem(_read(path))
        check_strength(key.public.raw)
        if key.public.alg != ED25519:
            raise ConfigurationError(f"{path} cannot be used: a hub signs with Ed25519")
    except KeyRefused as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from None
    return key


def _root(folder: Path) -> Root:
    pinned, file = folder / "root.pub", folder / "root.pem"
    if not pinned.exists():
        # So it is in folders of earlier versions, until `create` has seen them.
        key = signer(file)
        return Root(key.public, key)
    public = _public(pinned)
    private = signer(file) if file.exists() else None
    if private is not None and private.public != public:
        raise ConfigurationError(f"{file} is not the private half of {pinned}, which partners pin")
    return Root(public, private)


def _public(path: Path) -> PublicKey:
    try:
        return PublicKey.from_text(_read(path).decode("ascii", "replace").strip())
    except KeyRefused as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from None


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
