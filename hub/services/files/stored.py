"""A file's bytes as they were sent: kept in parts, each compressed and encrypted, read one part at a time."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Iterator

from hub.core.files.faults import FileFault
from hub.services.context import Hub
from hub.services.files import unpacking
from hub.store import files
from hub.store.database import Connection
from hub.store.files import File
from partner_sdk.wire.files import PART_BYTES

CHANGED = "file_changed"


def parts(hub: Hub, connection: Connection, file: File) -> Iterator[bytes]:
    """Yield the parts of a file in order."""
    for number in range(1, file.parts + 1):
        yield part(hub, connection, file, number)


def part(hub: Hub, connection: Connection, file: File, number: int) -> bytes:
    """Return one part.

    Raises:
        FileFault: ``file_changed``: it is gone, or not the one that was sent.
    """
    found = files.part(connection, file, number)
    content = hub.keyring.unseal(found[1]) if found else b""
    if found is None or hashlib.sha256(content).digest() != found[0]:
        raise FileFault(CHANGED, f"part {number} is not the one that was sent")
    return content


def check_bytes(hub: Hub, connection: Connection, file: File) -> None:
    """Hold the bytes that are there against the digest that their partner has signed, and unfold them once for nothing.

    So whatever is wrong with a compressed file is known before anything of it is read.

    Raises:
        FileFault: ``digest_mismatch``, and as `hub.services.files.unpacking.inflated`.
    """
    digest = hashlib.sha256()
    for content in parts(hub, connection, file):
        digest.update(content)
    if digest.digest() != bytes(file.sha256):
        raise FileFault("digest_mismatch", "the parts together are not the file whose digest was announced")
    if file.compression == "gzip":
        deque(unpacking.inflated(parts(hub, connection, file)), maxlen=0)


class StoredFile(io.RawIOBase):
    """A file to read from any place of, for Parquet; the part that was read last stays in memory."""

    def __init__(self, hub: Hub, connection: Connection, file: File) -> None:
        super().__init__()
        self._hub, self._connection, self._file = hub, connection, file
        self._place, self._number, self._part = 0, 0, b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place can be read next."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as the part goes; 0 at the end."""
        if self._place >= self._file.size:
            return 0
        number, start = divmod(self._place, PART_BYTES)
        if number + 1 != self._number:
            self._part, self._number = part(self._hub, self._connection, self._file, number + 1), number + 1
        piece = self._part[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)
