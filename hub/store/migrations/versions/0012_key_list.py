"""Lists of the hub's keys as they were signed, so that the root key can be elsewhere."""

from alembic import op

revision = "0012"
down_revision = "0010"

KEY_LISTS = """
CREATE TABLE hub.key_list (
    version      bigint      PRIMARY KEY,
    key_list     bytea       NOT NULL,
    signature    bytea       NOT NULL,
    published_at timestamptz NOT NULL
);
ALTER TABLE hub.coalition ALTER key_list_version SET DEFAULT 0;
"""


def upgrade() -> None:
    """Create the table; the next `hansa init` signs the list that is served so far, as the next version."""
    op.execute(KEY_LISTS)


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE hub.coalition ALTER key_list_version SET DEFAULT 1")
    op.execute("DROP TABLE hub.key_list")
