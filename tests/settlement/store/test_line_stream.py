"""Digests as PostgreSQL writes them become 32 bytes each, also those that somebody has shortened or made longer."""

from __future__ import annotations

import pyarrow as pa

from settlement.store.line_stream import _digests

ONE, OTHER = bytes(range(32)), b"\xff" * 32


def _column(*digests: bytes) -> pa.ChunkedArray:
    return pa.chunked_array([["\\x" + one.hex()] for one in digests])


def test_digests_of_the_usual_length_are_taken_as_they_are() -> None:
    assert _digests(_column(ONE, OTHER)).to_pylist() == [ONE, OTHER]
    assert _digests(_column(ONE, OTHER, ONE).slice(1)).to_pylist() == [OTHER, ONE]


def test_a_digest_of_another_length_moves_no_other_one() -> None:
    found = _digests(_column(ONE, b"", b"\x01", OTHER + b"\x02", OTHER)).to_pylist()
    assert found == [ONE, bytes(32), bytes(31) + b"\x01", OTHER, OTHER]
