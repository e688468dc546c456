"""Calendars of cycles, deadlines, operators with roles, and approvals by a second one.

Cycles that were published before have a move without a maker, so that constraint holds for new rows only.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE settlement.cycle_move
        ADD COLUMN maker text COLLATE "C" NOT NULL DEFAULT '',
        ADD CONSTRAINT cycle_move_by_two
            CHECK (state <> 'published' OR maker <> '' AND lower(maker) <> lower(author)) NOT VALID
    """,
    """
    CREATE TABLE settlement.cycle_deadline (
        cycle text COLLATE "C" NOT NULL,
        step text COLLATE "C" NOT NULL,
        due_on date NOT NULL,
        PRIMARY KEY (cycle, step)
    )
    """,
    """
    CREATE TABLE settlement.calendar_change (
        version integer PRIMARY KEY,
        valid_from date NOT NULL,
        calendar text COLLATE "C" NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.approval (
        kind text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        digest bytea NOT NULL,
        maker text COLLATE "C" NOT NULL,
        proposed_at timestamptz NOT NULL,
        state text COLLATE "C" NOT NULL DEFAULT 'open',
        decided_by text COLLATE "C",
        decided_at timestamptz,
        reason text COLLATE "C",
        PRIMARY KEY (kind, subject, version),
        CONSTRAINT approval_by_two CHECK (state <> 'approved' OR lower(maker) <> lower(decided_by)),
        CONSTRAINT approval_state CHECK (
            CASE state
                WHEN 'open' THEN num_nulls(decided_by, decided_at) = 2
                WHEN 'approved' THEN num_nulls(decided_by, decided_at) = 0
                WHEN 'void' THEN num_nulls(decided_by, decided_at, reason) = 0
                ELSE false
            END
        )
    )
    """,
    "CREATE UNIQUE INDEX approval_open ON settlement.approval (kind, subject) WHERE state = 'open'",
    """
    CREATE TABLE settlement.operator_role (
        person text COLLATE "C" NOT NULL,
        role text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        name text COLLATE "C" NOT NULL,
        granted_by text COLLATE "C" NOT NULL,
        granted_at timestamptz NOT NULL,
        revoked_by text COLLATE "C",
        revoked_at timestamptz,
        PRIMARY KEY (person, role, version),
        CONSTRAINT operator_role_revoked CHECK (num_nulls(revoked_by, revoked_at) IN (0, 2))
    )
    """,
    "CREATE UNIQUE INDEX operator_role_held ON settlement.operator_role (person, role) WHERE revoked_at IS NULL",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
