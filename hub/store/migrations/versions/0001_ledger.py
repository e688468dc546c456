"""The first schema: coalition, partners, members, evidence, events, transfers and lots."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE hub.coalition (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name            text        NOT NULL,
    environment     text        NOT NULL CHECK (environment IN ('sandbox', 'live')),
    config_version  bigint      NOT NULL DEFAULT 1,
    clock_at        timestamptz CHECK (clock_at IS NULL OR environment = 'sandbox'),
    key_list_version bigint     NOT NULL DEFAULT 1
);

CREATE TABLE hub.partner (
    partner_id  text PRIMARY KEY,
    name        text        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('active', 'suspended')),
    created_at  timestamptz NOT NULL
);

CREATE TABLE hub.contract (
    partner_id     text    NOT NULL,
    version        integer NOT NULL,
    valid_from     date    NOT NULL,
    life_months    integer NOT NULL CHECK (life_months BETWEEN 0 AND 1200),
    enrols_unknown boolean NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (partner_id, version)
);

CREATE TABLE hub.rate (
    partner_id  text    NOT NULL,
    kind        text    NOT NULL CHECK (kind IN ('earning', 'reimbursement')),
    version     integer NOT NULL,
    valid_from  date    NOT NULL,
    currency    text    NOT NULL,
    terms       jsonb   NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (partner_id, kind, version)
);

CREATE TABLE hub.partner_key (
    keyid         text PRIMARY KEY,
    partner_id    text        NOT NULL,
    public_key    bytea       NOT NULL,
    state         text        NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'revoked')),
    registered_at timestamptz NOT NULL,
    approved_at   timestamptz,
    retires_at    timestamptz CHECK (state <> 'retiring' OR retires_at IS NOT NULL),
    revoked_at    timestamptz
);
CREATE INDEX partner_key_of_partner ON hub.partner_key (partner_id);

CREATE TABLE hub.member (
    member_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    enrolled_by text        NOT NULL,
    enrolled_at timestamptz NOT NULL
);

CREATE TABLE hub.member_identifier (
    blind_index bytea PRIMARY KEY,
    member_id   bigint      NOT NULL,
    scheme      text        NOT NULL,
    attached_by text        NOT NULL,
    attached_at timestamptz NOT NULL
);

CREATE TABLE hub.evidence (
    partner_id     text        NOT NULL,
    evidence_id    bytea       NOT NULL,
    keyid          text        NOT NULL,
    received_at    timestamptz NOT NULL,
    signature_base bytea       NOT NULL,
    signature      bytea       NOT NULL,
    sealed_body    bytea       NOT NULL,
    PRIMARY KEY (partner_id, evidence_id)
);
ALTER TABLE hub.evidence ALTER COLUMN sealed_body SET STORAGE EXTERNAL;

CREATE TABLE hub.event (
    partner_id    text        NOT NULL,
    event_id      text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('earning', 'redemption', 'expiry', 'settlement')),
    member_id     bigint      NOT NULL,
    status        text        NOT NULL CHECK (status IN ('posted', 'rejected')),
    points        bigint      NOT NULL CHECK (points >= 0),
    occurred_at   timestamptz NOT NULL,
    posted_at     timestamptz NOT NULL,
    business_date date        NOT NULL,
    content       bytea       NOT NULL,
    amount_minor  bigint,
    currency      text,
    rate_version  integer,
    expires_on    date,
    store         text,
    terminal      text,
    channel       text,
    items         text,
    error_code    text CHECK ((status = 'rejected') = (error_code IS NOT NULL)),
    evidence_id   bytea,
    tx            xid8        NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (partner_id, event_id)
);
CREATE INDEX event_in_commit_order ON hub.event (partner_id, tx, event_id);

CREATE TABLE hub.transfer (
    member_id      bigint   NOT NULL,
    partner_id     text     NOT NULL,
    event_id       text     NOT NULL,
    line           smallint NOT NULL,
    debit_account  text     NOT NULL,
    credit_account text     NOT NULL CHECK (credit_account <> debit_account),
    expires_on     date     NOT NULL,
    issuer         text     NOT NULL,
    kind           text     NOT NULL,
    matures_on     date     NOT NULL,
    points         bigint   NOT NULL CHECK (points > 0),
    business_date  date     NOT NULL,
    tx             xid8     NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (member_id, partner_id, event_id, line)
);

CREATE TABLE hub.lot (
    member_id  bigint NOT NULL,
    expires_on date   NOT NULL,
    issuer     text   NOT NULL,
    kind       text   NOT NULL,
    matures_on date   NOT NULL,
    points     bigint NOT NULL CHECK (points >= 0),
    PRIMARY KEY (member_id, expires_on, issuer, kind, matures_on)
) WITH (fillfactor = 70);
"""

# What settlement checks its obligations against: the same lines, derived from transfers, events and prices alone.
# All lines of an event share business date and transaction; naming both in the window lets the bounds of a cycle be
# applied before it.
REDEMPTION_LINES = """
CREATE VIEW hub.redemption_line AS
WITH valued AS (
    SELECT event.partner_id, event.event_id, event.points, event.member_id, rate.currency,
           div(event.points * num.numerator, num.denominator)
           + CASE WHEN 2 * mod(event.points * num.numerator, num.denominator) > num.denominator
                    OR (2 * mod(event.points * num.numerator, num.denominator) = num.denominator
                        AND mod(div(event.points * num.numerator, num.denominator), 2) = 1)
                  THEN 1 ELSE 0 END AS value_minor
    FROM hub.event AS event
    JOIN hub.rate AS rate
      ON rate.partner_id = event.partner_id AND rate.kind = 'reimbursement' AND rate.version = event.rate_version
    CROSS JOIN LATERAL (SELECT (rate.terms->>'numerator')::numeric AS numerator,
                               (rate.terms->>'denominator')::numeric AS denominator) AS num
    WHERE event.kind = 'redemption' AND event.status = 'posted'
), quota AS (
    SELECT transfer.partner_id, transfer.event_id, transfer.line, transfer.issuer, transfer.credit_account,
           transfer.points, transfer.business_date, transfer.tx, valued.currency, valued.value_minor,
           div(valued.value_minor * transfer.points, valued.points) AS floor_minor,
           mod(valued.value_minor * transfer.points, valued.points) AS remainder
    FROM hub.transfer AS transfer
    JOIN valued USING (partner_id, event_id, member_id)
), ranked AS (
    SELECT quota.*,
           row_number() OVER (event_lines ORDER BY remainder DESC, line) AS place,
           value_minor - sum(floor_minor) OVER event_lines AS leftover
    FROM quota
    WINDOW event_lines AS (PARTITION BY partner_id, event_id, business_date, tx)
)
SELECT partner_id, event_id, line::integer AS line, issuer, substr(credit_account, 10) AS redeemer, points,
       (floor_minor + CASE WHEN place <= leftover THEN 1 ELSE 0 END)::bigint AS amount_minor,
       currency, business_date, tx
FROM ranked;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(REDEMPTION_LINES)


def downgrade() -> None:
    op.execute("DROP SCHEMA hub CASCADE")
