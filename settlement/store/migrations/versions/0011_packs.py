"""Packs: points that partners buy in advance, what became of them, what is left, and which points they cover."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE settlement.obligation DROP CONSTRAINT obligation_kind,
        ADD CONSTRAINT obligation_kind
            CHECK (kind IN ('reimbursement', 'issue', 'breakage', 'adjustment', 'pack')) NOT VALID
    """,
    """
    CREATE TABLE settlement.pack (
        pack_id text COLLATE "C" PRIMARY KEY,
        partner text COLLATE "C" NOT NULL,
        document jsonb NOT NULL,
        digest bytea NOT NULL
    )
    """,
    "CREATE INDEX pack_partner ON settlement.pack (partner)",
    """
    CREATE TABLE settlement.pack_move (
        pack_id text COLLATE "C" NOT NULL,
        number integer NOT NULL,
        kind text COLLATE "C" NOT NULL,
        points bigint NOT NULL,
        paid_minor bigint NOT NULL,
        business_date date NOT NULL,
        author text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (pack_id, number),
        CONSTRAINT pack_move_kind
            CHECK (kind IN ('bought', 'refilled', 'reserved', 'opened', 'told', 'expired', 'returned'))
    )
    """,
    """
    CREATE TABLE settlement.pack_left (
        pack_id text COLLATE "C" NOT NULL,
        stripe smallint NOT NULL,
        left_points bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (pack_id, stripe),
        CONSTRAINT pack_left_points CHECK (left_points >= 0)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE settlement.pack_draw (
        partner_id text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        line integer NOT NULL,
        pack_id text COLLATE "C" NOT NULL,
        points bigint NOT NULL,
        origin text COLLATE "C" NOT NULL DEFAULT '',
        business_date date NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (partner_id, event_id, line, pack_id),
        CONSTRAINT pack_draw_points CHECK (points <> 0 AND (points < 0) = (origin <> ''))
    )
    """,
    "CREATE INDEX pack_draw_origin ON settlement.pack_draw (origin) WHERE origin <> ''",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
