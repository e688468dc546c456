"""Partners that leave: their points are given out no more, and spent for a while longer or not."""

from alembic import op

revision = "0013"
down_revision = "0012b"

WIDER = """
ALTER TABLE hub.partner DROP CONSTRAINT partner_status_check;
ALTER TABLE hub.partner ADD CONSTRAINT partner_status_check
    CHECK (status IN ('active', 'suspended', 'winding_down', 'wound_down'));
"""
NARROWER = """
UPDATE hub.partner SET status = 'suspended' WHERE status IN ('winding_down', 'wound_down');
ALTER TABLE hub.partner DROP CONSTRAINT partner_status_check;
ALTER TABLE hub.partner ADD CONSTRAINT partner_status_check CHECK (status IN ('active', 'suspended'));
"""


def upgrade() -> None:
    """Let a partner have the two states."""
    op.execute(WIDER)


def downgrade() -> None:
    """Suspend who has one of them."""
    op.execute(NARROWER)
