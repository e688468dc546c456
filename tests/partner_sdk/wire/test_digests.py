"""Content-Digest: the RFCs' own vectors, and every way a field can be wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from partner_sdk.wire.signatures import SignatureRefused, check_digest, content_digest

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors" / "rfc9421.json").read_text())[
    "content_digests"
]

BODY = b'{"hello": "world"}'
SHA_256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
SHA_512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['source']} {vector['alg']}")
def test_the_published_digests(vector: dict[str, Any]) -> None:
    body = bytes.fromhex(vector["content_hex"])
    check_digest(vector["field_member"], body)
    with pytest.raises(SignatureRefused) as refusal:
        check_digest(vector["field_member"], body + b" ")
    assert refusal.value.code == "digest_mismatch"
    if vector["alg"] == "sha-256":
        assert content_digest(body) == vector["field_member"]


@pytest.mark.parametrize(
    "header",
    [
        SHA_256,
        SHA_512,
        f"{SHA_256}, {SHA_512}",
        f"{SHA_512},{SHA_256}",
        f"md5=:AAAA:, {SHA_256}",
        f" {SHA_256} ",
    ],
)
def test_one_known_digest_suffices_and_unknown_ones_are_read_past(header: str) -> None:
    check_digest(header, BODY)


@pytest.mark.parametrize(
    "header",
    [
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPF=:",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE:",
        "sha-256=::",
        f"{SHA_256}, sha-512=:AAAA:",
        f"sha-256=:AAAA:, {SHA_512}",
    ],
)
def test_every_known_digest_must_match_to_the_letter(header: str) -> None:
    with pytest.raises(SignatureRefused) as refusal:
        check_digest(header, BODY)
    assert refusal.value.code == "digest_mismatch"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha-256",
        "sha-256=X48E",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
        SHA_256.upper(),
        f"{SHA_256}, {SHA_256}",
        f"{SHA_256},",
        f"{SHA_256} {SHA_512}",
        f"{SHA_256};a=1",
        "md5=:AAAA:",
        "sha-256=:Ä:",
        f"{SHA_256}\n",
    ],
)
def test_what_is_no_digest_field_is_malformed(header: str) -> None:
    with pytest.raises(SignatureRefused) as refusal:
        check_digest(header, BODY)
    assert refusal.value.code == "digest_malformed"
