"""Events and transfers are found by their business day: block ranges, which cost a posting next to nothing."""

from alembic import op

revision = "0018c"
down_revision = "0018b"


def upgrade() -> None:
    """Create the indexes; what is posted in order lies in order, so ranges of blocks are enough."""
    op.execute("CREATE INDEX event_by_day ON hub.event USING brin (business_date) WITH (pages_per_range = 32)")
    op.execute("CREATE INDEX transfer_by_day ON hub.transfer USING brin (business_date) WITH (pages_per_range = 32)")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX hub.event_by_day, hub.transfer_by_day")
