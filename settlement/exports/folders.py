"""Writing a folder so that it is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from settlement.errors import FileRefused
from settlement.exports import manifest


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` to write to; it takes its place when the block ends without an error.

    Raises `FileRefused` where there is something that is no exported cycle, since that would be lost.
    """
    if folder.exists() and not _is_replaceable(folder):
        raise FileRefused(f"{folder} is there already and no exported cycle; name a folder that is not there yet")
    beside, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{kind}") for kind in ("part", "old"))
    beside.mkdir(parents=True)
    try:
        yield beside
        if folder.exists():
            folder.rename(old)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _is_replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / manifest.NAME).is_file() or not any(folder.iterdir()))
