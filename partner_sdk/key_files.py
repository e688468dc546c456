"""Reading a private key from its file, which nobody else on the machine may read."""

import os
from pathlib import Path

from partner_sdk.wire.keys import KeyRefused, PrivateKey

OTHERS = 0o077


def read_key_file(path: Path, password: bytes | None = None) -> PrivateKey:
    """The key in a PEM file; raises KeyRefused when others can read it or it is no key, OSError when it is not there.

    Where files have no such permissions (Windows) it is for the folder to keep others out.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and mode & OTHERS:
            raise KeyRefused(f"{path} can be read by others; run: chmod 600 {path}")
        return PrivateKey.from_pem(file.read(), password)
