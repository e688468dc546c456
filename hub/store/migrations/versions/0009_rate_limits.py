"""Rate limits: allowances that all processes draw from, and a limit of a partner's own."""

from alembic import op

revision = "0009"
down_revision = "0005"

LIMITS = """
CREATE UNLOGGED TABLE hub.allowance (
    allowance bytea            PRIMARY KEY,
    left_over double precision NOT NULL,
    granted   double precision NOT NULL,
    drawn_at  timestamptz      NOT NULL
);
ALTER TABLE hub.partner ADD COLUMN requests_a_second integer CHECK (requests_a_second > 0);
"""


def upgrade() -> None:
    """Create the table and the column."""
    op.execute(LIMITS)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE hub.allowance; ALTER TABLE hub.partner DROP COLUMN requests_a_second;")
