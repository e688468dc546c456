"""Signatures of files that the hub hands out, such as a statement as PDF (docs/protocol.md, section 17).

The signature is a file of its own, FILE.sig. It brings the hub's key list, which the root key signed: so whoever pins
the root key can verify a file without a network, also years later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.hub_keys import KeyListRefused, read_key_list
from partner_sdk.wire.keys import PrivateKey, PublicKey

FILE_CONTEXT = b"hansa-file-v1\n"


class FileSignatureRefused(ValueError):
    """The document is not the hub's signature of this file; the text says why."""


@dataclass(frozen=True, slots=True)
class FileSignature:
    """What the hub signed: the SHA-256 of a file, what it is, and when (epoch seconds)."""

    digest: str
    about: Mapping[str, str]
    created: int
    keyid: str
    environment: str


def sign_file(
    digest: bytes, about: Mapping[str, str], created: int, keyid: str, key: PrivateKey, hub_keys: Mapping[str, str]
) -> dict[str, Any]:
    """The document of a signature; `hub_keys` is the answer to GET /v1/hub-keys."""
    text = strict_json.dumps({"digest": digest.hex(), "about": dict(about), "created": created, "keyid": keyid})
    signature = base64url.encode(key.sign(FILE_CONTEXT + text))
    return {"signed": base64url.encode(text), "signature": signature, "hub_keys": dict(hub_keys)}


def read_file_signature(document: Any, digest: bytes, root: PublicKey) -> FileSignature:
    """What the hub said of the file with this SHA-256; raises FileSignatureRefused, whatever arrives."""
    try:
        text = base64url.decode(document["signed"])
        signature = base64url.decode(document["signature"])
        listed = read_key_list(document["hub_keys"], root)
        said = strict_json.loads(text)
        read = FileSignature(**said, environment=listed.environment)
        if type(read.created) is not int or not isinstance(read.about, dict):
            raise TypeError("created is a whole number, about an object")
        public = listed.public_of(read.keyid, read.created)
    except KeyListRefused as refusal:
        raise FileSignatureRefused(f"the hub's key list: {refusal.detail}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise FileSignatureRefused(f"the signature cannot be read: {error}") from None
    if public is None or not public.verify(signature, FILE_CONTEXT + text):
        raise FileSignatureRefused("it is not signed by a key that the hub had then")
    if read.digest != digest.hex():
        raise FileSignatureRefused("the file is not the one that was signed")
    return read
