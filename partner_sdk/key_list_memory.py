"""The highest version of the hub's key list that this machine has seen, kept across processes.

A list stays signed for ever, so whoever controls the network could show a new process an old one, with a key on it
that has been stolen since. One small file for each root key, in a folder that programs may share, ends that.
"""

import os
import re
from pathlib import Path
from secrets import token_hex

from partner_sdk.wire.keys import PublicKey

_VERSION = re.compile(r"[1-9][0-9]{0,18}\n")


class MemoryUnreadable(ValueError):
    """What is kept is not what was written; somebody must look before an older list can be told from a newer one."""


class KeyListMemory:
    """Versions in a folder, which is made if need be."""

    def __init__(self, folder: Path, root: PublicKey) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = folder / f"hub-keys.{root.thumbprint()[:16]}"

    def highest(self) -> int:
        """The highest version seen, 0 if none was; raises MemoryUnreadable."""
        try:
            text = self._file.read_text("ascii", "replace")
        except FileNotFoundError:
            return 0
        if not _VERSION.fullmatch(text):
            raise MemoryUnreadable(f"{self._file} does not hold the version of a key list")
        return int(text)

    def saw(self, version: int) -> None:
        """Remember a version, unless a higher one is remembered. Whole or not at all, whoever writes beside it."""
        if version <= self.highest():
            return
        beside = self._file.with_name(f"{self._file.name}.{token_hex(8)}")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{version}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._file)
