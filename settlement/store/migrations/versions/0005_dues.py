"""Dues: what of a cycle's nets is paid, and what is carried to the next cycle.

Cycles that were calculated before have none: nothing of theirs was carried.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

_CREATED = """
    CREATE TABLE settlement.due (
        cycle text COLLATE "C" NOT NULL,
        party text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        net_minor bigint NOT NULL,
        charges_minor bigint NOT NULL,
        brought_minor bigint NOT NULL,
        due_minor bigint NOT NULL,
        carried_minor bigint NOT NULL,
        PRIMARY KEY (cycle, party, currency)
    )
"""


def upgrade() -> None:
    op.execute(_CREATED)
