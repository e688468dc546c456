"""Holds, debts, merges, pools, exchanges and proposals; further kinds of events; what contracts and schemes say."""

from alembic import op

revision = "0002"
down_revision = "0001"

TERMS = """
ALTER TABLE hub.contract ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';

ALTER TABLE hub.rate DROP CONSTRAINT rate_kind_check;
ALTER TABLE hub.rate ADD CONSTRAINT rate_kind_check
    CHECK (kind IN ('earning', 'reimbursement', 'exchange-in', 'exchange-out'));
ALTER TABLE hub.rate ALTER COLUMN currency DROP NOT NULL;
ALTER TABLE hub.rate ADD CONSTRAINT rate_currency_check CHECK (currency IS NOT NULL OR starts_with(kind, 'exchange-'));

CREATE TABLE hub.scheme (
    version    integer PRIMARY KEY,
    valid_from date        NOT NULL,
    terms      jsonb       NOT NULL,
    created_at timestamptz NOT NULL
);
"""

EVENTS = """
ALTER TABLE hub.event DROP CONSTRAINT event_kind_check;
ALTER TABLE hub.event ADD CONSTRAINT event_kind_check CHECK (kind IN (
    'earning', 'confirmation', 'refund', 'redemption', 'hold', 'capture', 'void', 'reversal', 'expiry', 'settlement',
    'repayment', 'extension', 'reinstatement', 'transfer', 'gift', 'donation', 'pool', 'merge', 'unmerge', 'forwarding',
    'adjustment', 'exchange', 'exchange-confirmation', 'exchange-failure', 'exchange-reversal'));
ALTER TABLE hub.event
    ADD COLUMN matures_on      date,
    ADD COLUMN refers_to       text,
    ADD COLUMN returned_before bigint CHECK (returned_before >= 0),
    ADD COLUMN priced_by       text,
    ADD COLUMN scheme_rule     text,
    ADD COLUMN details         jsonb;
CREATE INDEX event_of_another ON hub.event (partner_id, refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX event_of_member ON hub.event (member_id) WHERE kind <> 'earning' OR points = 0;
"""

MEMBERS = """
ALTER TABLE hub.member
    ADD COLUMN jurisdiction text CHECK (jurisdiction ~ '^[A-Z]{2}$'),
    ADD COLUMN charity      boolean NOT NULL DEFAULT false;

CREATE TABLE hub.merged (
    member_id   bigint PRIMARY KEY,
    merged_into bigint NOT NULL CHECK (merged_into <> member_id),
    survivor    bigint NOT NULL CHECK (survivor <> member_id),
    partner_id  text   NOT NULL,
    event_id    text   NOT NULL
);
CREATE INDEX merged_into ON hub.merged (survivor);

CREATE TABLE hub.pool (
    partner_id text NOT NULL,
    pool_id    text NOT NULL,
    PRIMARY KEY (partner_id, pool_id)
);
CREATE TABLE hub.pool_member (
    member_id  bigint PRIMARY KEY,
    partner_id text    NOT NULL,
    pool_id    text    NOT NULL,
    share      integer NOT NULL CHECK (share BETWEEN 1 AND 1000000),
    may_spend  boolean NOT NULL
);
CREATE INDEX pool_members ON hub.pool_member (partner_id, pool_id);
"""

# A hold's rows are locked state like a lot's: what is reserved of which lot, until when, and how it ended.
HOLDS = """
CREATE TABLE hub.hold (
    member_id  bigint      NOT NULL,
    partner_id text        NOT NULL,
    event_id   text        NOT NULL,
    line       smallint    NOT NULL,
    expires_on date        NOT NULL,
    issuer     text        NOT NULL,
    kind       text        NOT NULL,
    matures_on date        NOT NULL,
    points     bigint      NOT NULL CHECK (points > 0),
    lapses_at  timestamptz NOT NULL,
    state      text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'captured', 'voided', 'lapsed')),
    PRIMARY KEY (partner_id, event_id, line)
);
CREATE INDEX hold_open ON hub.hold (member_id) WHERE state = 'open';

CREATE TABLE hub.debt (
    member_id bigint NOT NULL,
    issuer    text   NOT NULL,
    points    bigint NOT NULL CHECK (points >= 0),
    PRIMARY KEY (member_id, issuer)
);
"""

# An exchange's row is locked state too: its events say how it got there. A quote belongs to one partner.
EXCHANGES = """
CREATE TABLE hub.exchange (
    partner_id    text        NOT NULL,
    exchange_id   text        NOT NULL,
    member_id     bigint      NOT NULL,
    quote_id      text        NOT NULL,
    direction     text        NOT NULL CHECK (direction IN ('in', 'out')),
    unit          text        NOT NULL,
    source_amount bigint      NOT NULL,
    target_amount bigint      NOT NULL,
    rate_version  integer     NOT NULL,
    state         text        NOT NULL CHECK (state IN ('open', 'confirmed', 'failed', 'reversed')),
    opened_at     timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    tx            xid8        NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (partner_id, exchange_id),
    UNIQUE (partner_id, quote_id)
);
CREATE INDEX exchange_in_order ON hub.exchange (partner_id, tx, exchange_id);
CREATE INDEX exchange_open ON hub.exchange (opened_at) WHERE state = 'open';
"""

