"""One process's hold on an outbox's file: a connection that its threads share, and transactions on it.

Write-ahead logging lets several processes record and deliver at once. With `sync` a commit is on the disk when it
returns; without, it survives the process but perhaps not a power cut. There is never a connection open across a
fork, since SQLite forbids to use it there or even to close it.
"""

import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from partner_sdk.outbox.errors import OutboxClosed, OutboxError, OutboxFull, OutboxReadOnly, outbox_error
from partner_sdk.outbox.format import bring_up

A = TypeVar("A")
T = TypeVar("T")
PAGE_BYTES = 2048
"""Of a new file. Recording writes two pages whole and sums them up; most events are a tenth of such a page."""
BUSY_S = 15.0
"""How long to wait for other processes' transactions."""


class OutboxFile:
    """`with file as connection:` is one transaction; all threads of a process take turns."""

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True, busy_s: float = BUSY_S) -> None:
        self.path = Path(path)
        self._sync, self._busy_s = sync, busy_s
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        with self:
            pass

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise outbox_error(self.path, error) from error
        except OutboxError:
            self._lock.release()
            raise
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._commit()
            else:
                self._roll_back()
                if isinstance(error, sqlite3.Error):
                    raise outbox_error(self.path, error) from error
        finally:
            self._lock.release()

    def alone(self, act: Callable[[sqlite3.Connection, A], T], given: A) -> T:
        """Let `act` work without a transaction around it: each of its statements is one by itself, and faster."""
        with self._lock:
            try:
                return act(self._connection or self._open(), given)
            except sqlite3.Error as error:
                raise outbox_error(self.path, error) from error

    def close(self) -> None:
        """Let go of the file; whoever uses it again gets OutboxClosed."""
        with self._lock:
            self._closed = True
            self._drop()

    # --- forks ---

    def before_fork(self) -> None:
        """Wait for the transaction that is under way, and keep others out until the fork is done."""
        self._lock.acquire()
        self._drop()

    def after_fork_in_parent(self) -> None:
        """Go on; the file is opened again when it is needed."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the thread that may have waited for the lock is not here."""
        self._lock = threading.RLock()

    # --- the connection ---

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise OutboxClosed(f"outbox {self.path} was closed")
        _make_private(self.path)
        connection = sqlite3.connect(self.path, timeout=self._busy_s, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            bring_up(connection, self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._sync else 'NORMAL'}")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _commit(self) -> None:
        assert self._connection is not None
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise outbox_error(self.path, error) from error

    def _roll_back(self) -> None:
        """Undo the transaction; a connection that cannot do even that is given up, which undoes it too."""
        connection = self._connection
        if connection is None or not connection.in_transaction:
            return
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _make_private(path: Path) -> None:
    """Make the file, if it is not there, for its owner only: it names members and what they bought."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        kind = OutboxFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else OutboxReadOnly
        raise kind(f"outbox {path}: it cannot be opened or made: {error.strerror}") from error
