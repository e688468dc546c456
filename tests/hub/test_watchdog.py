"""A worker that hangs is killed and another takes its place; those that work are left alone."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from hub import serve, watchdog
from hub.core.errors import ConfigurationError
from hub.settings import Settings
from tests.bench.usage import children
from tests.support import network
from tests.support.coalition import Coalition
from tests.support.network import earn, sale
from tests.support.waiting import PATIENCE_S, wait_until

WORKERS, HANGS_S = 2, 2


def test_a_worker_that_hangs_is_replaced_and_the_other_works_on(built: Coalition) -> None:
    watched = replace(built, settings=replace(built.settings, hang_timeout_s=HANGS_S, workers=WORKERS))
    with network.running_of(watched) as net:
        parent = net.server.process.pid
        before = set(_workers(parent))
        wait_until(lambda: all(map(_beats, before)), "a worker does not beat")
        hung = min(before)
        os.kill(hung, signal.SIGSTOP)
        wait_until(
            lambda: hung not in _workers(parent) and len(_workers(parent)) == WORKERS,
            "nobody took the place of the worker that hangs",
        )
        now = set(_workers(parent))
        wait_until(lambda: all(map(_beats, now)), "the new worker does not beat")
        assert len(now & before) == WORKERS - 1
        time.sleep(HANGS_S + 1)
        assert set(_workers(parent)) == now
        for number in range(10):
            assert earn(net.client("grocer"), sale(f"after-{number}", "card:1")).status == 200
        assert f"worker {hung} hung and was killed" in net.server.log.read_text()


def _workers(parent: int) -> list[int]:
    """The worker processes of a hub, and not what Python starts beside them."""
    return [pid for pid in children(parent) if b"resource_tracker" not in _command(pid)]


def _beats(worker: int) -> bool:
    """Tell whether a worker has noted a time that has come: its first note is of one to come."""
    notes = [note.read_bytes() for note in Path(tempfile.gettempdir()).glob(f"{serve.FOLDER_PREFIX}*/worker-{worker}")]
    return any(note and struct.unpack("<d", note)[0] <= time.monotonic() for note in notes)


def _command(pid: int) -> bytes:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except FileNotFoundError:
        return b"resource_tracker"


def test_only_who_holds_the_lock_of_an_old_note_is_killed(tmp_path: Path) -> None:
    """The number of a worker that has died may be somebody else's: here it is that of a process that beats nothing."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
        note = tmp_path / f"worker-{bystander.pid}"
        note.write_bytes(struct.pack("<d", 0.0))
        stopped = Event()
        watchdog.watch(tmp_path, 1, stopped)
        wait_until(lambda: not note.exists(), "the note is still there")
        stopped.set()
        assert bystander.poll() is None
        bystander.kill()


def test_a_worker_that_hangs_while_it_begins_is_killed_when_it_had_time_to_begin(tmp_path: Path) -> None:
    words = (
        "import sys, time; from pathlib import Path; from hub import watchdog; watchdog.START_S = 1.0;"
        "note = watchdog.begin(Path(sys.argv[1])); print('begun', flush=True); time.sleep(600)"
    )
    stopped = Event()
    with subprocess.Popen([sys.executable, "-c", words, str(tmp_path)], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == "begun\n"
        begun = time.monotonic()
        watchdog.watch(tmp_path, 1, stopped)
        try:
            assert worker.wait(PATIENCE_S) == -signal.SIGKILL
        finally:
            worker.kill()
        assert time.monotonic() > begun + 1.5, "it had a second to begin, and one until it counts as hung"
    stopped.set()


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_time_in_which_a_healthy_worker_would_be_killed_is_refused(tmp_path: Path, seconds: int) -> None:
    with pytest.raises(ConfigurationError, match="HANSA_HANG_TIMEOUT_S must be at least 2 seconds"):
        serve.serve(Settings(data=tmp_path, hang_timeout_s=seconds), print)
