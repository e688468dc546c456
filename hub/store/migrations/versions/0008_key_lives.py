"""Which key handed over to which, as of when a key is revoked, and the keys that the hub signs and signed with."""

from alembic import op

revision = "0008"
down_revision = "0007"

COLUMNS = """
ALTER TABLE hub.partner_key ADD handed_over_by text, ADD revoked_since timestamptz;
UPDATE hub.partner_key SET revoked_since = revoked_at WHERE state = 'revoked';
ALTER TABLE hub.partner_key ADD CHECK ((state = 'revoked') = (revoked_since IS NOT NULL));
CREATE INDEX partner_key_by_former ON hub.partner_key (handed_over_by) WHERE handed_over_by IS NOT NULL;
"""
HUB_KEYS = """
CREATE TABLE hub.hub_key (
    keyid      text        PRIMARY KEY,
    public_key bytea       NOT NULL,
    not_before timestamptz NOT NULL,
    not_after  timestamptz CHECK (not_after > not_before)
);
"""


def upgrade() -> None:
    """Add the columns and the table."""
    op.execute(COLUMNS)
    op.execute(HUB_KEYS)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE hub.hub_key")
    op.execute("ALTER TABLE hub.partner_key DROP handed_over_by, DROP revoked_since")
