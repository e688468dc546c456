"""Obligations, and cycles from cut-off to publication."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE settlement.obligation (
        partner_id text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        line integer NOT NULL,
        issuer text COLLATE "C" NOT NULL,
        redeemer text COLLATE "C" NOT NULL,
        points bigint NOT NULL,
        amount_minor bigint NOT NULL,
        currency text COLLATE "C" NOT NULL,
        price_version integer NOT NULL,
        price_numerator bigint NOT NULL,
        price_denominator bigint NOT NULL,
        business_date date NOT NULL,
        digest bytea NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (partner_id, event_id, line),
        CONSTRAINT obligation_amounts CHECK (points > 0 AND amount_minor >= 0 AND line >= 0)
    )
    """,
    "CREATE INDEX obligation_business_date ON settlement.obligation (business_date)",
    "CREATE INDEX obligation_tx ON settlement.obligation (tx)",
    """
    CREATE TABLE settlement.cycle (
        cycle text COLLATE "C" PRIMARY KEY,
        number integer NOT NULL UNIQUE,
        ends_on date NOT NULL,
        cutoff_snapshot pg_snapshot NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.cycle_move (
        cycle text COLLATE "C" NOT NULL,
        seq smallint NOT NULL,
        state text COLLATE "C" NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        subject bytea NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (cycle, seq)
    )
    """,
    """
    CREATE TABLE settlement.cycle_result (
        cycle text COLLATE "C" PRIMARY KEY,
        lines bigint NOT NULL,
        digest bytea NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.position (
        cycle text COLLATE "C" NOT NULL,
        issuer text COLLATE "C" NOT NULL,
        redeemer text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        lines bigint NOT NULL,
        points bigint NOT NULL,
        amount_minor bigint NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (cycle, issuer, redeemer, currency)
    )
    """,
    """
    CREATE TABLE settlement.net (
        cycle text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        receive_minor bigint NOT NULL,
        pay_minor bigint NOT NULL,
        net_minor bigint NOT NULL,
        PRIMARY KEY (cycle, partner, currency)
    )
    """,
    """
    CREATE TABLE settlement.statement_total (
        cycle text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        receive_lines bigint NOT NULL,
        receive_points bigint NOT NULL,
        receive_minor bigint NOT NULL,
        pay_lines bigint NOT NULL,
        pay_points bigint NOT NULL,
        pay_minor bigint NOT NULL,
        on_us_lines bigint NOT NULL,
        on_us_points bigint NOT NULL,
        on_us_minor bigint NOT NULL,
        PRIMARY KEY (cycle, partner, currency)
    )
    """,
    """
    CREATE TABLE settlement.cycle_check (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        cycle text COLLATE "C" NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        findings integer NOT NULL,
        digest bytea NOT NULL
    )
    """,
    "CREATE INDEX cycle_check_cycle ON settlement.cycle_check (cycle, tx)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
