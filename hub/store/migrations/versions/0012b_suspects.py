"""Events that were signed by a revoked key wait for a person to look at them, and their points with them."""

from alembic import op

revision = "0012b"
down_revision = "0012"

_KINDS = (
    "'earning', 'confirmation', 'refund', 'redemption', 'hold', 'capture', 'void', 'reversal', 'expiry', 'settlement', "
    "'repayment', 'extension', 'reinstatement', 'transfer', 'gift', 'donation', 'pool', 'merge', 'unmerge', "
    "'forwarding', 'adjustment', 'exchange', 'exchange-confirmation', 'exchange-failure', 'exchange-reversal'"
)
KINDS = """
ALTER TABLE hub.event DROP CONSTRAINT event_kind_check;
ALTER TABLE hub.event ADD CONSTRAINT event_kind_check CHECK (kind IN ({}));
"""
REVIEWS = """
ALTER TABLE hub.review DROP CONSTRAINT review_kind_check, DROP CONSTRAINT review_pkey;
ALTER TABLE hub.review ADD cause text NOT NULL DEFAULT 'late' CHECK (cause IN ('late', 'revoked')),
                       ADD is_frozen boolean NOT NULL DEFAULT true;
ALTER TABLE hub.review ADD PRIMARY KEY (partner_id, event_id, cause);
CREATE INDEX review_to_freeze ON hub.review (partner_id, event_id) WHERE NOT is_frozen;
ALTER TABLE hub.partner_key ADD is_swept boolean NOT NULL DEFAULT true;
"""
BACK = """
ALTER TABLE hub.partner_key DROP is_swept;
DROP INDEX hub.review_to_freeze;
ALTER TABLE hub.review DROP CONSTRAINT review_pkey, DROP cause, DROP is_frozen;
ALTER TABLE hub.review ADD PRIMARY KEY (partner_id, event_id),
                       ADD CONSTRAINT review_kind_check CHECK (kind IN ('earning', 'refund'));
"""


def upgrade() -> None:
    """Widen what an event can be, and what can wait."""
    op.execute(KINDS.format(f"{_KINDS}, 'quarantine', 'release'"))
    op.execute(REVIEWS)


def downgrade() -> None:
    """Narrow both again."""
    op.execute(BACK)
    op.execute(KINDS.format(_KINDS))
