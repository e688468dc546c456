"""pgbench's TPC-B on the embedded server: the measure that all other figures are held against."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hub.store import embedded
from tests.bench.stage import Stage

CLIENTS = 16
SCALE = 10
THREADS = 2
DATABASE = "pgbench"
LOG_PREFIX = "transactions"
_LATENCY_COLUMN = 2
"""In pgbench's log a line is: client, transaction number, latency in microseconds, ..."""


@dataclass(frozen=True)
class Pgbench:
    """The program, and where its server listens."""

    programs: Path
    host: str

    @classmethod
    def of(cls, stage: Stage) -> Pgbench:
        """Return the program that comes with the stage's server."""
        return cls(embedded.binaries(stage.server_folder), str(stage.url.query["host"]))

    def prepare(self) -> None:
        """Make and fill a database of its own."""
        self._run("createdb", DATABASE)
        self._run("pgbench", "-i", "-q", "-s", str(SCALE), DATABASE)

    def measure(self, seconds: float, folder: Path) -> list[float]:
        """Run TPC-B with 16 clients and return how many seconds each transaction took; logs go to ``folder``."""
        prefix = folder / LOG_PREFIX
        duration = ["-n", "-T", str(max(1, round(seconds)))]
        load = ["-c", str(CLIENTS), "-j", str(THREADS), "--log", f"--log-prefix={prefix}"]
        self._run("pgbench", *duration, *load, DATABASE)
        logs = list(folder.glob(f"{LOG_PREFIX}.*"))
        took_s = [int(line.split()[_LATENCY_COLUMN]) / 1e6 for log in logs for line in log.read_text().splitlines()]
        for log in logs:
            log.unlink()
        return took_s

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-h", self.host, "-U", "postgres", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")
