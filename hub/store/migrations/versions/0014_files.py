"""Bulk files: the templates of issuers, files with their parts as they came, and chunks of records with answers."""

from alembic import op

revision = "0014"
down_revision = "0015b"

TABLES = """
CREATE TABLE hub.file_template (
    partner_id text        NOT NULL,
    name       text        NOT NULL,
    version    integer     NOT NULL,
    terms      jsonb       NOT NULL,
    author     text        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (partner_id, name, version)
);

CREATE TABLE hub.file (
    partner_id       text        NOT NULL,
    file_id          text        NOT NULL,
    number           bigint      GENERATED ALWAYS AS IDENTITY,
    template         text        NOT NULL,
    template_version integer     NOT NULL,
    record           text        NOT NULL,
    compression      text        NOT NULL CHECK (compression IN ('none', 'gzip')),
    bytes            bigint      NOT NULL,
    parts            integer     NOT NULL,
    sha256           bytea       NOT NULL,
    sequence         bigint,
    corrects         text,
    content          bytea       NOT NULL,
    evidence_id      bytea       NOT NULL,
    state            text        NOT NULL CHECK (state IN
        ('receiving', 'received', 'waiting', 'posting', 'posted', 'refused', 'reversing', 'reversed')),
    reasons          jsonb       NOT NULL DEFAULT '[]',
    chunks           integer     NOT NULL DEFAULT 0,
    checked          bigint      NOT NULL DEFAULT 0,
    bad              bigint      NOT NULL DEFAULT 0,
    known            bigint      NOT NULL DEFAULT 0,
    repeated         bigint      NOT NULL DEFAULT 0,
    amount           numeric(38) NOT NULL DEFAULT 0,
    points           numeric(38) NOT NULL DEFAULT 0,
    digest           bytea,
    opened_at        timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    PRIMARY KEY (partner_id, file_id)
);
CREATE INDEX file_at_work ON hub.file (number) WHERE state IN ('received', 'posting', 'reversing');

CREATE TABLE hub.file_part (
    partner_id text    NOT NULL,
    file_id    text    NOT NULL,
    number     integer NOT NULL,
    bytes      integer NOT NULL,
    sha256     bytea   NOT NULL,
    sealed     bytea   NOT NULL,
    PRIMARY KEY (partner_id, file_id, number)
);
ALTER TABLE hub.file_part ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE hub.file_chunk (
    partner_id  text     NOT NULL,
    file_id     text     NOT NULL,
    number      integer  NOT NULL,
    records     integer  NOT NULL,
    digest      bytea    NOT NULL,
    hashes      bigint[] NOT NULL,
    sealed      bytea    NOT NULL,
    state       text     NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'posted', 'reversed')),
    results     bytea,
    posted      integer  NOT NULL DEFAULT 0,
    pending     integer  NOT NULL DEFAULT 0,
    duplicate   integer  NOT NULL DEFAULT 0,
    rejected    integer  NOT NULL DEFAULT 0,
    quarantined integer  NOT NULL DEFAULT 0,
    points      bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (partner_id, file_id, number)
);
ALTER TABLE hub.file_chunk ALTER COLUMN sealed SET STORAGE EXTERNAL, ALTER COLUMN results SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE hub.file_chunk, hub.file_part, hub.file, hub.file_template")
