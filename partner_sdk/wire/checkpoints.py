"""Checkpoints: how many entries a log has and the root over them, as a signed note that any tool of the kind can read.

The forms are those of C2SP's tlog-checkpoint and signed-note: the text is three lines (origin, size, root in base64),
then an empty line, then a line for each signature: `— <name> <base64 of key hash and signature>`. The name of our key
is the origin itself, which is made of the hub's root key: so two hubs never have logs of one name.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field, replace

from partner_sdk.wire.keys import PrivateKey, PublicKey
from partner_sdk.wire.merkle import HASH_BYTES, MAX_SIZE

ED25519 = b"\x01"
MAX_NOTE_CHARS = 10_000
_DASH = "\u2014"
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointRefused(ValueError):
    """The text is no checkpoint of this log, signed by this key; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes
    note: str = field(default="", compare=False, repr=False)
    """The signed note that it was read from."""

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def origin_of(root_key: PublicKey) -> str:
    """The name of the log of the hub whose root key this is."""
    return f"hansa-log/{root_key.thumbprint()}"


def sign_checkpoint(checkpoint: Checkpoint, key: PrivateKey) -> str:
    """The signed note."""
    text = checkpoint.text()
    signed = _key_hash(checkpoint.origin, key.public) + key.sign(text.encode())
    return f"{text}\n{_DASH} {checkpoint.origin} {b64encode(signed).decode()}\n"


def read_checkpoint(note: str, origin: str, key: PublicKey) -> Checkpoint:
    """The checkpoint in a note that this key has signed for this log; other signatures beside it do no harm.

    Raises CheckpointRefused.
    """
    text, lines = _divided(note)
    expected = _key_hash(origin, key)
    signatures = [_signature(line) for line in lines]
    ours = [signed[4:] for name, signed in signatures if name == origin and signed[:4] == expected]
    if not any(len(one) == 64 and key.verify(one, text.encode()) for one in ours):
        raise CheckpointRefused("the checkpoint is not signed by the hub's key")
    return replace(_read(text, origin), note=note)


def parse_checkpoint(note: str, origin: str) -> Checkpoint:
    """The checkpoint in a note of this log whose signature was verified before, such as one that was kept.

    Raises CheckpointRefused.
    """
    return replace(_read(_divided(note)[0], origin), note=note)


def _key_hash(name: str, key: PublicKey) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + key.raw).digest()[:4]


def _divided(note: str) -> tuple[str, list[str]]:
    """The text of a note and its lines of signatures."""
    if type(note) is not str or len(note) > MAX_NOTE_CHARS or not note.endswith("\n"):
        raise CheckpointRefused("a checkpoint is a text of lines")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures:
        raise CheckpointRefused("a checkpoint has a text, an empty line and signatures")
    try:
        note.encode()
    except UnicodeEncodeError:
        raise CheckpointRefused("a checkpoint is UTF-8") from None
    return text + "\n", signatures[:-1].split("\n")


def _signature(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not parts[1]:
        raise CheckpointRefused("a line of a signature cannot be read")
    signed = _bytes_of(parts[2])
    if len(signed) < 5:
        raise CheckpointRefused("a signature is too short")
    return parts[1], signed


def _read(text: str, origin: str) -> Checkpoint:
    """Read the text of a note; lines after the third are extensions, which we have none of."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or lines[0] != origin or "" in lines:
        raise CheckpointRefused("the checkpoint is of another log or has not its three lines")
    root = _bytes_of(lines[2])
    if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE or len(root) != HASH_BYTES:
        raise CheckpointRefused("size or root of the checkpoint cannot be read")
    return Checkpoint(origin, int(lines[1]), root)


def _bytes_of(text: str) -> bytes:
    """Read base64 (RFC 4648 section 4) in its one spelling."""
    try:
        raw = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise CheckpointRefused("base64 is expected") from None
    if b64encode(raw).decode() != text:
        raise CheckpointRefused("not the one base64 spelling of these bytes")
    return raw
