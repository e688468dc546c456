"""What the measured processes use: memory at its highest, and processor time, as Linux tells in /proc.

The processes of PostgreSQL share their buffers, so adding up their sizes would count those dozens of times.
Here a group of processes has the memory that is each one's own, plus the largest part that is shared, once.
On a system without /proc the figures are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

PROC = Path("/proc")
LOOK_S = 0.5
MIB = 1 << 20


class Reading(NamedTuple):
    """One process at one moment; `peak_bytes` is the most that it had up to then, as the kernel noted it."""

    own_bytes: int
    shared_bytes: int
    peak_bytes: int
    cpu_s: float


def children(parent: int) -> list[int]:
    """Return the direct children of a process."""
    return [int(process.name) for process in PROC.glob("[0-9]*") if _parent(process) == parent]


def read(process: int) -> Reading | None:
    """Read one process, or return None when it is gone."""
    try:
        pages = (PROC / str(process) / "statm").read_text().split()
        peak = (PROC / str(process) / "status").read_text().partition("VmHWM:")[2].split()
        times = _after_name(PROC / str(process))
    except OSError:
        return None
    resident, shared = (int(number) * os.sysconf("SC_PAGE_SIZE") for number in pages[1:3])
    ticks = int(times[11]) + int(times[12])
    peak_bytes = int(peak[0]) << 10 if peak else resident
    return Reading(resident - shared, shared, peak_bytes, ticks / os.sysconf("SC_CLK_TCK"))


def _parent(process: Path) -> int | None:
    with suppress(OSError):
        return int(_after_name(process)[1])
    return None


def _after_name(process: Path) -> list[str]:
    """The fields of ``stat`` after the program's name, which may itself contain spaces (proc(5))."""
    return (process / "stat").read_text().rpartition(")")[2].split()


@dataclass
class Group:
    """Processes that are told apart only by what they belong to."""

    memory_bytes: int = 0
    """The most that the group had at one moment."""
    largest_bytes: int = 0
    """The most that one process of it had, shared memory included."""
    cpu_s: float = 0.0
    _last: dict[int, float] = field(default_factory=dict)

    def look(self, processes: Iterable[int]) -> None:
        """Take a reading of every process."""
        readings = {process: reading for process in processes if (reading := read(process))}
        shared = max((one.shared_bytes for one in readings.values()), default=0)
        self.memory_bytes = max(self.memory_bytes, shared + sum(one.own_bytes for one in readings.values()))
        for process, one in readings.items():
            self.largest_bytes = max(self.largest_bytes, one.peak_bytes)
            self.cpu_s += one.cpu_s - self._last.get(process, one.cpu_s)
            self._last[process] = one.cpu_s


class Watch:
    """Looks at the hub's and the database's processes while a block runs."""

    def __init__(self, hub: Iterable[int], postmaster: int) -> None:
        self._hub_processes, self._postmaster = list(hub), postmaster
        self.hub, self.database = Group(), Group()
        self._over = Event()
        self._thread = Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Watch:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _go_on(self) -> None:
        while not self._over.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        self.hub.look(self._hub_processes)
        self.database.look([self._postmaster, *children(self._postmaster)])
