"""The digests above a line: of a pair, and of a whole cycle.

Line digests make up pair digests and these the cycle digest, so one 32-byte value names every field of every
line of a cycle, and a difference can be traced downwards from it without sending all lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from settlement.core.positions import Position


def pair_text(position: Position) -> str:
    """The text of a pair in the cycle digest: issuer, redeemer, currency, pair digest in hex, a line each.

    Amounts are left out: the pair digest binds every line, so every amount. Each partner may then see the texts
    of all pairs, and recompute the cycle digest of its statement, without seeing what others owe each other.
    """
    return "\n".join([position.issuer, position.redeemer, position.currency, position.digest.hex()])


def cycle_digest(positions: Iterable[Position]) -> bytes:
    """SHA-256 over the pairs' texts joined by a blank line, sorted by issuer, redeemer, currency.

    A cycle without lines has the digest of the empty text.
    """
    return hashlib.sha256("\n\n".join(pair_text(position) for position in sorted(positions)).encode()).digest()
