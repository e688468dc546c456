"""Connections to PostgreSQL, and transactions that survive a deadlock.

Connections stand in autocommit, so that a single statement is a whole transaction in one round trip; a
transaction of several statements is asked for with `Database.transact`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
import psycopg.errors
from sqlalchemy import Connection as Connection
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.core.errors import ConfigurationError, DatabaseUnavailable, Overtaken

Result = TypeVar("Result")
POOL_WAIT_S = 30.0
"""How long a free connection is waited for."""
ATTEMPTS = 10
"""How often a transaction is tried when PostgreSQL chose it as the victim of a deadlock, or others overtook it."""

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")


class Database:
    """A pool of connections to one PostgreSQL database, 15 or newer."""

    def __init__(self, url: str, pool_size: int = 20) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise ConfigurationError("the database URL must start with postgresql://")
        self.url = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        self._engine = create_engine(
            self.url,
            isolation_level="AUTOCOMMIT",
            # What a statement was given may be about a person; errors are logged.
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            connect_args={"options": "-c timezone=UTC -c jit=off", "prepare_threshold": 2},
        )
        self._transactional = self._engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection in autocommit: each statement is a transaction."""
        with _told_as_unavailable(), self._engine.connect() as connection:
            yield connection

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` in one transaction and commit it; start over when others overtook it or a deadlock is broken."""
        with _told_as_unavailable():
            return again_after_deadlock(lambda: self._once(work))

    def _once(self, work: Callable[[Connection], Result]) -> Result:
        with self._transactional.begin() as connection:
            return work(connection)

    def transact_on(self, connection: Connection, work: Callable[[Connection], Result]) -> Result:
        """Do the same on a connection that the caller has from `connect`.

        A second connection for it could be one too many: when all threads that post hold one and want another, none
        goes on.
        """
        return again_after_deadlock(lambda: _once_on(connection, work))

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection whose statements all see the same committed state, and that cannot write."""
        engine = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with _told_as_unavailable(), engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close all connections; the object can be used again."""
        self._engine.dispose()


def _once_on(connection: Connection, work: Callable[[Connection], Result]) -> Result:
    connection.commit()
    connection.execution_options(isolation_level="READ COMMITTED")
    try:
        with connection.begin():
            return work(connection)
    finally:
        connection.execution_options(isolation_level="AUTOCOMMIT")


def expect_whole_tables(connection: Connection) -> None:
    """Plan the rest of a transaction for reading whole tables.

    Right after a large load PostgreSQL has no statistics yet and takes the tables for small; loops over loops
    then take hours where hash joins take seconds.
    """
    connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    connection.exec_driver_sql("SET LOCAL work_mem = '128MB'")
    # Rows from other processes cost little beside what is done with each; so all processors sort and compare.
    connection.exec_driver_sql("SET LOCAL parallel_tuple_cost = 0.01")


def fetch(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement of the hot path on the driver's own cursor and return its rows.

    SQLAlchemy's layers over a cursor cost more than most of these statements themselves. Where the server is gone all
    connections to it are given up, as SQLAlchemy does when it notices that by itself.
    """
    return _executed(connection, statement, parameters).fetchall()


def run(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> None:
    """Run a statement of the hot path that returns no rows, in the same way."""
    _executed(connection, statement, parameters)


def _executed(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> psycopg.RawCursor[tuple[Any, ...]]:
    driver: psycopg.Connection[tuple[Any, ...]] = cast("Any", connection.connection.driver_connection)
    numbered, names = _numbered(statement)
    try:
        return psycopg.RawCursor(driver).execute(numbered, [parameters[name] for name in names])
    except psycopg.OperationalError as error:
        if driver.closed:
            connection.invalidate(error)
            connection.engine.dispose()
        raise OperationalError(None, None, error) from error


@lru_cache(1_000)
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a statement with its placeholders numbered as PostgreSQL has them, and their names in order.

    The driver would do so at each execution of a long statement: it remembers only short ones.
    """
    names = tuple(dict.fromkeys(name for name in _PLACEHOLDER.findall(statement) if name))
    place = {name: f"${number}" for number, name in enumerate(names, 1)}
    return _PLACEHOLDER.sub(lambda found: place.get(found[1], "%"), statement).encode(), names


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    """Turn the driver's ways of saying that the server is gone, full or shutting down into one error."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable(str(error).splitlines()[0]) from error


def again_after_deadlock(transaction: Callable[[], Result]) -> Result:
    """Run ``transaction``, and again each time others overtook it, or PostgreSQL breaks a deadlock with it."""
    for _ in range(ATTEMPTS - 1):
        try:
            return transaction()
        except Overtaken:
            continue
        except OperationalError as error:
            if not is_deadlock(error):
                raise
    return transaction()


def is_deadlock(error: OperationalError) -> bool:
    """Tell whether PostgreSQL chose the transaction as victim: nothing of it happened, it may run again."""
    return isinstance(error.orig, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
