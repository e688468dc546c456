"""What is counted over purchases is counted for all earnings, and not of cards alone."""

from alembic import op

revision = "0017"
down_revision = "0016b"


def upgrade() -> None:
    """Name the counters for what they are."""
    op.execute("ALTER TABLE hub.card_counter RENAME TO counter")
    op.execute("ALTER INDEX hub.card_counter_pkey RENAME TO counter_pkey")


def downgrade() -> None:
    """Name them as before."""
    op.execute("ALTER TABLE hub.counter RENAME TO card_counter")
    op.execute("ALTER INDEX hub.counter_pkey RENAME TO card_counter_pkey")
