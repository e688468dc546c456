"""Credit lines with their headroom, reservations of holds, and what partners have put up as security."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE settlement.credit_line (
        partner text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        limit_minor bigint NOT NULL,
        alert_minor bigint,
        hard boolean NOT NULL,
        PRIMARY KEY (partner, currency)
    )
    """,
    """
    CREATE TABLE settlement.headroom (
        partner text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        stripe smallint NOT NULL,
        left_minor bigint NOT NULL DEFAULT 0,
        tight boolean NOT NULL DEFAULT true,
        PRIMARY KEY (partner, currency, stripe)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE settlement.reservation (
        partner_id text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        lapses_at timestamptz NOT NULL,
        PRIMARY KEY (partner_id, event_id, partner, currency)
    )
    """,
    "CREATE INDEX reservation_of_line ON settlement.reservation (partner, currency)",
    """
    CREATE TABLE settlement.security_order (
        order_id text COLLATE "C" PRIMARY KEY,
        kind text COLLATE "C" NOT NULL,
        content jsonb NOT NULL,
        digest bytea NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.security_entry (
        order_id text COLLATE "C" NOT NULL,
        line smallint NOT NULL,
        debit_account text COLLATE "C" NOT NULL,
        credit_account text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        PRIMARY KEY (order_id, line),
        CONSTRAINT security_entry_moves CHECK (amount_minor > 0 AND debit_account <> credit_account)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
