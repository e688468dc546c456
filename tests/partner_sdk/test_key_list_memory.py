"""What is remembered of the hub's key lists: the highest version, across processes and whatever happens to the file."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from partner_sdk import Client, PrivateKey, UntrustedAnswer
from partner_sdk.key_list_memory import KeyListMemory, MemoryUnreadable
from tests.support.threads import at_once

if TYPE_CHECKING:
    from tests.partner_sdk.conftest import Peer

ROOT = PrivateKey.generate().public


def test_the_highest_version_is_remembered_for_each_root_key(tmp_path: Path) -> None:
    memory = KeyListMemory(tmp_path / "made", ROOT)
    assert memory.highest() == 0
    for version in (3, 2, 7, 7, 1):
        memory.saw(version)
    assert KeyListMemory(tmp_path / "made", ROOT).highest() == 7
    assert KeyListMemory(tmp_path / "made", PrivateKey.generate().public).highest() == 0


@pytest.mark.parametrize("text", ["", "7", "07\n", "-1\n", "7\n7\n", "9" * 30 + "\n", "\x00\n", "seven\n"])
def test_a_file_that_is_damaged_is_not_taken_for_a_version(text: str, tmp_path: Path) -> None:
    memory = KeyListMemory(tmp_path, ROOT)
    memory.saw(7)
    [file] = tmp_path.iterdir()
    file.write_text(text)
    with pytest.raises(MemoryUnreadable):
        memory.highest()


def test_many_may_remember_at_once(tmp_path: Path) -> None:
    at_once([partial(KeyListMemory(tmp_path, ROOT).saw, version) for version in (5, 5, 5, 5)])
    assert KeyListMemory(tmp_path, ROOT).highest() == 5


def test_a_new_process_refuses_an_older_list_than_one_before_it_saw(
    peer: "Peer", partner_key: PrivateKey, root_key: PrivateKey, stranger_key: PrivateKey, tmp_path: Path
) -> None:
    def client() -> Client:
        return Client(
            peer.url,
            "grocer",
            partner_key,
            root_key=root_key.public,
            attempts=1,
            clock=lambda: peer.now,
            state=tmp_path,
        )

    peer.handle = lambda seen: (200, {"member": "card:1", "available": 0, "pending": 0, "next_to_expire": None})
    peer.key_list = peer.list_of(peer.key, version=2)
    with client() as first:
        first.member("card:1")
    peer.key, peer.key_list = stranger_key, peer.list_of(stranger_key, version=1)
    with client() as second, pytest.raises(UntrustedAnswer, match="older"):
        second.member("card:1")
    peer.key_list = peer.list_of(stranger_key, version=3)
    with client() as third:
        third.member("card:1")
