"""Bank details, payments with their moves, releases to a bank, and what banks said."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE settlement.bank_account (
        party text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        account jsonb NOT NULL,
        habits jsonb NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (party, currency, version)
    )
    """,
    """
    CREATE TABLE settlement.payment (
        payment text COLLATE "C" PRIMARY KEY,
        cycle text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        direction text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        CONSTRAINT payment_once UNIQUE (cycle, partner, currency, direction),
        CONSTRAINT payment_amount CHECK (amount_minor > 0 AND direction IN ('in', 'out'))
    )
    """,
    """
    CREATE TABLE settlement.payment_move (
        payment text COLLATE "C" NOT NULL,
        seq integer NOT NULL,
        attempt integer NOT NULL,
        state text COLLATE "C" NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        source text COLLATE "C" NOT NULL,
        reason text COLLATE "C" NOT NULL,
        PRIMARY KEY (payment, seq),
        CONSTRAINT payment_move_state CHECK (
            state IN ('payable', 'released', 'sent', 'accepted', 'settled', 'rejected', 'returned')
            AND seq > 0 AND attempt > 0
        )
    )
    """,
    """
    CREATE TABLE settlement.payment_release (
        release text COLLATE "C" PRIMARY KEY,
        currency text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        execute_on date NOT NULL,
        account jsonb NOT NULL,
        habits jsonb NOT NULL,
        file_digest bytea NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.payment_release_item (
        release text COLLATE "C" NOT NULL,
        end_to_end_id text COLLATE "C" NOT NULL,
        place integer NOT NULL,
        payment text COLLATE "C" NOT NULL,
        attempt integer NOT NULL,
        amount_minor bigint NOT NULL,
        account jsonb NOT NULL,
        remittance text COLLATE "C" NOT NULL,
        PRIMARY KEY (release, end_to_end_id)
    )
    """,
    "CREATE INDEX payment_release_item_name ON settlement.payment_release_item (end_to_end_id)",
    """
    CREATE TABLE settlement.bank_message (
        digest bytea PRIMARY KEY,
        message text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE settlement.bank_word (
        digest bytea NOT NULL,
        place integer NOT NULL,
        end_to_end_id text COLLATE "C" NOT NULL,
        says text COLLATE "C" NOT NULL,
        code text COLLATE "C" NOT NULL,
        reason text COLLATE "C" NOT NULL,
        outcome text COLLATE "C" NOT NULL,
        detail text COLLATE "C" NOT NULL,
        PRIMARY KEY (digest, place)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
