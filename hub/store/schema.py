"""Brings the database's schemas up to date. Apart from the rest, because only who sets up a hub needs what it takes.

A hub that serves is not kept waiting: each migration of the hub is a transaction of its own, so that no lock outlives
what it is for, and none waits for a lock longer than `LOCK_S`, since all who come after it would wait as long. Where
that is not enough, because other work has the table, the migration begins again a little later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg.errors
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hub.core.errors import DatabaseUnavailable
from hub.store.database import Connection, Database
from settlement.store.schema import migrate as migrate_settlement

LOG = logging.getLogger("hansa.migrations")
MIGRATION_LOCK = 0x68616E7361
"""Advisory lock that lets one process migrate while others wait."""
LOCK_S, PAUSE_S = 0.5, 1.0
"""How long a table's lock is waited for, and how long others have the table before the next attempt."""
PATIENCE_S = 600.0
"""How long is tried before giving up; what was migrated by then stays."""


def migrate(database: Database) -> None:
    """Bring the schemas ``hub`` and ``settlement`` up to date, beside a hub that serves, by one process at a time.

    Raises:
        DatabaseUnavailable: some work had a table for ten minutes on end.
    """
    with database.connect() as connection:
        # Asked for again and again: who waits inside a statement holds up indexes that are built beside other work.
        _again(lambda: connection.execute(text(f"SELECT pg_try_advisory_lock({MIGRATION_LOCK})")).scalar() is True)
        try:
            connection.execute(text(f"SET lock_timeout = '{LOCK_S}s'"))
            connection.commit()
            connection.execution_options(isolation_level="READ COMMITTED")
            # Settlement first: the hub's ledger is compared with its obligations.
            for step in (_settlement, _hub):
                _again(partial(_done, connection, step))
        finally:
            connection.rollback()
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("RESET lock_timeout"))
            connection.execute(text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))


def _settlement(connection: Connection) -> None:
    migrate_settlement(connection)
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS hub"))
    connection.commit()


def _hub(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _done(connection: Connection, step: Callable[[Connection], None]) -> bool:
    """Do a step, and tell whether all locks were to be had."""
    try:
        step(connection)
    except OperationalError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            raise
        connection.rollback()
        LOG.warning("a migration waits for other work on the same table: %s", str(error.orig).splitlines()[0])
        return False
    return True


def _again(attempt: Callable[[], bool]) -> None:
    """Try until it is done."""
    ends = time.monotonic() + PATIENCE_S
    while not attempt():
        if time.monotonic() > ends:
            raise DatabaseUnavailable(
                "other work has a table, or another process migrates: see pg_stat_activity; then run 'hansa init' again"
            )
        time.sleep(PAUSE_S)
