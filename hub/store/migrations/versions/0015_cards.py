"""Linked cards: who held which card from when on, each change a row that stays."""

from alembic import op

revision = "0015"
down_revision = "0011"

KINDS = """
ALTER TABLE hub.event DROP CONSTRAINT event_kind_check;
ALTER TABLE hub.event ADD CONSTRAINT event_kind_check CHECK (kind ~ '^[a-z][a-z-]{2,39}$') NOT VALID;
"""
"""Which kinds there are, the ledger's checks say; a list here would be changed by everybody who adds one."""
TABLES = """
CREATE TABLE hub.card_change (
    partner_id   text        NOT NULL,
    card_index   bytea       NOT NULL,
    effective_at timestamptz NOT NULL,
    event_id     text        NOT NULL,
    member_id    bigint,
    product      text,
    line         text        NOT NULL,
    place        integer     NOT NULL,
    PRIMARY KEY (partner_id, card_index, place)
);
CREATE UNIQUE INDEX card_of_event ON hub.card_change (partner_id, event_id, card_index);
CREATE INDEX card_of_member ON hub.card_change (member_id, partner_id) WHERE member_id IS NOT NULL;
"""


def upgrade() -> None:
    """Make room for the changes of cards."""
    op.execute(KINDS)
    op.execute(TABLES)


def downgrade() -> None:
    """Forget the cards; their events stay."""
    op.execute("DROP TABLE hub.card_change")
