"""An exchange may name the payment by which the source comes; no payment comes twice."""

from alembic import op

revision = "0016b"
down_revision = "0014"


def upgrade() -> None:
    """Add the column, and an index that holds the rule."""
    op.execute("ALTER TABLE hub.exchange ADD payment text")
    op.execute("CREATE UNIQUE INDEX exchange_payment ON hub.exchange (partner_id, payment) WHERE payment IS NOT NULL")


def downgrade() -> None:
    """Forget the payments."""
    op.execute("ALTER TABLE hub.exchange DROP payment")
