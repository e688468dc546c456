"""Content-Digest (RFC 9530): what a signature covers in place of the body itself."""

import hashlib
import re
from base64 import b64encode

from partner_sdk.wire.signature_fields import SignatureRefused


def content_digest(body: bytes) -> str:
    """The Content-Digest field for a body: `sha-256=:...:`."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def check_digest(header: str, body: bytes) -> None:
    """Hold a Content-Digest field against the body: every sha-256 and sha-512 in it, and at least one.

    Raises SignatureRefused with digest_malformed or digest_mismatch.
    """
    members = _digest_members(header)
    known = [name for name in _DIGESTS if name in members]
    if not known:
        raise SignatureRefused("digest_malformed", "Content-Digest has neither sha-256 nor sha-512")
    for name in known:
        if b64encode(_DIGESTS[name](body).digest()).decode() != members[name]:
            raise SignatureRefused("digest_mismatch", f"the {name} of the body is another")


def _digest_members(header: str) -> dict[str, str]:
    members: dict[str, str] = {}
    for member in header.split(","):
        match = _DIGEST_MEMBER.fullmatch(member)
        if match is None or match[1] in members:
            raise SignatureRefused("digest_malformed", "Content-Digest is not a dictionary of byte sequences")
        members[match[1]] = match[2]
    return members


_DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_DIGEST_MEMBER = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):[ \t]*")
