"""The real hub as real processes on a free loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from hub.settings import Settings

START_S = 60
FIRST_PORT, BLOCK, BLOCKS = 12_000, 20, 1_000
_TURNS = count()


@dataclass
class Server:
    """A running hub; `kill` ends it as a power cut would."""

    settings: Settings
    process: subprocess.Popen[bytes]
    log: Path
    """What it writes to standard error: its log."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"{self.settings.host}:{self.settings.port}"

    def kill(self) -> None:
        """Kill every process of the hub at once with SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


def free_port() -> int:
    """Return a loopback port that nobody listens on.

    It is one of a few that belong to this process, below those that the system gives to outgoing connections: workers
    of several hubs may listen on one port, so two test processes must never be given the same one.
    """
    block = FIRST_PORT + os.getpid() % BLOCKS * BLOCK
    while True:
        port = block + next(_TURNS) % BLOCK
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def start(settings: Settings, **changes: object) -> Server:
    """Start a hub, at a free port unless one is named, and wait until it is ready."""
    settings = replace(settings, **({"port": free_port()} | changes))  # type: ignore[arg-type]
    command = [sys.executable, "-m", "hub", "serve", "--host", settings.host, "--port", str(settings.port)]
    command += ["--workers", str(settings.workers), "--threads", str(settings.threads)]
    command += ["--rate-limit", str(settings.rate_limit)]
    environment = os.environ | settings.to_environment()
    log = settings.data / f"hub-{settings.port}.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=stderr)
    server = Server(settings, process, log)
    deadline = time.monotonic() + START_S
    while not is_ready(server.url):
        if process.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise RuntimeError(f"the hub did not start: {log.read_text()[-2_000:]}")
    return server


def is_ready(url: str) -> bool:
    """Ask a hub whether it is ready; wait a little where it is not."""
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        time.sleep(0.05)
        return False


@contextmanager
def running(settings: Settings, **changes: object) -> Iterator[Server]:
    """A hub for the length of a block."""
    server = start(settings, **changes)
    try:
        yield server
    finally:
        server.stop()
