"""Which numbers of which terminals have come."""

from alembic import op

revision = "0007"
down_revision = "0006"

SEQUENCES = """
CREATE TABLE hub.terminal_number (
    partner_id text        NOT NULL,
    terminal   text        NOT NULL,
    sequence   bigint      NOT NULL CHECK (sequence > 0),
    event_id   text        NOT NULL,
    noted_at   timestamptz NOT NULL,
    PRIMARY KEY (partner_id, terminal, sequence, event_id)
);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(SEQUENCES)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE hub.terminal_number")
