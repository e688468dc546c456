"""Sealing: everything that is committed gets one place, in commit order, whoever seals, is killed, or commits late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from sqlalchemy import text

from hub.services import log_check, sealing
from hub.services.context import Hub
from hub.services.log_tree import Tree, needed
from hub.store import log
from partner_sdk.wire import merkle
from tests.support import eventful
from tests.support.coalition import Coalition
from tests.support.services import post_alone, post_bare
from tests.support.threads import at_once


@contextmanager
def held_open(hub: Hub, partner_id: str, *event_ids: str) -> Iterator[None]:
    """A transaction that has posted and commits at the end of the block."""
    with hub.database._transactional.begin() as connection:
        post_bare(connection, partner_id, *event_ids)
        yield


def entries(hub: Hub) -> list[str]:
    """The names of all entries, in the order of the log."""
    with hub.database.connect() as connection:
        query = text("SELECT unnest(names) FROM hub.log_tile WHERE level = 0 ORDER BY number")
        return [str(name) for name in connection.execute(query).scalars()]


def size_of(hub: Hub) -> int:
    with hub.database.connect() as connection:
        return log.head(connection)[0]


def sound(hub: Hub) -> bool:
    report = log_check.run(hub)
    assert report.findings == []
    return report.size == size_of(hub)


def test_an_empty_log_has_the_root_of_nothing(built: Coalition) -> None:
    assert (sealing.seal(built.hub), size_of(built.hub), sound(built.hub)) == (0, 0, True)


def test_everything_that_happens_is_sealed_once_in_commit_order(built: Coalition) -> None:
    eventful.january(built.hub)
    with built.hub.database.connect() as connection:
        order = text('SELECT event_id FROM hub.event ORDER BY tx, partner_id, event_id COLLATE "C"')
        events = list(connection.execute(order).scalars())
    assert sealing.seal(built.hub) == len(events)
    assert entries(built.hub) == events
    assert sealing.seal(built.hub) == 0
    assert sound(built.hub)


def test_a_transaction_that_is_held_open_across_sealings_is_sealed_when_it_ends(built: Coalition) -> None:
    hub = built.hub
    post_alone(hub, "grocer", "a1")
    with held_open(hub, "grocer", "late2", "late1"), held_open(hub, "fuel", "later"):
        post_alone(hub, "fuel", "a2")
        assert sealing.seal(hub) == 2
        post_alone(hub, "grocer", "a3")
        assert sealing.seal(hub) == 1
        assert sealing.seal(hub) == 0
        assert sound(hub)
    assert sealing.seal(hub) == 3
    assert entries(hub) == ["a1", "a2", "a3", "late1", "late2", "later"]
    assert sound(hub)


def test_what_is_rolled_back_is_never_sealed(built: Coalition) -> None:
    hub = built.hub
    with suppress(ZeroDivisionError), held_open(hub, "grocer", "gone"):
        post_alone(hub, "grocer", "kept")
        assert sealing.seal(hub) == 1
        raise ZeroDivisionError
    assert (sealing.seal(hub), entries(hub)) == (0, ["kept"])
    assert sound(hub)


def test_much_is_sealed_in_several_transactions_and_none_is_left_out(
    built: Coalition, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = built.hub
    monkeypatch.setattr(log, "AT_ONCE", 70)
    for number in range(30):
        post_alone(hub, ("grocer", "fuel")[number % 2], *(f"{number:03}-{one:03}" for one in range(20 + number)))
    total = sum(20 + number for number in range(30))
    assert sealing.seal(hub) == total
    assert entries(hub) == sorted(entries(hub))
    assert len(entries(hub)) == total == size_of(hub)
    assert sound(hub)


def test_sealers_at_once_seal_each_event_once(built: Coalition) -> None:
    hub = built.hub
    writers = [partial(_post_many, hub, name) for name in ("grocer", "fuel", "pharmacy")]
    sealers = [partial(_seal_often, hub) for _ in range(3)]
    sealed = sum(at_once([*writers, *sealers])) + sealing.seal(hub)
    assert sealed == 3 * 40 * 5 == len(set(entries(hub)))
    assert sound(hub)


def _post_many(hub: Hub, partner_id: str) -> int:
    for number in range(40):
        post_alone(hub, partner_id, *(f"{partner_id}-{number}-{one}" for one in range(5)))
    return 0


def _seal_often(hub: Hub) -> int:
    return sum(sealing.seal(hub) + sealing.seal_unless_others_do(hub) for _ in range(20))


def test_the_hub_does_not_wait_where_somebody_else_seals(built: Coalition) -> None:
    post_alone(built.hub, "grocer", "e1")
    assert sealing.seal_unless_others_do(built.hub) == 1
    post_alone(built.hub, "grocer", "e2")
    with built.hub.database._transactional.begin() as connection:
        log.lock(connection)
        assert sealing.seal_unless_others_do(built.hub) == 0
    assert sealing.seal_unless_others_do(built.hub) == 1


KILLED = """
import os, signal, sys
from hub import start
from hub.services import sealing
from hub.settings import Settings
from hub.store import log
written = getattr(log, sys.argv[1])
def kill_after(*arguments):
    written(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(log, sys.argv[1], kill_after)
sealing.seal(start.open_hub(Settings.from_environment()))
"""


@pytest.mark.parametrize("step", ["seal", "go_on"])
def test_a_sealer_that_is_killed_has_sealed_nothing(built: Coalition, step: str) -> None:
    post_alone(built.hub, "grocer", *(f"e{number:03}" for number in range(300)))
    environment = os.environ | built.settings.to_environment()
    ended = subprocess.run([sys.executable, "-c", KILLED, step], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (size_of(built.hub), entries(built.hub)) == (0, [])
    assert sealing.seal(built.hub) == 300
    assert sound(built.hub)


def test_proofs_from_tiles_are_those_of_the_whole_tree() -> None:
    total = 70_000
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(total)]
    tiles: dict[log.TileId, bytes] = {}
    level, row = 0, leaves
    while row:
        for number in range(-(-len(row) // 256)):
            tiles[level, number] = b"".join(row[256 * number : 256 * (number + 1)])
        row = [merkle.root_of(row[256 * number : 256 * (number + 1)]) for number in range(len(row) // 256)]
        level += 1
    for size in (1, 2, 255, 256, 257, 512, 65_535, 65_536, 65_537, total):
        root = merkle.root_of(leaves[:size])
        for position in {0, size // 3, size // 2, size - 1}:
            tree = Tree({one: tiles[one] for one in needed(size, [position])})
            path = merkle.inclusion_path(position, size, tree.hash_of)
            merkle.check_inclusion(leaves[position], position, size, path, root)
        for old in {1, 255, 256, 300, 65_536, size // 2, size - 1, size} - {0}:
            if old <= size:
                tree = Tree({one: tiles[one] for one in needed(size, [old - 1, old])})
                path = merkle.consistency_path(old, size, tree.hash_of)
                merkle.check_consistency(old, size, merkle.root_of(leaves[:old]), root, path)
