"""Rates of currencies: what an issuer converts purchases in a foreign currency at before they earn."""

from alembic import op

revision = "0018b"
down_revision = "0018"

KINDS = """
ALTER TABLE hub.rate DROP CONSTRAINT rate_kind_check;
ALTER TABLE hub.rate ADD CONSTRAINT rate_kind_check
    CHECK (kind IN ('earning', 'reimbursement', 'currency', 'exchange-in', 'exchange-out'));
"""


def upgrade() -> None:
    """Allow one more kind of rate."""
    op.execute(KINDS)


def downgrade() -> None:
    """Forget the rates of currencies, which no earlier version can read."""
    op.execute("DELETE FROM hub.rate WHERE kind = 'currency'")
    op.execute(KINDS.replace("'currency', ", ""))
