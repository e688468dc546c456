"""Reconciliation: imported files and their lines, runs and what each line became, breaks and their life, write-offs."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE settlement.reconciliation_source (
        source text COLLATE "C" PRIMARY KEY,
        kind text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        cycle text COLLATE "C" NOT NULL,
        file_name text COLLATE "C" NOT NULL,
        file_digest bytea NOT NULL,
        form jsonb NOT NULL,
        lines bigint NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX reconciliation_source_of ON settlement.reconciliation_source (kind, partner, cycle, at)",
    """
    CREATE TABLE settlement.bank_statement (
        account text COLLATE "C" NOT NULL,
        statement_id text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        message text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        opening_minor bigint NOT NULL,
        closing_minor bigint NOT NULL,
        entries bigint NOT NULL,
        booked_minor bigint NOT NULL,
        PRIMARY KEY (account, statement_id),
        CONSTRAINT bank_statement_adds_up CHECK (opening_minor + booked_minor = closing_minor)
    )
    """,
    """
    CREATE TABLE settlement.reconciliation_line (
        source text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        reference text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        currency text COLLATE "C" NOT NULL,
        day date NOT NULL,
        batch text COLLATE "C" NOT NULL,
        points bigint,
        price_version integer,
        issuer text COLLATE "C",
        redeemer text COLLATE "C",
        cycle text COLLATE "C",
        reverses text COLLATE "C",
        is_fee boolean NOT NULL,
        fee_minor bigint NOT NULL,
        others text COLLATE "C" NOT NULL,
        text text COLLATE "C" NOT NULL,
        PRIMARY KEY (source, key)
    )
    """,
    """
    CREATE TABLE settlement.reconciliation_run (
        run integer PRIMARY KEY,
        kind text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        cycle text COLLATE "C" NOT NULL,
        sources text[] NOT NULL,
        tolerance_minor bigint NOT NULL,
        days integer NOT NULL,
        material_minor bigint NOT NULL,
        inputs bytea NOT NULL,
        left_lines bigint NOT NULL,
        right_lines bigint NOT NULL,
        matches bigint NOT NULL,
        breaks bigint NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT reconciliation_run_rules CHECK (tolerance_minor >= 0 AND days >= 0 AND material_minor >= 0)
    )
    """,
    "CREATE INDEX reconciliation_run_of ON settlement.reconciliation_run (kind, partner, cycle, run)",
    """
    CREATE TABLE settlement.reconciliation_match (
        run integer NOT NULL,
        match integer NOT NULL,
        by text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        left_minor bigint NOT NULL,
        right_minor bigint NOT NULL,
        PRIMARY KEY (run, match)
    )
    """,
    """
    CREATE TABLE settlement.reconciliation_place (
        run integer NOT NULL,
        side text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        match integer,
        break text COLLATE "C",
        PRIMARY KEY (run, side, key),
        CONSTRAINT reconciliation_place_one CHECK (num_nulls(match, break) = 1 AND side IN ('left', 'right'))
    )
    """,
    """
    CREATE TABLE settlement.reconciliation_break (
        break text COLLATE "C" PRIMARY KEY,
        kind text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        cycle text COLLATE "C" NOT NULL,
        category text COLLATE "C" NOT NULL,
        left_keys text COLLATE "C" NOT NULL,
        right_keys text COLLATE "C" NOT NULL,
        left_currency text COLLATE "C" NOT NULL,
        left_minor bigint NOT NULL,
        right_currency text COLLATE "C" NOT NULL,
        right_minor bigint NOT NULL,
        detail text COLLATE "C" NOT NULL,
        reference text COLLATE "C" NOT NULL,
        day date NOT NULL
    )
    """,
    "CREATE INDEX reconciliation_break_of ON settlement.reconciliation_break (kind, partner, cycle)",
    """
    CREATE TABLE settlement.reconciliation_step (
        break text COLLATE "C" NOT NULL,
        seq integer NOT NULL,
        state text COLLATE "C" NOT NULL,
        owner text COLLATE "C" NOT NULL,
        run integer,
        reason text COLLATE "C" NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (break, seq),
        CONSTRAINT reconciliation_step_state CHECK (state IN ('open', 'explained', 'written_off', 'resolved'))
    )
    """,
    """
    CREATE TABLE settlement.write_off (
        break text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        debit_account text COLLATE "C" NOT NULL,
        credit_account text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        posted_on date NOT NULL,
        reason text COLLATE "C" NOT NULL,
        maker text COLLATE "C" NOT NULL,
        approver text COLLATE "C" NOT NULL,
        PRIMARY KEY (break, currency),
        CONSTRAINT write_off_entry CHECK (amount_minor > 0 AND debit_account <> credit_account),
        CONSTRAINT write_off_by_two CHECK (lower(maker) <> lower(approver))
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
