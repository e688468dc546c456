"""Webhooks: where partners want to be told of what, and the outbox of messages that the posting transaction writes."""

from alembic import op

revision = "0005"
down_revision = "0002"

WEBHOOKS = """
CREATE TABLE hub.webhook (
    partner_id      text        NOT NULL,
    webhook_id      text        NOT NULL,
    url             text        NOT NULL,
    topics          text[]      NOT NULL,
    state           text        NOT NULL CHECK (state IN ('active', 'paused', 'gone')),
    created_at      timestamptz NOT NULL,
    failures        integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),
    next_attempt_at timestamptz NOT NULL,
    lease           uuid,
    leased_until    timestamptz,
    PRIMARY KEY (partner_id, webhook_id)
);

CREATE TABLE hub.webhook_message (
    message_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partner_id   text        NOT NULL,
    webhook_id   text        NOT NULL,
    topic        text        NOT NULL,
    subject      text        NOT NULL,
    details      jsonb,
    occurred_at  timestamptz NOT NULL,
    tx           xid8        NOT NULL DEFAULT pg_current_xact_id(),
    state        text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts     integer     NOT NULL DEFAULT 0,
    attempted_at timestamptz,
    outcome      text,
    UNIQUE (partner_id, webhook_id, topic, subject)
);
CREATE INDEX webhook_message_order ON hub.webhook_message (partner_id, webhook_id, state, tx, message_id);
CREATE INDEX webhook_message_age ON hub.webhook_message (attempted_at) WHERE state = 'delivered';
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(WEBHOOKS)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE hub.webhook_message; DROP TABLE hub.webhook;")
