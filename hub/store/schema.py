"""Brings the database's schemas up to date. Apart from the rest, because only who sets up a hub needs what it takes."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from hub.store.database import Connection, Database
from settlement.store.schema import migrate as migrate_settlement

MIGRATION_LOCK = 0x68616E7361
"""Advisory lock that lets one process migrate while others wait."""


def migrate(database: Database) -> None:
    """Bring the schemas ``hub`` and ``settlement`` up to date; safe to call from many processes at once."""

    def work(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        # Settlement first: the hub's ledger is compared with its obligations.
        migrate_settlement(connection)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS hub"))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    database.transact(work)
