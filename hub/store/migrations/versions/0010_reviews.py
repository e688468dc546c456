"""Reports that wait for a person to look at them."""

from alembic import op

revision = "0010"
down_revision = "0008"

REVIEWS = """
CREATE TABLE hub.review (
    partner_id      text        NOT NULL,
    event_id        text        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('earning', 'refund')),
    content         bytea       NOT NULL,
    evidence_id     bytea       NOT NULL,
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    state           text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'released', 'rejected')),
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    PRIMARY KEY (partner_id, event_id),
    CHECK ((state = 'open') = (decided_by IS NULL))
);
CREATE INDEX review_open ON hub.review (received_at) WHERE state = 'open';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(REVIEWS)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE hub.review")
