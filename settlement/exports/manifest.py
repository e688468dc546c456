"""The manifest of an exported cycle: which files there are, what is in them by digest, and which cycle it is.

Who holds the manifest's digests can tell any file that was changed, lost or added. The cycle digest says more: it is on
every signed statement, so a manifest that was forged with its files does not have it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from settlement.core.findings import Finding
from settlement.errors import FileRefused
from settlement.exports.strict_json import parse

NAME = "manifest.json"
SIGNATURE = f"{NAME}.sig"
"""The operator's signature of the manifest, which no manifest can name; who has the root key verifies it."""
FORMAT = "hansa-settlement-cycle"
VERSION = 1
MAX_BYTES = 1 << 20


class ExportedFile(NamedTuple):
    """A file of the folder by its name, with what it must be."""

    name: str
    sha256: bytes
    rows: int


class Manifest(NamedTuple):
    """What is stated about a cycle and its files.

    `before` is the cycle that was cut off before it ("" for the first), `number` its place among all, `published_at` is
    RFC 3339, and `last` names the last line ("" without lines).
    """

    cycle: str
    number: int
    before: str
    ends_on: date
    published_at: str
    digest: bytes
    lines: int
    last: str
    files: tuple[ExportedFile, ...] = ()


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, with sorted names and two spaces of indent, so that people can read it as well."""
    fields = manifest._asdict() | {
        "format": FORMAT,
        "version": VERSION,
        "ends_on": manifest.ends_on.isoformat(),
        "digest": manifest.digest.hex(),
        "files": {one.name: {"sha256": one.sha256.hex(), "rows": one.rows} for one in manifest.files},
    }
    text = json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / NAME).write_text(text + "\n", encoding="utf-8", newline="\n")


def read(folder: Path) -> Manifest:
    """Read the manifest of a folder; raises `FileRefused` where there is none, or one that cannot be understood."""
    fields = _parsed(folder / NAME)
    if fields.get("format") != FORMAT:
        raise FileRefused(f"{NAME} is not that of an exported cycle")
    if fields.get("version") != VERSION:
        raise FileRefused(f"is of format version {fields.get('version')!r:.20}; this program reads version {VERSION}")
    if fields.keys() - {"format", "version"} != set(Manifest._fields):
        raise FileRefused(f"{NAME} lacks fields, or has some that are not known")
    return Manifest(
        _text(fields, "cycle"),
        _count(fields, "number"),
        _text(fields, "before"),
        _day(fields, "ends_on"),
        _text(fields, "published_at"),
        _digest(fields, "digest"),
        _count(fields, "lines"),
        _text(fields, "last"),
        tuple(_files(fields["files"])),
    )


def exported_file(path: Path, rows: int) -> ExportedFile:
    """A file that was written, with its digest."""
    return ExportedFile(path.name, sha256_of(path), rows)


def sha256_of(path: Path) -> bytes:
    """The digest of a file; raises `FileRefused` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise FileRefused(f"{path.name} cannot be read: {error.strerror}") from error


def differences(folder: Path, manifest: Manifest) -> list[Finding]:
    """Findings for each file that is missing, changed, or not in the manifest."""
    there = {path.name for path in folder.iterdir()} - {NAME, SIGNATURE}
    findings = [Finding("file", name, "is not in the manifest") for name in sorted(there - {*_names(manifest)})]
    for file in manifest.files:
        if file.name not in there:
            findings.append(Finding("file", file.name, "is in the manifest and missing from the folder"))
        elif (found := sha256_of(folder / file.name)) != file.sha256:
            detail = f"was changed: its SHA-256 is {found.hex()}, the manifest has {file.sha256.hex()}"
            findings.append(Finding("file", file.name, detail))
    return findings


def _names(manifest: Manifest) -> Iterator[str]:
    return (file.name for file in manifest.files)


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileRefused(f"has no {NAME} that can be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise FileRefused(f"{NAME} is longer than {MAX_BYTES} bytes")
    fields = parse(text)
    if not isinstance(fields, dict):
        raise FileRefused(f"{NAME} is no object")
    return fields


def _files(stated: Any) -> Iterator[ExportedFile]:
    if not isinstance(stated, dict) or not all(isinstance(fields, dict) for fields in stated.values()):
        raise FileRefused(f"{NAME}: files is an object from names to objects")
    for name, fields in stated.items():
        if Path(name).name != name or not name.isprintable():
            raise FileRefused(f"{NAME}: {name!r:.40} is no name of a file in the folder")
        if fields.keys() != {"sha256", "rows"}:
            raise FileRefused(f"{NAME}: {name} needs sha256 and rows, and nothing else")
        yield ExportedFile(name, _digest(fields, "sha256"), _count(fields, "rows"))


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value.isprintable():
        raise FileRefused(f"{NAME}: {name} is a printable text, not {value!r:.40}")
    return value


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields[name]
    if type(value) is not int or not 0 <= value < 2**63:
        raise FileRefused(f"{NAME}: {name} is a whole number from 0 on, not {value!r:.40}")
    return value


def _day(fields: Mapping[str, Any], name: str) -> date:
    value = fields[name]
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != value:
        raise FileRefused(f"{NAME}: {name} is a date YYYY-MM-DD, not {value!r:.40}")
    return day


def _digest(fields: Mapping[str, Any], name: str) -> bytes:
    value = fields[name]
    try:
        digest = bytes.fromhex(value)
    except (TypeError, ValueError):
        digest = b""
    if len(digest) != 32:
        raise FileRefused(f"{NAME}: {name} is a digest of 64 hexadecimal digits, not {value!r:.40}")
    return digest
