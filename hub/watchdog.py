"""Ends workers that hang, so that others take their place.

Each worker notes every second, from its event loop, that the loop still turns. Whoever started the workers reads the
notes, and kills a worker whose last one is too old; the server starts another. Times are of the system's monotonic
clock, which all processes of a machine share and nobody sets.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import struct
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

LOG = logging.getLogger("hansa.watchdog")
BEAT_S = 1.0
_PREFIX = "worker-"
_NOTE = struct.Struct("<d")


async def beat(folder: Path) -> None:
    """Note for ever that this process's event loop turns."""
    note = folder / f"{_PREFIX}{os.getpid()}"
    while True:
        # One write of eight bytes, so that nobody reads a part of it.
        with note.open("wb", buffering=0) as file:
            file.write(_NOTE.pack(time.monotonic()))
        await asyncio.sleep(BEAT_S)


def watch(folder: Path, most_s: float, stopped: Event) -> None:
    """Look after the workers that note in a folder, in a thread of its own."""
    Thread(target=_watch, args=(folder, most_s, stopped), name="watchdog", daemon=True).start()


def _watch(folder: Path, most_s: float, stopped: Event) -> None:
    looked = time.monotonic()
    while not stopped.wait(BEAT_S):
        before, looked = looked, time.monotonic()
        # Where this process itself was held up, so were the workers, as when a machine sleeps.
        if looked - before < BEAT_S + most_s / 2:
            for note in folder.glob(f"{_PREFIX}*"):
                _look_at(note, looked - most_s)


def _look_at(note: Path, oldest: float) -> None:
    beaten = note.read_bytes()
    if len(beaten) != _NOTE.size or _NOTE.unpack(beaten)[0] > oldest:
        return
    worker = int(note.name.removeprefix(_PREFIX))
    note.unlink()
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
        LOG.error("worker %d hung and was killed; another takes its place", worker)
