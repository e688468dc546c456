"""Purchases with linked cards, what of them is counted over periods, and the bonuses that were given for it."""

from alembic import op

revision = "0015b"
down_revision = "0016"

KINDS = """
ALTER TABLE hub.event DROP CONSTRAINT event_kind_check;
ALTER TABLE hub.event ADD CONSTRAINT event_kind_check CHECK (kind IN (
    'earning', 'confirmation', 'refund', 'redemption', 'hold', 'capture', 'void', 'reversal', 'expiry', 'settlement',
    'repayment', 'extension', 'reinstatement', 'transfer', 'gift', 'donation', 'pool', 'merge', 'unmerge',
    'forwarding', 'adjustment', 'exchange', 'exchange-confirmation', 'exchange-failure', 'exchange-reversal',
    'quarantine', 'release', 'card-link', 'card-unlink', 'card-replacement', 'card-record')) NOT VALID;
"""
TABLES = """
CREATE TABLE hub.card_purchase (
    partner_id   text        NOT NULL,
    event_id     text        NOT NULL,
    line         text        NOT NULL,
    origin       text        NOT NULL,
    represents   text,
    occurred_at  timestamptz NOT NULL,
    merchant     text,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    place        bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (partner_id, event_id)
);
CREATE INDEX purchase_of_line ON hub.card_purchase (partner_id, line, occurred_at);
CREATE INDEX part_of_purchase ON hub.card_purchase (partner_id, origin);
CREATE UNIQUE INDEX represented_once ON hub.card_purchase (partner_id, represents) WHERE represents IS NOT NULL;

CREATE TABLE hub.card_counter (
    member_id  bigint NOT NULL,
    partner_id text   NOT NULL,
    name       text   NOT NULL,
    amount     bigint NOT NULL,
    PRIMARY KEY (member_id, partner_id, name)
) WITH (fillfactor = 70);

CREATE TABLE hub.card_bonus (
    partner_id  text   NOT NULL,
    line        text   NOT NULL,
    name        text   NOT NULL,
    event_id    text   NOT NULL,
    spend_minor bigint NOT NULL,
    PRIMARY KEY (partner_id, line, name)
);
"""


def upgrade() -> None:
    """Make room for the records of cards."""
    op.execute(KINDS)
    op.execute(TABLES)


def downgrade() -> None:
    """Forget what is derived from the events, which stay."""
    op.execute("DROP TABLE hub.card_purchase, hub.card_counter, hub.card_bonus")
