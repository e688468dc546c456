"""The log's own proof: everything counted again from the events' rows, and what is not as it was sealed named.

Each event is held against the hash that was sealed, each tile against the one above it, and each head that the log
ever had against the entries. Who removes events and the log's newest rows together leaves a shorter log that is sound
in itself; so checkpoints that somebody kept can be held against it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from hub.services.context import Hub
from hub.services.log_tree import BITS, divided, root_of_tile
from hub.store import log_rows
from hub.store.database import Connection, expect_whole_tables
from hub.store.log import TILE
from hub.store.log_rows import Posted
from partner_sdk.wire.checkpoints import CheckpointRefused, origin_of, parse_checkpoint
from partner_sdk.wire.merkle import EMPTY_ROOT, HASH_BYTES, Peaks

MOST = 1000
"""Findings after which the check stops."""


class Finding(NamedTuple):
    """A row that is not as it was sealed, by name, and what is wrong with it."""

    row: str
    fault: str


class Report(NamedTuple):
    """What a check came to."""

    size: int
    findings: list[Finding]


def run(hub: Hub, kept: Sequence[str] = (), progress: Callable[[str], None] = lambda part: None) -> Report:
    """Check the whole log, and that it begins with each of the ``kept`` checkpoints (signed notes).

    ``progress`` is told which part begins. Posting and sealing go on meanwhile.
    """
    with hub.database.snapshot() as connection:
        return check(connection, [_kept(hub, note) for note in kept], progress)


def check(
    connection: Connection,
    kept: Sequence[tuple[int, bytes] | Finding] = (),
    progress: Callable[[str], None] = lambda part: None,
) -> Report:
    """Check the log as one transaction sees it, and that it had the ``kept`` roots at their sizes."""
    expect_whole_tables(connection)
    size, seen = log_rows.progress(connection)
    return Report(size, list(_Check(connection, size, seen, kept).findings(progress)))


def _kept(hub: Hub, note: str) -> tuple[int, bytes] | Finding:
    try:
        read = parse_checkpoint(note, origin_of(hub.keyring.root.public))
    except CheckpointRefused as refusal:
        return Finding("kept checkpoint", refusal.detail)
    return read.size, read.root


class _Check:
    """What the parts of one check share."""

    def __init__(
        self, connection: Connection, size: int, seen: str, kept: Sequence[tuple[int, bytes] | Finding]
    ) -> None:
        self._connection, self._size, self._seen, self._kept = connection, size, seen, kept
        self._last: tuple[int, tuple[bytes, Sequence[str]] | None] = (-1, None)

    def findings(self, progress: Callable[[str], None]) -> Iterator[Finding]:
        parts = {
            "events against their entries": self._events,
            "events that the log should have": self._forgotten,
            "tiles": self._tiles,
            "heads and checkpoints": self._roots,
        }
        found = 0
        for name, part in parts.items():
            progress(name)
            for finding in part():
                yield finding
                found += 1
                if found == MOST:
                    return

    # --- events ---

    def _events(self) -> Iterator[Finding]:
        due = 0
        for posting, rows in groupby(log_rows.posted(self._connection), lambda row: row[:4]):
            _, _, first, events = posting
            if first != due:
                yield Finding(_posting(*posting[:2]), f"begins at position {first}, where {due} is due")
            yield from self._posting(list(rows))
            due = first + events
        if due != self._size:
            yield Finding(f"log at position {min(due, self._size)}", f"ends at {due} and should at {self._size}")

    def _posting(self, rows: Sequence[Posted]) -> Iterator[Finding]:
        """Hold the rows of a posting's events against its entries, by their names."""
        partner_id, tx, first, events = rows[0][:4]
        sealed = {name: (position, leaf) for position, name, leaf in self._entries(first, events)}
        if len(sealed) != events:
            yield Finding(_posting(partner_id, tx), f"has {events} events, of which the log names {len(sealed)}")
        for row in rows:
            if row.event_id is not None:
                yield from _compared(row, sealed.pop(row.event_id, None))
        for name, (position, _) in sealed.items():
            yield Finding(f"event {partner_id}/{name}", f"is missing; it was sealed at position {position}")

    def _entries(self, first: int, count: int) -> Iterator[tuple[int, str, bytes]]:
        """Yield position, name and hash of entries, as far as their tiles have them."""
        for position in range(first, first + count):
            number, place = divmod(position, TILE)
            if self._last[0] != number:
                self._last = number, log_rows.tile(self._connection, 0, number)
            hashes, names = self._last[1] or (b"", ())
            leaf = hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]
            if place < len(names) and len(leaf) == HASH_BYTES:
                yield position, names[place], leaf

    def _forgotten(self) -> Iterator[Finding]:
        for partner_id, event_id in log_rows.forgotten(self._connection, self._seen):
            yield Finding(f"event {partner_id}/{event_id}", "is not in the log, though its transaction was sealed")

    # --- the tree ---

    def _tiles(self) -> Iterator[Finding]:
        due: list[int] = []
        while entries := self._size >> (BITS * len(due)):
            yield from self._level(len(due), entries)
            due.append(-(-entries // TILE))
        for level, number in log_rows.tiles_beyond(self._connection, due):
            yield Finding(f"tile {level}/{number}", "is more than the log has entries for")

    def _level(self, level: int, entries: int) -> Iterator[Finding]:
        for number in range(-(-entries // TILE)):
            due = min(TILE, entries - number * TILE)
            hashes, names = log_rows.tile(self._connection, level, number) or (b"", ())
            if len(hashes) != due * HASH_BYTES or (level == 0 and len(names) != due):
                yield Finding(f"tile {level}/{number}", f"is missing or has not its {due} entries")
            elif due == TILE and self._above(level, number) != root_of_tile(hashes):
                yield Finding(f"tile {level}/{number}", "has not the root that the tile above it says")

    def _above(self, level: int, number: int) -> bytes:
        above, place = divmod(number, TILE)
        hashes, _ = log_rows.tile(self._connection, level + 1, above) or (b"", ())
        return hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]

    def _roots(self) -> Iterator[Finding]:
        heads = [(size, root, f"head {size}") for size, root in log_rows.heads(self._connection)]
        if (heads[-1][0] if heads else 0) != self._size:
            yield Finding(f"head {self._size}", "is missing, or newer ones are there")
        yield from (one for one in self._kept if isinstance(one, Finding))
        kept = [(*one, f"kept checkpoint of {one[0]}") for one in self._kept if not isinstance(one, Finding)]
        yield from self._compare_roots(sorted([*heads, *kept]))

    def _compare_roots(self, stated: Iterable[tuple[int, bytes, str]]) -> Iterator[Finding]:
        peaks, leaves = Peaks(), self._leaves()
        for size, root, name in stated:
            while peaks.size < size and (leaf := next(leaves, None)):
                peaks.append(leaf)
            if peaks.size < size:
                yield Finding(name, f"is of more entries than the {peaks.size} that the log has")
            elif (peaks.root() if size else EMPTY_ROOT) != root:
                yield Finding(name, f"is not the root of the first {size} entries: they were changed or reordered")

    def _leaves(self) -> Iterator[bytes]:
        for number in range(-(-self._size // TILE)):
            found = log_rows.tile(self._connection, 0, number)
            if found is None:
                return
            yield from divided(found[0])


def _posting(partner_id: str, tx: str) -> str:
    return f"posting of {partner_id} in transaction {tx}"


def _compared(row: Posted, sealed: tuple[int, bytes] | None) -> Iterator[Finding]:
    name = f"event {row.partner_id}/{row.event_id}"
    if sealed is None:
        yield Finding(name, f"was added to transaction {row.tx} after that was sealed")
    elif sealed[1] != row.leaf:
        yield Finding(name, f"is not what was sealed at position {sealed[0]}")
