"""The quick way on the curve of Ed25519 against the published vectors, and against the usual way."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.curve import QuickPrivateKey, QuickPublicKey
from partner_sdk.wire.keys import ECDSA_P256, PrivateKey, PublicKey

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group (RFC 8032 section 5.1)."""
NEUTRAL = (1).to_bytes(32, "little")
"""The neutral element, encoded (RFC 8032 section 5.1.2)."""
RFC_8032_7_1 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
SEEDS = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032_7_1)
def test_the_vectors_of_the_rfc(seed: str, public: str, message: str, signature: str) -> None:
    quick = QuickPrivateKey.from_seed(bytes.fromhex(seed))
    assert quick.public.raw.hex() == public
    assert quick.sign(bytes.fromhex(message)).hex() == signature
    verifier = QuickPublicKey.load_trusted(bytes.fromhex(public))
    assert verifier.verify(bytes.fromhex(signature), bytes.fromhex(message))


@given(SEEDS, st.binary(max_size=3_000))
def test_both_ways_sign_alike(seed: bytes, message: bytes) -> None:
    assert QuickPrivateKey.from_seed(seed).sign(message) == PrivateKey.from_seed(seed).sign(message)


@given(SEEDS, st.binary(max_size=300), st.integers(0, 64 * 8 - 1), st.data())
def test_both_ways_refuse_what_was_altered(seed: bytes, message: bytes, place: int, data: st.DataObject) -> None:
    usual = PrivateKey.from_seed(seed)
    verifier = QuickPublicKey.load_trusted(usual.public.raw)
    signature = usual.sign(message)
    assert verifier.verify(signature, message)
    altered = flipped(signature, place)
    said = flipped(message + b"!", data.draw(st.integers(0, len(message) * 8 + 7)))
    for one in (verifier, usual.public):
        assert not one.verify(altered, message)
        assert not one.verify(signature, said)
        assert not one.verify(signature[:-1], message)
        assert not one.verify(signature + b"\0", message)
        assert not one.verify(b"", message)


@given(SEEDS, st.binary(max_size=300))
def test_both_ways_refuse_a_second_spelling_of_a_signature(seed: bytes, message: bytes) -> None:
    usual = PrivateKey.from_seed(seed)
    signature = usual.sign(message)
    again = int.from_bytes(signature[32:], "little") + ORDER
    spelled = signature[:32] + again.to_bytes(32, "little")
    for one in (QuickPublicKey.load_trusted(usual.public.raw), usual.public):
        assert not one.verify(spelled, message)


@given(SEEDS, st.binary(max_size=300))
def test_a_commitment_of_small_order_is_refused(seed: bytes, message: bytes) -> None:
    # Its holder can sign with r = 0, so that S = k * s (RFC 8032 section 5.1.6); who follows the RFC never does.
    usual = PrivateKey.from_seed(seed)
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    k = int.from_bytes(hashlib.sha512(NEUTRAL + usual.public.raw + message).digest(), "little")
    scalar = k * int.from_bytes(digest, "little") % ORDER
    forged = NEUTRAL + scalar.to_bytes(32, "little")
    assert usual.public.verify(forged, message)
    assert not QuickPublicKey.load_trusted(usual.public.raw).verify(forged, message)


def test_a_key_for_p256_goes_the_usual_way() -> None:
    usual = PrivateKey.generate(alg=ECDSA_P256)
    quick = QuickPrivateKey.from_pem(usual.to_pem())
    verifier = QuickPublicKey.load_trusted(usual.public.raw)
    assert verifier.verify(quick.sign(b"a sale"), b"a sale")
    assert not verifier.verify(quick.sign(b"a sale"), b"another")


def test_a_key_file_is_read_and_written_as_before() -> None:
    usual = PrivateKey.generate("live")
    quick = QuickPrivateKey.from_pem(usual.to_pem())
    assert (quick.to_pem(), quick.environment, quick.public) == (usual.to_pem(), "live", usual.public)
    assert isinstance(quick.public, PublicKey)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        QuickPrivateKey.from_seed(b"short")


def flipped(text: bytes, place: int) -> bytes:
    altered = bytearray(text)
    altered[place // 8] ^= 1 << place % 8
    return bytes(altered)
