"""Kinds of obligations and the fund's part in them; contracts, rates of tax, and charges.

The lines that are there already are reimbursements by their issuers. What is usual is no part of a line's text, so the
digests they were recorded with still hold.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    ALTER TABLE settlement.obligation
        ADD COLUMN kind text COLLATE "C" NOT NULL DEFAULT 'reimbursement',
        ADD COLUMN points_of text COLLATE "C" NOT NULL DEFAULT '',
        ADD CONSTRAINT obligation_kind CHECK (kind IN ('reimbursement', 'issue', 'breakage', 'adjustment')),
        DROP CONSTRAINT obligation_amounts,
        ADD CONSTRAINT obligation_amounts CHECK (
            line >= 0 AND (points <> 0 OR amount_minor <> 0 AND (kind <> 'reimbursement' OR points_of <> ''))
            AND (points >= 0 AND amount_minor >= 0 OR points <= 0 AND amount_minor <= 0 AND origin <> '')
        )
    """,
    """
    CREATE TABLE settlement.contract (
        partner text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        valid_from date NOT NULL,
        terms jsonb NOT NULL,
        account jsonb,
        digest bytea NOT NULL,
        drafted_by text COLLATE "C" NOT NULL,
        drafted_at timestamptz NOT NULL,
        published_by text COLLATE "C" NOT NULL,
        published_at timestamptz NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (partner, version),
        CONSTRAINT contract_two_people CHECK (version > 0 AND drafted_by <> published_by)
    )
    """,
    """
    CREATE TABLE settlement.tax_rate (
        code text COLLATE "C" NOT NULL,
        valid_from date NOT NULL,
        numerator bigint NOT NULL,
        denominator bigint NOT NULL,
        added_by text COLLATE "C" NOT NULL,
        added_at timestamptz NOT NULL,
        PRIMARY KEY (code, valid_from),
        CONSTRAINT tax_rate_share CHECK (numerator >= 0 AND denominator > 0 AND numerator <= denominator)
    )
    """,
    """
    CREATE TABLE settlement.charge (
        cycle text COLLATE "C" NOT NULL,
        partner text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        contract_version integer NOT NULL,
        basis_count bigint NOT NULL,
        basis_points bigint NOT NULL,
        basis_minor bigint NOT NULL,
        amount_minor bigint NOT NULL,
        PRIMARY KEY (cycle, partner, kind, currency, contract_version)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
