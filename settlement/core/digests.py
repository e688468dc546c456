"""The digests above a line: of a pair, and of a whole cycle.

Line digests make up pair digests and these the cycle digest, so one 32-byte value names every field of every
line of a cycle, and a difference can be traced downwards from it without sending all lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from settlement.core.positions import Position


def pair_text(position: Position) -> str:
    """The text of a position in the cycle digest: seven fields joined by a line break, its digest in hex."""
    return "\n".join([*map(str, position[:-1]), position.digest.hex()])


def cycle_digest(positions: Iterable[Position]) -> bytes:
    """SHA-256 over the positions' texts joined by a blank line, sorted by issuer, redeemer, currency.

    A cycle without lines has the digest of the empty text.
    """
    return hashlib.sha256("\n\n".join(pair_text(position) for position in sorted(positions)).encode()).digest()
