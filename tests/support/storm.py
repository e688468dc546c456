"""Everything at once that can happen: processes of tills, hub, database and background worker killed, a worker of the
hub that hangs, answers lost, disks full, clocks moved.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from tests.bench.usage import children
from tests.support import server
from tests.support.liar import Forward, LyingProxy, honest
from tests.support.network import Network
from tests.support.till import RECORDED, Plan, names_its_events

WEIGHTS = (5, 5, 4, 4, 1, 1, 2, 1)
"""How often each trouble comes, in the order of `Storm`."""
UNLIMITED = resource.RLIM_INFINITY
FULL_AT = (0, 0, 4096, 100_000, 1_000_000)
"""Sizes beyond which a file cannot grow while the disk is "full"."""
CLOCKS_S = (0.0, -40.0, 45.0, -3600.0, 7200.0, -86_400.0 * 400, 86_400.0 * 4000)


@dataclass
class Shop:
    """One process of tills, started again whenever it was killed; `known` is what it knew to be recorded."""

    plan: Plan
    module: str
    known: dict[str, list[tuple[int, str]]]
    process: subprocess.Popen[str] | None = None
    reader: threading.Thread | None = None
    has_recorded: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start it where it knows that it was."""
        first = {terminal: self._next(terminal) for terminal in self.known}
        plan = replace(self.plan, first=first)
        command = (sys.executable, "-m", self.module, plan.to_json())
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, args=(self.process,))
        self.reader.start()

    def kill(self) -> None:
        """Kill it in the midst of whatever it does."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.wait()

    def limit(self, size: int) -> None:
        """Let it write no file beyond a size."""
        assert self.process
        if self.process.poll() is None:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end and return how it ended."""
        assert self.process
        assert self.reader
        code = self.process.wait(seconds)
        self.reader.join()
        return code

    def _next(self, terminal: str) -> int:
        """A till that names its events records again the one that it is not sure of; others leave it."""
        last = self.known[terminal][-1][0] if self.known[terminal] else 0
        return last + (1 if names_its_events(terminal) or not last else 2)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout:
            for line in process.stdout:
                if line.strip() == RECORDED:
                    self.has_recorded.set()
                elif line.endswith("\n"):
                    terminal, number, event_id = line.split()
                    self.known[terminal].append((int(number), event_id))


class Storm:
    """Throws dice about what happens next; each trouble ends when the next but one begins."""

    def __init__(self, net: Network, proxy: LyingProxy, shops: list[Shop], clock: Path, seed: int) -> None:
        self._net, self._proxy, self._shops, self._clock = net, proxy, shops, clock
        self._dice = Random(seed)
        self._troubles = (
            self.kill_shop, self.cut_network, self.fill_disk, self.move_clock, self.kill_hub, self.kill_database,
            self.kill_background, self.hang_worker,
        )  # fmt: skip
        self._background = self._started()
        self.happened: Counter[str] = Counter()

    def rage(self, tick_s: float, ticks: int) -> None:
        """Do each kind of harm once, and then any, for so many ticks."""
        coming = list(self._troubles)
        self._dice.shuffle(coming)
        for _ in range(ticks):
            trouble = coming.pop() if coming else self._dice.choices(self._troubles, WEIGHTS)[0]
            self.happened[trouble.__name__] += 1
            trouble()
            self._shops[0].has_recorded.wait(self._dice.uniform(0.2, 1.8) * tick_s)
            if self._dice.random() < 0.5:
                self.calm()
        self.calm()

    def calm(self) -> None:
        """End what does not end by itself."""
        self._proxy.lie = honest
        for shop in self._shops:
            shop.limit(UNLIMITED)

    def end(self) -> None:
        """Kill what was started here."""
        self._background.kill()
        self._background.wait()

    def kill_shop(self) -> None:
        """Kill a process of tills and start it again."""
        shop = self._dice.choice(self._shops)
        if not shop.has_recorded.is_set():
            shop.kill()
            shop.start()

    def cut_network(self) -> None:
        """Lose requests, and answers to requests that were done."""
        dice = Random(self._dice.random())

        def cut(proxy: LyingProxy, forward: Forward) -> bytes:
            lost = dice.choice(("request", "answer", "answer", "nothing"))
            answer = b"" if lost == "request" else forward()
            return b"" if lost == "answer" else answer

        self._proxy.lie = cut

    def fill_disk(self) -> None:
        """Let some processes' files grow no more."""
        for shop in self._dice.sample(self._shops, len(self._shops) // 2):
            shop.limit(self._dice.choice(FULL_AT))

    def move_clock(self) -> None:
        """Set the tills' clock wrong, or right; they have the file mapped, so it must not be cut off meanwhile."""
        with self._clock.open("r+b", buffering=0) as file:
            file.write(struct.pack("<d", self._dice.choice(CLOCKS_S)))

    def kill_hub(self) -> None:
        """Kill the hub and start it again at the same place."""
        self._net.server.kill()
        self._net.server = server.start(self._net.server.settings, port=self._net.server.settings.port)

    def kill_database(self) -> None:
        """Kill PostgreSQL's first process; the hub starts it again, and it recovers."""
        note = self._net.server.settings.data / "postgresql" / "postmaster.pid"
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int(note.read_text().split()[0]), signal.SIGKILL)

    def kill_background(self) -> None:
        """Kill the process that carries webhooks and ends days, and start another."""
        self.end()
        self._background = self._started()

    def hang_worker(self) -> None:
        """Let one of the hub's workers stand still, until the hub sees that and kills it."""
        with suppress(ProcessLookupError, IndexError):
            os.kill(self._dice.choice(children(self._net.server.process.pid)), signal.SIGSTOP)

    def _started(self) -> subprocess.Popen[bytes]:
        settings = self._net.server.settings
        command = (sys.executable, "-m", "hub", "worker", "--interval", "1")
        with (settings.data / "worker.log").open("ab") as log:
            return subprocess.Popen(command, env=os.environ | settings.to_environment(), stdout=log, stderr=log)
