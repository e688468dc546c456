"""Files that the hub hands out beside its API are signed: FILE.sig beside FILE, which a partner verifies offline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hub.services import published_keys
from hub.services.context import Hub
from partner_sdk.wire import strict_json
from partner_sdk.wire.file_signatures import sign_file
from settlement.formats.files import whole_file


def sign(hub: Hub, path: Path, about: Mapping[str, str]) -> Path:
    """Write the signature of a file beside it and return its path; ``about`` says what the file is.

    Raises:
        ConfigurationError: the hub has no key to sign with, or no list of its keys is published.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    signer = hub.signer()
    created = int(hub.real_time().timestamp())
    document = sign_file(digest, about, created, signer.keyid, signer.key, published_keys.published(hub))
    signature = path.with_name(f"{path.name}.sig")
    with whole_file(signature) as beside:
        beside.write_bytes(strict_json.dumps(document) + b"\n")
    return signature