PROPOSALS = """
CREATE TABLE hub.proposal (
    proposal_id text PRIMARY KEY,
    content     jsonb       NOT NULL,
    digest      bytea       NOT NULL,
    author      text        NOT NULL,
    proposed_at timestamptz NOT NULL,
    state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'declined')),
    decided_by  text CHECK ((state = 'open') = (decided_by IS NULL) AND (state <> 'approved' OR decided_by <> author)),
    decided_at  timestamptz CHECK ((state = 'open') = (decided_at IS NULL)),
    decision_reason text CHECK ((state = 'declined') = (decision_reason IS NOT NULL))
);
"""

# What settlement checks its obligations against: the same lines, derived from transfers, events and prices.
# All lines of an event share business date and transaction; naming both in the window lets the bounds of a cycle be
# applied before it. A correction gives back a range of what was redeemed, counted from the last line backwards;
# each line it touches gives back its amount in proportion, so that all corrections together give back all of it.
LINES = """
CREATE FUNCTION hub.half_even(numerator numeric, denominator numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN div(numerator, denominator)
        + CASE WHEN 2 * mod(numerator, denominator) > denominator
                 OR (2 * mod(numerator, denominator) = denominator AND mod(div(numerator, denominator), 2) = 1)
               THEN 1 ELSE 0 END;

DROP VIEW hub.redemption_line;
CREATE VIEW hub.redemption_line AS
WITH priced AS (
    SELECT transfer.partner_id, transfer.event_id, transfer.line, transfer.issuer, transfer.credit_account,
           transfer.points, transfer.business_date, transfer.tx, rate.currency,
           CASE event.kind WHEN 'refund' THEN transfer.partner_id || '/' || event.refers_to ELSE '' END AS origin,
           (rate.terms->>'numerator')::numeric AS numerator, (rate.terms->>'denominator')::numeric AS denominator,
           sum(transfer.points) OVER event_lines AS event_points
    FROM hub.transfer AS transfer
    JOIN hub.event AS event USING (partner_id, event_id)
    JOIN hub.rate AS rate
      ON rate.partner_id = coalesce(event.priced_by, event.partner_id) AND rate.kind = 'reimbursement'
     AND rate.version = event.rate_version
    WHERE starts_with(transfer.credit_account, 'redeemed:') AND event.kind <> 'settlement'
    WINDOW event_lines AS (
        PARTITION BY transfer.partner_id, transfer.event_id, transfer.business_date, transfer.tx)
), valued AS (
    SELECT priced.*, hub.half_even(event_points * numerator, denominator) AS value_minor FROM priced
), quota AS (
    SELECT valued.*, div(value_minor * points, event_points) AS floor_minor,
           mod(value_minor * points, event_points) AS remainder
    FROM valued
), ranked AS (
    SELECT quota.*,
           row_number() OVER (event_lines ORDER BY remainder DESC, line) AS place,
           value_minor - sum(floor_minor) OVER event_lines AS leftover
    FROM quota
    WINDOW event_lines AS (PARTITION BY partner_id, event_id, business_date, tx)
), correcting AS (
    SELECT transfer.partner_id, transfer.event_id, transfer.line, transfer.issuer, transfer.debit_account,
           transfer.points, transfer.business_date, transfer.tx, event.refers_to, event.returned_before,
           (SELECT min(owed.currency) FROM settlement.obligation AS owed
            WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to) AS currency,
           (SELECT sum(owed.amount_minor) FROM settlement.obligation AS owed
            WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to
              AND owed.line = transfer.line) AS line_minor,
           (SELECT sum(owed.points) FROM settlement.obligation AS owed
            WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to
              AND owed.line = transfer.line) AS line_points,
           (SELECT coalesce(sum(owed.points), 0) FROM settlement.obligation AS owed
            WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to
              AND owed.line > transfer.line) AS later_points
    FROM hub.transfer AS transfer
    JOIN hub.event AS event USING (partner_id, event_id)
    WHERE starts_with(transfer.debit_account, 'redeemed:') AND event.kind <> 'settlement'
), ranged AS (
    SELECT correcting.*, greatest(returned_before - later_points, 0) AS line_before FROM correcting
)
SELECT partner_id, event_id, line::integer AS line, issuer, substr(credit_account, 10) AS redeemer, points,
       (floor_minor + CASE WHEN place <= leftover THEN 1 ELSE 0 END)::bigint AS amount_minor,
       currency, business_date, tx, origin COLLATE "C" AS origin
FROM ranked
UNION ALL
SELECT partner_id, event_id, line::integer, issuer, substr(debit_account, 10), -points,
       (hub.half_even(line_minor * line_before, line_points)
        - hub.half_even(line_minor * (line_before + points), line_points))::bigint,
       currency, business_date, tx, partner_id || '/' || refers_to
FROM ranged;
"""


def upgrade() -> None:
    for part in (TERMS, EVENTS, MEMBERS, HOLDS, EXCHANGES, PROPOSALS, LINES):
        op.execute(part)
