"""A sealed text reads back for its own scope and key, in its one spelling, and nothing else does."""

from __future__ import annotations

import pytest

from hub.services import seals
from partner_sdk.wire import base64url

KEY = bytes(range(32))
CONTENT = ["out", 1_000, None, "2017-01-10T12:00:00Z"]
SEALED = seals.write(KEY, "quote air 7", CONTENT)


def test_it_reads_back() -> None:
    assert seals.read(KEY, "quote air 7", SEALED) == CONTENT


@pytest.mark.parametrize("scope", ["quote air 8", "quote sea 7", "cursor air 7", "quote air 7 ", ""])
def test_another_scope_reads_nothing(scope: str) -> None:
    assert seals.read(KEY, scope, SEALED) is None


def test_another_key_reads_nothing() -> None:
    assert seals.read(KEY[::-1], "quote air 7", SEALED) is None


def test_no_altered_byte_reads() -> None:
    raw = base64url.decode(SEALED)
    for place in range(len(raw)):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert seals.read(KEY, "quote air 7", base64url.encode(altered)) is None


@pytest.mark.parametrize("text", ["", "A", "AA", "!", SEALED[:-1], SEALED + "=", SEALED + "A", " " + SEALED])
def test_no_other_text_reads(text: str) -> None:
    assert seals.read(KEY, "quote air 7", text) is None
