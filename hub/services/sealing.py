"""Sealing: events that were posted get their place in the log, in commit order, and the log a new head.

It runs beside posting and takes no lock that posting takes. Whatever is committed when it looks is sealed in that
transaction or not at all, and a transaction that was held open meanwhile is sealed after it has ended.
"""

from __future__ import annotations

from hub.services.context import Hub
from hub.services.log_tree import FULL, Tree, needed, root_of_tile
from hub.store import log
from hub.store.database import Connection


def seal(hub: Hub) -> int:
    """Seal everything that is committed and return how many events that was; safe to run several times at once."""
    total = 0
    while is_due(hub):
        total += seal_some(hub)
    return total


def is_due(hub: Hub) -> bool:
    """Tell whether anything is committed and not in the log."""
    with hub.database.connect() as connection:
        return log.has_unsealed(connection)


def seal_some(hub: Hub) -> int:
    """Seal what is committed, or a part of it where that is much, in one transaction; return how many events."""

    def work(connection: Connection) -> int:
        log.lock(connection)
        return _seal_some(hub, connection)

    return hub.database.transact(work)


def seal_unless_others_do(hub: Hub) -> int:
    """Like `seal_some`, but nothing where somebody else is at it."""
    return hub.database.transact(lambda connection: _seal_some(hub, connection) if log.try_lock(connection) else 0)


def _seal_some(hub: Hub, connection: Connection) -> int:
    # Read only now that nobody else seals: the snapshot must be younger than the one that was kept last.
    step = log.next_step(connection)
    tiles = log.seal(connection, step)
    size = _size(tiles) if tiles else step.size
    if tiles:
        _raise(connection, tiles, step.size)
        edge = log.tiles(connection, needed(size))
        log.add_head(connection, size, Tree(edge).hash_of(0, size), hub.real_time())
    log.go_on(connection, size, step.seen)
    return size - step.size


def _size(tiles: list[tuple[int, bytes]]) -> int:
    number, hashes = tiles[-1]
    return number * log.TILE + len(hashes) // 32


def _raise(connection: Connection, tiles: list[tuple[int, bytes]], size: int) -> None:
    """Give each tile that became full its entry in the tile above, level by level."""
    level = 0
    while full := [(number, hashes) for number, hashes in tiles if len(hashes) == FULL]:
        level += 1
        entries: dict[int, bytes] = {}
        for number, hashes in full:
            above = number // log.TILE
            entries[above] = entries.get(above, b"") + root_of_tile(hashes)
        tiles = log.append(connection, level, entries)
