"""The log's Merkle tree as it is stored: tiles of 256 hashes, of which a proof needs a handful.

A tile of level 0 has the hashes of 256 entries; one of level 1 the roots of 256 full tiles of level 0, and so on. What
lies between is counted again from its tile. So a tree of a million entries has three levels, and nothing is ever
changed but the last tile of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hub.core.errors import LedgerBroken
from hub.store.log import TILE, TileId
from partner_sdk.wire import merkle
from partner_sdk.wire.merkle import HASH_BYTES

BITS = TILE.bit_length() - 1
FULL = TILE * HASH_BYTES


def root_of_tile(hashes: bytes) -> bytes:
    """Return the root over the hashes of one tile."""
    return merkle.root_of(divided(hashes))


def divided(hashes: bytes) -> list[bytes]:
    """Return the hashes of a tile one by one."""
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]


def needed(size: int, positions: Iterable[int] = ()) -> list[TileId]:
    """Return the tiles that proofs in a tree of this size need: those over the positions, and its right edge."""
    wanted: set[TileId] = set()
    places, level = list(positions), 0
    while entries := size >> (BITS * level):
        numbers = {place >> (BITS * (level + 1)) for place in places if place >> (BITS * level) < entries}
        wanted |= {(level, number) for number in numbers | ({entries >> BITS} if entries % TILE else set())}
        level += 1
    return sorted(wanted)


class Tree:
    """A tree over tiles that were read."""

    def __init__(self, tiles: Mapping[TileId, bytes]) -> None:
        self._tiles = tiles

    def hash_of(self, start: int, end: int) -> bytes:
        """Return the root over the entries from ``start`` up to, and without, ``end``.

        Raises:
            LedgerBroken: a tile is missing or too short.
        """
        if start == end:
            return merkle.EMPTY_ROOT
        height = (end - start).bit_length() - 1
        if end - start == 1 << height:
            return self._node(height, start)
        middle = start + merkle.split(end - start)
        return merkle.node_hash(self.hash_of(start, middle), self.hash_of(middle, end))

    def _node(self, height: int, start: int) -> bytes:
        """Return the root of the full subtree of this height that begins at ``start``."""
        level, rest = divmod(height, BITS)
        number, offset = divmod(start >> (BITS * level), TILE)
        hashes = self._tiles.get((level, number), b"")[offset * HASH_BYTES : (offset + (1 << rest)) * HASH_BYTES]
        if len(hashes) != HASH_BYTES << rest:
            raise LedgerBroken(f"tile {level}/{number} of the log is missing or too short")
        return root_of_tile(hashes)
