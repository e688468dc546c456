"""Retro claims, and each of their moves."""

from alembic import op

revision = "0018"
down_revision = "0017"

CLAIMS = """
CREATE TABLE hub.claim (
    partner_id        text        NOT NULL,
    claim_id          text        NOT NULL,
    at_partner        text        NOT NULL,
    member_id         bigint      NOT NULL,
    occurred_at       timestamptz NOT NULL,
    amount_minor      bigint      NOT NULL CHECK (amount_minor > 0),
    currency          text        NOT NULL,
    reference         text,
    reason            text        NOT NULL,
    content           bytea       NOT NULL,
    evidence_id       bytea       NOT NULL,
    tolerance_minutes integer     NOT NULL,
    days              integer     NOT NULL,
    outcome           text        NOT NULL CHECK (outcome IN ('declined', 'granted')),
    state             text        NOT NULL
        CHECK (state IN ('open', 'needs_more', 'granted', 'declined', 'withdrawn')),
    due_on            date        CHECK ((due_on IS NOT NULL) = (state IN ('open', 'needs_more'))),
    event_id          text        CHECK ((event_id IS NOT NULL) = (state = 'granted')),
    PRIMARY KEY (partner_id, claim_id)
);
CREATE INDEX claim_asked ON hub.claim (at_partner, partner_id, claim_id);
CREATE INDEX claim_due ON hub.claim (due_on) WHERE due_on IS NOT NULL;

CREATE TABLE hub.claim_move (
    partner_id  text        NOT NULL,
    claim_id    text        NOT NULL,
    seq         integer     NOT NULL,
    state       text        NOT NULL,
    author      text        NOT NULL,
    at          timestamptz NOT NULL,
    text        text        NOT NULL,
    sha256      text,
    evidence_id bytea,
    PRIMARY KEY (partner_id, claim_id, seq)
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(CLAIMS)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE hub.claim_move; DROP TABLE hub.claim;")
