"""The hub's secrets: made once, refused when damaged, and what they do."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from hub import keyring
from hub.core.errors import ConfigurationError
from partner_sdk.wire.keys import PrivateKey


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first, second = keyring.create(tmp_path / "s"), keyring.create(tmp_path / "s")
    assert (list(first.signers), first.blind, first.body) == (list(second.signers), second.blind, second.body)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir()} == {0o600}


def test_a_damaged_secret_is_refused(tmp_path: Path) -> None:
    keyring.create(tmp_path)
    (tmp_path / "blind.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="damaged"):
        keyring.load(tmp_path)


RFC_8032_TEST_1_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
WEAK = {
    "zeros": ("blind.key", bytes(32), "weak"),
    "one letter": ("body.key", b"a" * 32, "weak"),
    "a count": ("blind.key", bytes(range(32)), "weak"),
    "a count by seven": ("blind.key", bytes(7 * n % 256 for n in range(32)), "weak"),
    "words": ("body.key", b"correct horse battery staple 123", "weak"),
    "hexadecimal": ("body.key", b"00112233445566778899aabbccddeeff", "weak"),
    "too long": ("body.key", bytes(33), "damaged"),
    "nothing": ("blind.key", b"", "damaged"),
    "a key of an RFC": (
        "signing.pem",
        PrivateKey.from_seed(bytes.fromhex(RFC_8032_TEST_1_SEED)).to_pem(),
        "anybody can sign",
    ),
    "no key": ("root.pem", b"-----BEGIN", "cannot be used"),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_secret_is_refused(tmp_path: Path, name: str) -> None:
    keyring.create(tmp_path)
    file, content, why = WEAK[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigurationError, match=why):
        keyring.load(tmp_path)


@pytest.mark.parametrize(("one", "other"), [("signing.pem", "root.pem"), ("blind.key", "body.key")])
def test_no_secret_serves_two_ends(tmp_path: Path, one: str, other: str) -> None:
    keyring.create(tmp_path)
    (tmp_path / one).write_bytes((tmp_path / other).read_bytes())
    with pytest.raises(ConfigurationError, match="the same"):
        keyring.load(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_what_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    keyring.create(tmp_path / "s")
    (tmp_path / "s" / "root.pem").chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        keyring.load(tmp_path / "s")
    (tmp_path / "s" / "root.pem").chmod(0o600)
    (tmp_path / "s").chmod(0o770)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        keyring.load(tmp_path / "s")


def test_secrets_are_of_one_environment(tmp_path: Path) -> None:
    keyring.create(tmp_path)
    with pytest.raises(ConfigurationError, match="missing"):
        keyring.check_environment(tmp_path, "live")
    keyring.bind(tmp_path, "sandbox")
    keyring.bind(tmp_path, "sandbox")
    keyring.check_environment(tmp_path, "sandbox")
    with pytest.raises(ConfigurationError, match="a sandbox hub's, and the database is live"):
        keyring.check_environment(tmp_path, "live")
    with pytest.raises(ConfigurationError, match="a sandbox hub's, and the database is live"):
        keyring.bind(tmp_path, "live")


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


def test_the_root_key_may_be_elsewhere_but_is_not_replaced(tmp_path: Path) -> None:
    pinned = keyring.create(tmp_path).root.public
    (tmp_path / "root.pem").unlink()
    away = keyring.create(tmp_path).root
    assert (away.public, away.private) == (pinned, None)
    (tmp_path / "root.pem").write_bytes(PrivateKey.generate().to_pem())
    (tmp_path / "root.pem").chmod(0o600)
    with pytest.raises(ConfigurationError, match="not the private half"):
        keyring.load(tmp_path)


def test_a_folder_of_an_earlier_version_gets_its_pin(tmp_path: Path) -> None:
    pinned = keyring.create(tmp_path).root.public
    (tmp_path / "root.pub").unlink()
    assert keyring.load(tmp_path).root.public == pinned
    assert keyring.create(tmp_path).root.public == pinned
    assert (tmp_path / "root.pub").read_text() == f"{pinned.text()}\n"


def test_a_damaged_pin_is_refused(tmp_path: Path) -> None:
    keyring.create(tmp_path)
    (tmp_path / "root.pub").write_bytes(b"\xff not a key")
    with pytest.raises(ConfigurationError, match=r"root\.pub cannot be used"):
        keyring.load(tmp_path)


def test_all_keys_that_may_sign_are_read(tmp_path: Path) -> None:
    first, new = keyring.create(tmp_path), PrivateKey.generate()
    keyring.add_signer(tmp_path, new)
    keyring.add_signer(tmp_path, new)
    assert list(keyring.load(tmp_path).signers) == [*first.signers, keyring.name_of(new.public)]
    (tmp_path / "signing.pem").unlink()
    assert list(keyring.load(tmp_path).signers) == [keyring.name_of(new.public)]
