"""The tree of RFC 9162: its published vectors, a naive tree beside ours, and proofs that prove nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk.wire import merkle
from partner_sdk.wire.merkle import EMPTY_ROOT, ProofRefused

# The vectors of Certificate Transparency's reference implementation of RFC 6962, whose tree RFC 9162 keeps.
ENTRIES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
_A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = {
    (0, 1): (), (0, 8): (_A, _B, _C), (5, 8): (_D, _E, ROOTS[4]), (2, 3): (ROOTS[2],), (1, 5): (ROOTS[1], _B, _D),
}  # fmt: skip
CONSISTENCY = {(1, 1): (), (1, 8): (_A, _B, _C), (6, 8): (_F, _E, ROOTS[4]), (2, 5): (_B, _D)}

Leaves = Sequence[bytes]


def naive(leaves: Leaves) -> bytes:
    """The definition of RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


def included(leaves: Leaves, position: int) -> list[bytes]:
    return merkle.inclusion_path(position, len(leaves), lambda start, end: naive(leaves[start:end]))


def consistent(leaves: Leaves, old: int) -> list[bytes]:
    return merkle.consistency_path(old, len(leaves), lambda start, end: naive(leaves[start:end]))


def hexes(path: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(one.hex() for one in path)


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert merkle.root_of(map(merkle.leaf_hash, ENTRIES[:size])).hex() == ROOTS[size]


@pytest.mark.parametrize(("position", "size"), INCLUSION)
def test_published_inclusion_proofs(position: int, size: int) -> None:
    leaves = [merkle.leaf_hash(one) for one in ENTRIES[:size]]
    path = included(leaves, position)
    assert hexes(path) == INCLUSION[position, size]
    merkle.check_inclusion(leaves[position], position, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int) -> None:
    path = consistent([merkle.leaf_hash(one) for one in ENTRIES[:new]], old)
    assert hexes(path) == CONSISTENCY[old, new]
    merkle.check_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), path)


def test_every_proof_of_every_small_tree_proves_what_it_should_and_nothing_else() -> None:
    leaves = leaves_of(20)
    for size in range(1, 21):
        root, tree = naive(leaves[:size]), leaves[:size]
        assert merkle.root_of(tree) == root
        for position in range(size):
            path = included(tree, position)
            merkle.check_inclusion(leaves[position], position, size, path, root)
            for wrong in {*range(size)} - {position}:
                with pytest.raises(ProofRefused):
                    merkle.check_inclusion(leaves[position], wrong, size, path, root)
        for old in range(size + 1):
            merkle.check_consistency(old, size, naive(leaves[:old]), root, consistent(tree, old))


@given(st.integers(1, 300), st.data())
def test_a_changed_entry_is_in_no_proof(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    changed, seen = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    forged = [*leaves[:changed], merkle.leaf_hash(b"forged"), *leaves[changed + 1 :]]
    root = merkle.root_of(forged)
    assert root == naive(forged)
    with pytest.raises(ProofRefused):
        merkle.check_inclusion(leaves[changed], changed, size, included(forged, changed), root)
    path = consistent(forged, seen)
    if changed < seen:
        with pytest.raises(ProofRefused):
            merkle.check_consistency(seen, size, naive(leaves[:seen]), root, path)
    else:
        merkle.check_consistency(seen, size, naive(leaves[:seen]), root, path)


HASHES = st.lists(st.binary(max_size=40) | st.sampled_from(leaves_of(4)), max_size=140)
NUMBERS = st.integers(-2, 20) | st.integers()


@given(NUMBERS, NUMBERS, HASHES, st.sampled_from(leaves_of(3)), st.sampled_from(leaves_of(3)))
def test_whatever_comes_is_proved_or_refused(one: int, other: int, path: list[bytes], a: bytes, b: bytes) -> None:
    for check in (merkle.check_inclusion, merkle.check_consistency):
        arguments = (a, one, other, path, b) if check is merkle.check_inclusion else (one, other, a, b, path)
        try:
            check(*arguments)
        except ProofRefused:
            continue
        assert 0 <= one <= other


@pytest.mark.parametrize("change", ["one more", "one less", "one turned", "another order"])
def test_a_proof_of_another_length_or_content_is_refused(change: str) -> None:
    leaves = leaves_of(13)
    root, old_root = naive(leaves), naive(leaves[:6])
    checks: list[tuple[list[bytes], Callable[[list[bytes]], None]]] = [
        (included(leaves, 4), lambda path: merkle.check_inclusion(leaves[4], 4, 13, path, root)),
        (consistent(leaves, 6), lambda path: merkle.check_consistency(6, 13, old_root, root, path)),
    ]
    for path, check in checks:
        changed = {
            "one more": [*path, path[-1]],
            "one less": path[:-1],
            "one turned": [path[0][::-1], *path[1:]],
            "another order": path[::-1],
        }[change]
        check(path)
        with pytest.raises(ProofRefused):
            check(changed)


def test_a_log_that_became_shorter_or_differs_at_one_size_is_refused() -> None:
    leaves = leaves_of(8)
    with pytest.raises(ProofRefused, match="shorter"):
        merkle.check_consistency(8, 7, naive(leaves), naive(leaves[:7]), [])
    with pytest.raises(ProofRefused, match="differ"):
        merkle.check_consistency(8, 8, naive(leaves), naive(leaves[:7]), [])
    with pytest.raises(ProofRefused, match="differ"):
        merkle.check_consistency(0, 8, leaves[0], naive(leaves), [])
