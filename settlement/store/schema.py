"""Bring the database's `settlement` schema up to date."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from settlement.errors import DatabaseRefused

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('settlement.migrate'))")
_COUNTER_BEHIND = text(
    "SELECT max(pg_snapshot_xmax(cutoff_snapshot)) > pg_snapshot_xmax(pg_current_snapshot()) FROM settlement.cycle"
)


def migrate(connection: Connection) -> None:
    """Run the missing migrations in the caller's transaction; the caller commits.

    Two processes that start together wait for each other. Raises `DatabaseRefused` when the stored cut-offs
    are ahead of this server's transaction counter, as after a logical restore into a new server: late
    obligations would then look as if they had been there at a cut-off that was before them.
    """
    connection.execute(_ONE_AT_A_TIME)
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS settlement"))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "settlement.store:migrations")
    command.upgrade(config, "head")
    if connection.execute(_COUNTER_BEHIND).scalar():
        raise DatabaseRefused(
            "the cycles in this database were cut off at transaction ids that this server has not reached;"
            " after a logical restore advance its counter with pg_resetwal before posting"
        )
