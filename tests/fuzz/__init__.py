"""Fuzzing of everything that reads what strangers send; see `tests.fuzz.targets`."""

from __future__ import annotations

from pathlib import Path

CORPORA: dict[str, Path] = {
    folder.name: folder for folder in sorted((Path(__file__).parent / "corpora").iterdir()) if folder.is_dir()
}
"""Reader -> the folder of its corpus, a file an input."""
