"""The ledger's lines in two parts: redemptions with their prices, and all others with what they are worth.

Together they are the lines of ``hub.redemption_line``, which prices redemptions too, at ten times the cost.
"""

from importlib import import_module

from alembic import op

revision = "0018e"
down_revision = "0018d"

PRICED = """
CREATE VIEW hub.priced_line AS
SELECT transfer.partner_id, transfer.event_id, transfer.line::integer AS line, transfer.issuer,
       substr(transfer.credit_account, 10) AS redeemer, transfer.points, rate.currency, rate.version AS price_version,
       (rate.terms->>'numerator')::bigint AS price_numerator,
       (rate.terms->>'denominator')::bigint AS price_denominator,
       transfer.business_date, transfer.tx
FROM hub.transfer AS transfer
JOIN hub.event AS event USING (partner_id, event_id)
JOIN hub.rate AS rate
  ON rate.partner_id = coalesce(event.priced_by, event.partner_id) AND rate.kind = 'reimbursement'
 AND rate.version = event.rate_version
WHERE starts_with(transfer.credit_account, 'redeemed:') AND event.kind NOT IN ('settlement', 'refund')
"""
ALL_REDEMPTIONS, REFUNDS_ALONE = "AND event.kind <> 'settlement' AND true\n", "AND event.kind = 'refund'\n"


def upgrade() -> None:
    """Create both; the others are what ``hub.redemption_line`` has, with refunds alone in its first part."""
    _, whole = import_module("hub.store.migrations.versions.0011_contracts").LINES.split("CREATE VIEW ", 1)
    assert whole.count(ALL_REDEMPTIONS) == 1
    others = whole.replace(ALL_REDEMPTIONS, REFUNDS_ALONE).replace("hub.redemption_line", "hub.other_line")
    op.execute(PRICED)
    op.execute(f"CREATE VIEW {others}")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP VIEW hub.priced_line, hub.other_line")
