"""Receipts: what a partner keeps so that it can prove later what it reported and what the hub answered.

    client = Client(..., receipts=Receipts("/var/lib/till/receipts"))

A folder holds `receipts.jsonl`, a line of JSON for each request that recorded something, with the answer as the hub
signed it; and `checkpoint`, the last checkpoint of the hub's log that was found to go on from the one before. Several
threads and processes may write. Receipts name members as their requests do: keep the folder as safe as the till.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from partner_sdk.wire import strict_json
from partner_sdk.wire.keys import PublicKey
from partner_sdk.wire.signatures import RequestTarget, ResponseSignature, check_digest, verify_response

_CREATED = re.compile(r";created=([0-9]{1,12})(?:;|$)")
SIGNED_FIELDS = ("content-type", "content-digest", "signature-input", "signature")
"""The header fields of an answer that are needed to verify it."""


class ReceiptDamaged(ValueError):
    """A line of the file cannot be read, such as one whose writing was cut off; `line` is its number."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} cannot be read")
        self.line = line


@dataclass(frozen=True, slots=True)
class Receipt:
    """A request and its answer; `nonce` is the request's, `fields` those of the answer that its signature needs."""

    method: str
    url: str
    content_type: str | None
    content_digest: str | None
    nonce: str
    body: str
    status: int
    fields: Mapping[str, str]
    answer: str

    @classmethod
    def read(cls, line: bytes) -> "Receipt":
        """Read a line of the file; raises ValueError."""
        try:
            read = cls(**strict_json.loads(line))
        except TypeError as error:
            raise ValueError(str(error)) from None
        read._check()
        return read

    def _check(self) -> None:
        optional = [one for one in (self.content_type, self.content_digest) if one is not None]
        texts = [self.method, self.url, self.nonce, self.body, self.answer, *optional]
        if type(self.status) is not int or not isinstance(self.fields, dict):
            raise ValueError("a status and header fields are expected")
        if not all(type(one) is str for one in (*texts, *self.fields.values())):
            raise ValueError("texts are expected")

    @property
    def path(self) -> str:
        """The path of the request."""
        return self._target().path

    @property
    def created(self) -> int:
        """When the hub says that it signed, in epoch seconds; raises ValueError."""
        found = _CREATED.search(self.fields.get("signature-input", ""))
        if found is None:
            raise ValueError("the answer's signature has no time")
        return int(found[1])

    def verify(self, public_of: Callable[[str], PublicKey | None]) -> ResponseSignature:
        """The hub's signature over the answer and the request; raises SignatureRefused."""
        check_digest(self.content_digest or "", self.body.encode())
        return verify_response(
            status=self.status,
            headers=self.fields,
            body=self.answer.encode(),
            target=self._target(),
            nonce=self.nonce,
            public_of=public_of,
        )

    def _target(self) -> RequestTarget:
        return RequestTarget.from_url(self.method, self.url, self.content_type, self.content_digest)


class Receipts:
    """A folder of receipts; it is made when there is none."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self.folder / "receipts.jsonl"
        self._checkpoint = self.folder / "checkpoint"

    def keep(self, receipt: Receipt) -> None:
        """Append a receipt and see it on the disk; raises OSError."""
        # The line feed comes first, so that a line which was cut off by a crash spoils no other.
        line = b"\n" + json.dumps(asdict(receipt), separators=(",", ":")).encode()
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError("the receipt was not written whole")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def __iter__(self) -> Iterator["Receipt | ReceiptDamaged"]:
        """All receipts, the oldest first, and in its place what cannot be read."""
        if not self._file.exists():
            return
        with self._file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _read(number, line)

    def checkpoint(self) -> str | None:
        """The note that was kept last, or None."""
        return self._checkpoint.read_text(encoding="utf-8") if self._checkpoint.exists() else None

    def keep_checkpoint(self, note: str) -> None:
        """Keep a checkpoint in place of the one before."""
        _replace(self._checkpoint, note)

    def keep_contradiction(self, note: str) -> Path:
        """Keep a checkpoint that contradicts the kept one, beside it: both signatures together are the proof."""
        path = self.folder / "checkpoint.contradicts"
        _replace(path, note)
        return path


def _read(number: int, line: bytes) -> Receipt | ReceiptDamaged:
    try:
        return Receipt.read(line)
    except ValueError:
        return ReceiptDamaged(number)


def _replace(path: Path, text: str) -> None:
    whole = path.with_suffix(".new")
    with whole.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    whole.replace(path)


def value_of(text: str) -> Any:
    """The JSON of a body; an empty one means an empty object. Raises ValueError."""
    return strict_json.loads(text.encode()) if text else {}
