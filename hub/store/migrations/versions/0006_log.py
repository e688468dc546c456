"""The log: where in it each posting's events are, the tiles of its Merkle tree, its heads, and how far it has seen."""

from alembic import op

revision = "0006"
down_revision = "0009"

LOG = """
CREATE TABLE hub.log_progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    size     bigint      NOT NULL CHECK (size >= 0),
    seen     pg_snapshot NOT NULL
);

CREATE TABLE hub.log_posting (
    partner_id     text   NOT NULL,
    tx             xid8   NOT NULL,
    first_position bigint NOT NULL CHECK (first_position >= 0),
    events         bigint NOT NULL CHECK (events > 0),
    content_salt   bytea  NOT NULL,
    record_salt    bytea  NOT NULL,
    PRIMARY KEY (partner_id, tx)
);

CREATE TABLE hub.log_tile (
    level  smallint NOT NULL,
    number bigint   NOT NULL,
    hashes bytea    NOT NULL,
    names  text[]   CHECK ((level = 0) = (names IS NOT NULL)),
    PRIMARY KEY (level, number)
);
ALTER TABLE hub.log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE hub.log_head (
    size      bigint      PRIMARY KEY CHECK (size > 0),
    root      bytea       NOT NULL,
    sealed_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Create the tables; what was posted before is sealed like everything else."""
    op.execute(LOG)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE hub.log_progress, hub.log_posting, hub.log_tile, hub.log_head")
