"""The corpora as ordinary tests: each input that was ever interesting, and some damage to each."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz import CORPORA
from tests.fuzz.targets import TARGETS

DAMAGED = 8
INPUTS = [path for folder in CORPORA.values() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_is_read_or_refused(path: Path) -> None:
    content = path.read_bytes()
    TARGETS[path.parent.name](content)
    for damage in _damages(content):
        TARGETS[path.parent.name](damage)


def _damages(content: bytes) -> list[bytes]:
    """Always the same ones: a byte altered, put in or taken out, the rest cut off."""
    draw, found = Random(content), []
    for _ in range(DAMAGED):
        at = draw.randrange(len(content) + 1)
        byte = bytes([draw.randrange(256)])
        found += [content[:at] + byte + content[at + 1 :], content[:at] + byte + content[at:], content[:at]]
    return found


def test_each_reader_has_a_corpus() -> None:
    assert set(CORPORA) == set(TARGETS)
    assert all(any(folder.iterdir()) for folder in CORPORA.values())
