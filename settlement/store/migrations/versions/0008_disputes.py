"""Disputes: what is disputed, the moves, rulings that wait for a second operator, and the rules by date."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE settlement.dispute (
        partner text COLLATE "C" NOT NULL,
        dispute_id text COLLATE "C" NOT NULL,
        cycle text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        rules integer NOT NULL,
        content bytea NOT NULL,
        PRIMARY KEY (partner, dispute_id)
    )
    """,
    "CREATE INDEX dispute_cycle ON settlement.dispute (cycle)",
    """
    CREATE TABLE settlement.dispute_line (
        partner text COLLATE "C" NOT NULL,
        dispute_id text COLLATE "C" NOT NULL,
        place integer NOT NULL,
        partner_id text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        line integer NOT NULL,
        minor bigint NOT NULL,
        PRIMARY KEY (partner, dispute_id, place),
        CONSTRAINT dispute_line_amount CHECK (minor > 0)
    )
    """,
    "CREATE INDEX dispute_line_key ON settlement.dispute_line (partner_id, event_id, line)",
    """
    CREATE TABLE settlement.dispute_move (
        partner text COLLATE "C" NOT NULL,
        dispute_id text COLLATE "C" NOT NULL,
        seq integer NOT NULL,
        state text COLLATE "C" NOT NULL,
        author text COLLATE "C" NOT NULL,
        maker text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        due_on date,
        reason text COLLATE "C" NOT NULL,
        text text COLLATE "C" NOT NULL,
        evidence jsonb NOT NULL,
        accepted jsonb NOT NULL,
        digest bytea NOT NULL,
        business_date date NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (partner, dispute_id, seq),
        CONSTRAINT dispute_move_state CHECK (
            seq > 0 AND state IN (
                'opened', 'escalated', 'arbitration', 'rejected', 'rejected_again', 'accepted', 'decided', 'lapsed',
                'withdrawn'
            )
        ),
        CONSTRAINT dispute_move_two_people CHECK (maker = '' OR lower(maker) <> lower(author))
    )
    """,
    "CREATE INDEX dispute_move_tx ON settlement.dispute_move (tx)",
    """
    CREATE TABLE settlement.dispute_ruling (
        digest bytea PRIMARY KEY,
        partner text COLLATE "C" NOT NULL,
        dispute_id text COLLATE "C" NOT NULL,
        accepted jsonb NOT NULL,
        text text COLLATE "C" NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.dispute_rules (
        version integer PRIMARY KEY,
        valid_from date NOT NULL,
        treatment text COLLATE "C" NOT NULL,
        answer_days integer NOT NULL,
        escalate_days integer NOT NULL,
        second_days integer NOT NULL,
        arbitration_days integer NOT NULL,
        limit_minor bigint NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT dispute_rules_treatment CHECK (version > 0 AND treatment IN ('withheld', 'reserve'))
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
