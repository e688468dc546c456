"""Corrections: a line may name the event that it corrects, and may then be below zero.

The lines that are there already correct nothing. They get an empty origin, which is no part of a line's text, so the
digests they were recorded with still hold.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ALTERED = """
    ALTER TABLE settlement.obligation
        ADD COLUMN origin text COLLATE "C" NOT NULL DEFAULT '',
        DROP CONSTRAINT obligation_amounts,
        ADD CONSTRAINT obligation_amounts CHECK (
            line >= 0 AND (points > 0 AND amount_minor >= 0 OR points < 0 AND amount_minor <= 0 AND origin <> '')
        )
"""
_INDEXED = "CREATE INDEX obligation_origin ON settlement.obligation (origin) WHERE origin <> ''"


def upgrade() -> None:
    op.execute(_ALTERED)
    op.execute(_INDEXED)
