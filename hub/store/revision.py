"""Which migrations a database has had, for who starts on it; apart from what runs them, which takes long to load."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

NEWEST = "0018e"
"""The last migration of the hub's schema."""
NOTHING = "none"
"""Of a database that had no migration yet."""


def behind(connection: Connection) -> str | None:
    """Return the migration that a database stands at, if this version has later ones; None if it is up to date.

    What this version does not know is of a later one, which leaves standing what this one reads.
    """
    if connection.exec_driver_sql("SELECT to_regclass('hub.schema_version')").scalar_one() is None:
        return NOTHING
    found = str(connection.exec_driver_sql("SELECT version_num FROM hub.schema_version").scalar_one())
    known = {path.name.partition("_")[0] for path in (Path(__file__).parent / "migrations" / "versions").glob("0*.py")}
    return found if found != NEWEST and found in known else None
