"""The Merkle tree of RFC 9162 (section 2): roots, proofs that an entry is in a tree, and that one tree begins another.

Pure functions over SHA-256, shared by the hub, which makes proofs, and by partners, who check them. Whoever makes one
says how to get at the hash of a run of entries; whoever checks one needs nothing but the proof.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()
MAX_SIZE = 2**62
"""More entries than any log will have; a larger number is a mistake."""

HashOf = Callable[[int, int], bytes]
"""The root over the entries from the first position up to, and without, the second."""


class ProofRefused(ValueError):
    """A proof does not prove what it should; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two halves."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Peaks:
    """A tree that grows entry by entry and remembers only its full subtrees, so its root is at hand at every size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more entry."""
        merges = self.size
        while merges & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            merges >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all entries so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over the hashes of entries."""
    peaks = Peaks()
    for leaf in leaves:
        peaks.append(leaf)
    return peaks.root()


def split(size: int) -> int:
    """The largest power of two below `size`, which is at least two: where a tree of that size is divided."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_path(position: int, size: int, hash_of: HashOf) -> list[bytes]:
    """The proof that the entry at `position` is in the tree of `size` entries (RFC 9162 section 2.1.3.1)."""
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if position < middle:
            path.append(hash_of(middle, end))
            end = middle
        else:
            path.append(hash_of(start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, hash_of: HashOf) -> list[bytes]:
    """The proof that the tree of `old` entries begins the one of `new` (RFC 9162 section 2.1.4.1)."""
    if old in (0, new):
        return []
    path, start, end = [], 0, new
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            path.append(hash_of(middle, end))
            end = middle
        else:
            path.append(hash_of(start, middle))
            start = middle
    return [*([hash_of(start, end)] if start else []), *path[::-1]]


def check_inclusion(leaf: bytes, position: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Hold an inclusion proof against a root (RFC 9162 section 2.1.3.2); raises ProofRefused."""
    _check_hashes([*path, leaf, root])
    if not 0 <= position < size <= MAX_SIZE:
        raise ProofRefused("the position is not in the tree")
    place, last, found = position, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    if found != root:
        raise ProofRefused("the proof leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Hold a consistency proof against both roots (RFC 9162 section 2.1.4.2); raises ProofRefused."""
    _check_hashes([*path, old_root, new_root])
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofRefused("the log has become shorter")
    if old in (0, new):
        _check_trivial(old, old_root, new_root if old == new else None, path)
        return
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        raise ProofRefused("the proof is too short")
    _check_both(old - 1, new - 1, hashes, old_root, new_root)


def _check_trivial(size: int, old_root: bytes, same_as: bytes | None, path: Sequence[bytes]) -> None:
    if path:
        raise ProofRefused("the proof is too long")
    if (size == 0 and old_root != EMPTY_ROOT) or same_as not in (None, old_root):
        raise ProofRefused("the roots of one size differ")


def _check_both(place: int, last: int, hashes: list[bytes], old_root: bytes, new_root: bytes) -> None:
    while place & 1:
        place, last = place >> 1, last >> 1
    old_found = new_found = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if place & 1 or place == last:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_found = node_hash(new_found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    if old_found != old_root:
        raise ProofRefused("the log does not begin with the entries that it had: its history was rewritten")
    if new_found != new_root:
        raise ProofRefused("the proof leads to another root")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > 130 or any(type(one) is not bytes or len(one) != HASH_BYTES for one in hashes):
        raise ProofRefused("a proof is made of at most 128 hashes of 32 bytes")
