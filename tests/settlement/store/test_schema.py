"""Migrations build what the tables say, once, and notice a server that lost its transaction counter."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, Table, inspect, text
from sqlalchemy.dialects.postgresql.base import PGDialect

from settlement.errors import DatabaseRefused
from settlement.store.dispute_tables import dispute
from settlement.store.payment_tables import payment
from settlement.store.reconciliation_tables import write_off
from settlement.store.schema import migrate
from settlement.store.tables import SCHEMA, metadata
from settlement.store.types import Snapshot, Xid8


@pytest.mark.filterwarnings("ignore:Can't validate argument 'dialect_options'")  # SQLAlchemy on NOT VALID constraints
def test_migrated_tables_are_those_of_the_metadata(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("pg_snapshot", Snapshot), ("xid8", Xid8)):
        monkeypatch.setitem(PGDialect.ischema_names, name, kind)
    options = {"include_schemas": True, "version_table_schema": SCHEMA, "include_name": _only_ours}
    context = MigrationContext.configure(connection, opts=options)
    assert payment.metadata is write_off.metadata is dispute.metadata is metadata
    assert compare_metadata(context, metadata) == []


def test_check_constraints_are_those_of_the_metadata(connection: Connection) -> None:
    inspector = inspect(connection)
    named = {
        table.name: {constraint["name"] for constraint in inspector.get_check_constraints(table.name, SCHEMA)}
        for table in metadata.sorted_tables
    }
    assert {name: found for name, found in named.items() if found} == {
        table.name: stated for table in metadata.sorted_tables if (stated := _stated_checks(table))
    }


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        assert inspect(connection).has_table("alembic_version", SCHEMA)


def test_migrations_are_part_of_the_caller_s_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA settlement CASCADE"))
        migrate(connection)
        connection.rollback()
        assert inspect(connection).has_table("obligation", SCHEMA)


def test_texts_sort_by_byte(connection: Connection) -> None:
    collations = connection.execute(
        text(
            "SELECT DISTINCT collation_name FROM information_schema.columns"
            " WHERE table_schema = 'settlement' AND data_type = 'text'"
        )
    )
    assert collations.scalars().all() == ["C"]


def test_cut_offs_from_the_future_are_refused(engine: Engine) -> None:
    """As after a logical restore: the new server would hand out transaction ids that were used before."""
    with engine.begin() as connection:
        row = "('2017-01', 1, '2017-01-31', '9000000000:9000000000:')"
        connection.execute(text(f"INSERT INTO settlement.cycle VALUES {row}"))
    with engine.connect() as connection, pytest.raises(DatabaseRefused, match="pg_resetwal"):
        migrate(connection)


def _stated_checks(table: Table) -> set[object]:
    return {one.name for one in table.constraints if isinstance(one, CheckConstraint)}


def _only_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "schema" or name == SCHEMA
