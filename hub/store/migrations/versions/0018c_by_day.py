"""Events and transfers are found by their business day: block ranges, which cost a posting next to nothing."""

from alembic import op

from hub.store.migrations.beside import beside_other_work

revision = "0018c"
down_revision = "0018b"


TABLES = ("event", "transfer")


def upgrade() -> None:
    """Create the indexes; what is posted in order lies in order, so ranges of blocks are enough.

    Beside other work, so that nobody waits for a look at all rows; what an attempt that failed has left goes first.
    """
    with beside_other_work():
        for table in TABLES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS hub.{table}_by_day")
            op.execute(
                f"CREATE INDEX CONCURRENTLY {table}_by_day ON hub.{table} USING brin (business_date)"
                " WITH (pages_per_range = 32)"
            )


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX hub.event_by_day, hub.transfer_by_day")
