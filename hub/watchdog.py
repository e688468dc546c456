"""Ends workers that hang, so that others take their place.

Each worker notes when it begins, and then every second, from its event loop, that the loop still turns. Whoever
started the workers reads the notes, and kills a worker whose last one is too old; the server starts another. Times
are of the system's monotonic clock, which all processes of a machine share and nobody sets. A worker keeps its note
locked as long as it lives, so that of one that has died the number, which may be another process's by now, is not
taken for its own.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import struct
import time
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

LOG = logging.getLogger("hansa.watchdog")
BEAT_S = 1.0
LEAST_S = 2
"""The shortest time after which a worker may count as hung: less, and one that beats in time would."""
START_S = 30.0
"""How long a worker may take to begin, beside the time after which it counts as hung."""
_PREFIX = "worker-"
_NOTE = struct.Struct("<d")


def begin(folder: Path) -> BinaryIO:
    """Note that this process begins to be a worker, and return its note for `beat`; it is watched from now on."""
    note = (folder / f"{_PREFIX}{os.getpid()}").open("wb", buffering=0)
    fcntl.flock(note, fcntl.LOCK_EX)
    _write(note, time.monotonic() + START_S)
    return note


async def beat(note: BinaryIO) -> None:
    """Note for ever that this process's event loop turns."""
    while True:
        _write(note, time.monotonic())
        await asyncio.sleep(BEAT_S)


def _write(note: BinaryIO, at: float) -> None:
    # One write of eight bytes in place, so that nobody reads a part of it.
    os.pwrite(note.fileno(), _NOTE.pack(at), 0)


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
                try:
                    _look_at(note, looked - most_s)
                except (FileNotFoundError, ProcessLookupError):
                    # It has ended, or the folder was cleared away, while this looked.
                    continue
                except Exception:
                    LOG.exception("%s was not looked at; it is tried again", note)


def _look_at(note: Path, oldest: float) -> None:
    with note.open("rb") as file:
        beaten = file.read()
        if len(beaten) == _NOTE.size and _NOTE.unpack(beaten)[0] <= oldest:
            if _is_alive(file):
                worker = int(note.name.removeprefix(_PREFIX))
                os.kill(worker, signal.SIGKILL)
                LOG.error("worker %d hung and was killed; another takes its place", worker)
            note.unlink()


def _is_alive(note: BinaryIO) -> bool:
    """Tell whether the worker that wrote a note still holds its lock."""
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
