"""The hub's secrets: made once, refused when damaged, and what they do."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from hub import keyring
from hub.core.errors import ConfigurationError


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first, second = keyring.create(tmp_path / "s"), keyring.create(tmp_path / "s")
    assert (first.keyid, first.blind, first.body) == (second.keyid, second.blind, second.body)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir()} == {0o600}


def test_a_damaged_secret_is_refused(tmp_path: Path) -> None:
    keyring.create(tmp_path)
    (tmp_path / "blind.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="damaged"):
        keyring.load(tmp_path)


def test_sealed_bodies_come_back_and_cannot_be_altered(tmp_path: Path) -> None:
    ring = keyring.create(tmp_path)
    sealed = ring.seal(b"member card:1")
    assert ring.unseal(sealed) == b"member card:1"
    assert b"card:1" not in sealed
    assert ring.seal(b"member card:1") != sealed
    with pytest.raises(InvalidTag):
        ring.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_blind_indexes_tell_members_apart_and_ignore_the_case_of_mail(tmp_path: Path) -> None:
    ring = keyring.create(tmp_path / "a")
    assert ring.blind_index("email:A@Example.com") == ring.blind_index("email:a@example.com")
    assert ring.blind_index("card:A") != ring.blind_index("card:a")
    assert ring.blind_index("card:1") != keyring.create(tmp_path / "b").blind_index("card:1")
