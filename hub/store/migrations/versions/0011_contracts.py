"""Drafts of contracts, and the ledger's own view of what the fund and the issuers owe by them."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0013"

DRAFTS = """
CREATE TABLE hub.contract_draft (
    draft_id     text        PRIMARY KEY,
    partner_id   text        NOT NULL,
    valid_from   date        NOT NULL,
    document     jsonb       NOT NULL,
    digest       bytea       NOT NULL,
    author       text        NOT NULL,
    drafted_at   timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'published', 'withdrawn')),
    version      integer     CHECK ((state = 'published') = (version IS NOT NULL)),
    decided_by   text        CHECK ((state = 'open') = (decided_by IS NULL)),
    decided_at   timestamptz CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK (state <> 'published' OR decided_by <> author)
);
CREATE INDEX contract_draft_open ON hub.contract_draft (partner_id) WHERE state = 'open';
"""

# Exact numbers are kept as they were agreed, as text such as 0.25 or 9/10.
NUMBERS = """
CREATE FUNCTION hub.numerator_of(number text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(split_part(number, '/', 1), '.', '')::numeric;
CREATE FUNCTION hub.denominator_of(number text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN strpos(number, '/') > 0 THEN split_part(number, '/', 2)
                ELSE '1' || repeat('0', length(split_part(number, '.', 2))) END::numeric;
"""

# Contracts under which points are paid for at issue, with the days on which they are in force, and what of a point's
# price the fund has. A coalition without any has no row here, and then no line below costs it anything.
FUNDED = """
CREATE VIEW hub.funded AS
SELECT issuer, version, valid_from, until, currency, prices, breakage,
       CASE WHEN share = 'on_issue' THEN 1 ELSE hub.numerator_of(share) END AS share_numerator,
       CASE WHEN share = 'on_issue' THEN 1 ELSE 100 * hub.denominator_of(share) END AS share_denominator
FROM (
    SELECT partner_id AS issuer, version, valid_from,
           lead(valid_from) OVER (PARTITION BY partner_id ORDER BY valid_from, version) AS until,
           money->>'currency' AS currency, money->'issue_prices'->(money->>'currency') AS prices,
           coalesce(terms->>'breakage', 'issuer') AS breakage,
           coalesce(money->'funding'->>'on_issue', money->>'funding', 'on_redemption') AS share
    FROM (SELECT contract.*, terms->'settlement' AS money FROM hub.contract AS contract) AS contract
) AS agreed
WHERE CASE share WHEN 'on_redemption' THEN false WHEN 'on_issue' THEN true ELSE hub.numerator_of(share) > 0 END;
"""

_IN_FORCE = """funded.issuer = transfer.issuer AND transfer.business_date >= funded.valid_from
     AND (funded.until IS NULL OR transfer.business_date < funded.until)"""
_ANY_FUNDED = "(SELECT count(*) FROM hub.funded) > 0"
_SPENDABLE = "NOT starts_with(transfer.kind, 'qualifying')"

# The value of each line of a redemption: that of the event, rounded once, split by largest remainder.
_VALUED = """
    SELECT quota.*, floor_minor + CASE WHEN row_number() OVER (event_lines ORDER BY remainder DESC, line)
               <= value_minor - sum(floor_minor) OVER event_lines THEN 1 ELSE 0 END AS minor
    FROM (
        SELECT valued.*, div(value_minor * points, event_points) AS floor_minor,
               mod(value_minor * points, event_points) AS remainder
        FROM (
            SELECT priced.*, hub.half_even(event_points * numerator, denominator) AS value_minor
            FROM (
                SELECT transfer.partner_id, transfer.event_id, transfer.line, transfer.issuer, transfer.credit_account,
                       transfer.points, transfer.business_date, transfer.tx, rate.currency,
                       CASE event.kind WHEN 'refund' THEN transfer.partner_id || '/' || event.refers_to ELSE '' END
                           AS origin,
                       (rate.terms->>'numerator')::numeric AS numerator,
                       (rate.terms->>'denominator')::numeric AS denominator,
                       sum(transfer.points) OVER event_lines AS event_points,
                       funded.share_numerator, funded.share_denominator
                FROM hub.transfer AS transfer
                JOIN hub.event AS event USING (partner_id, event_id)
                JOIN hub.rate AS rate
                  ON rate.partner_id = coalesce(event.priced_by, event.partner_id) AND rate.kind = 'reimbursement'
                 AND rate.version = event.rate_version
                LEFT JOIN hub.funded AS funded ON {in_force}
                WHERE starts_with(transfer.credit_account, 'redeemed:') AND event.kind <> 'settlement' AND {condition}
                WINDOW event_lines AS (
                    PARTITION BY transfer.partner_id, transfer.event_id, transfer.business_date, transfer.tx)
            ) AS priced
        ) AS valued
    ) AS quota
    WINDOW event_lines AS (PARTITION BY partner_id, event_id, business_date, tx)
"""
_FUND_MINOR = "div(2 * minor * share_numerator + share_denominator, 2 * share_denominator)"

# Points that were paid for at issue and left their member unspent, at the price of the day.
_UNUSED = f"""
    SELECT unused.*, hub.half_even(points * hub.numerator_of(price), hub.denominator_of(price)) AS minor
    FROM (
        SELECT transfer.*, funded.currency, funded.share_numerator, funded.share_denominator,
               coalesce(funded.prices->>split_part(transfer.kind, '@', 1), funded.prices->>'base') AS price,
               CASE WHEN starts_with(transfer.credit_account, 'redeemed:') THEN substr(transfer.credit_account, 10)
                    ELSE transfer.issuer END AS owner
        FROM hub.transfer AS transfer
        JOIN hub.funded AS funded ON {_IN_FORCE}
        JOIN hub.event AS event USING (partner_id, event_id)
        WHERE transfer.debit_account = 'available' AND {_SPENDABLE}
          AND (event.kind = 'expiry'
               OR event.kind IN ('repayment', 'adjustment') AND starts_with(transfer.credit_account, 'issued:'))
    ) AS unused
"""

_BACK_MINOR = """(hub.half_even(owed.amount_minor * line_before, line_points)
        - hub.half_even(owed.amount_minor * (line_before + back.points), line_points))::bigint"""

# What settlement checks its obligations against: the same lines, derived from transfers, events, prices and contracts.
# All lines of an event share business date and transaction; naming both in the window lets the bounds of a cycle be
# applied before it. Where the fund takes part a line's number is 65536 higher. A correction gives back a range of what
# there was, counted from the last line backwards; each line it touches gives back its amount in proportion, so that
# all corrections together give back all of it.
LINES = f"""
DROP VIEW hub.redemption_line;
CREATE VIEW hub.redemption_line AS
SELECT partner_id, event_id, line::integer AS line, issuer, substr(credit_account, 10) AS redeemer, points,
       (minor - coalesce({_FUND_MINOR}, 0))::bigint AS amount_minor,
       currency, business_date, tx, origin COLLATE "C" AS origin, 'reimbursement' AS kind, '' AS points_of
FROM ({_VALUED.format(in_force=_IN_FORCE, condition="true")}) AS redeemed
WHERE share_numerator IS NULL OR share_numerator < share_denominator
UNION ALL
SELECT partner_id, event_id, line + 65536, '@fund', substr(credit_account, 10),
       CASE WHEN share_numerator = share_denominator THEN points ELSE 0 END, {_FUND_MINOR}::bigint,
       currency, business_date, tx, origin, 'reimbursement', issuer
FROM ({_VALUED.format(in_force=_IN_FORCE, condition=_ANY_FUNDED)}) AS redeemed
WHERE share_numerator = share_denominator OR {_FUND_MINOR} > 0
UNION ALL
SELECT transfer.partner_id, transfer.event_id, transfer.line + 65536, transfer.issuer, '@fund', transfer.points,
       hub.half_even(transfer.points * hub.numerator_of(price) * share_numerator,
                     hub.denominator_of(price) * share_denominator)::bigint,
       funded.currency, transfer.business_date, transfer.tx, '', 'issue', ''
FROM hub.transfer AS transfer
JOIN hub.funded AS funded ON {_IN_FORCE}
CROSS JOIN LATERAL (
    SELECT coalesce(funded.prices->>split_part(transfer.kind, '@', 1), funded.prices->>'base') AS price) AS agreed
WHERE starts_with(transfer.debit_account, 'issued:') AND transfer.credit_account = 'available' AND {_SPENDABLE}
UNION ALL
SELECT partner_id, event_id, line + 65536, '@fund', owner,
       CASE WHEN share_numerator = share_denominator OR owner = issuer THEN points ELSE 0 END, {_FUND_MINOR}::bigint,
       currency, business_date, tx, '', 'breakage', issuer
FROM ({_UNUSED}) AS unused
WHERE share_numerator = share_denominator OR owner = issuer OR {_FUND_MINOR} > 0
UNION ALL
SELECT partner_id, event_id, line, issuer, owner, points, (minor - {_FUND_MINOR})::bigint,
       currency, business_date, tx, '', 'breakage', ''
FROM ({_UNUSED}) AS unused
WHERE share_numerator < share_denominator AND owner <> issuer
UNION ALL
SELECT back.partner_id, back.event_id, owed.line, owed.issuer, owed.redeemer,
       CASE WHEN owed.points = 0 THEN 0 ELSE -back.points END, {_BACK_MINOR},
       owed.currency, back.business_date, back.tx, back.partner_id || '/' || back.refers_to, owed.kind, owed.points_of
FROM (
    SELECT correcting.*, greatest(returned_before - later_points, 0) AS line_before
    FROM (
        SELECT transfer.partner_id, transfer.event_id, transfer.line, transfer.points, transfer.business_date,
               transfer.tx, event.refers_to, event.returned_before,
               (SELECT sum(owed.points) FROM settlement.obligation AS owed
                WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to
                  AND mod(owed.line, 65536) = transfer.line) AS line_points,
               CASE WHEN transfer.debit_account = 'breakage' THEN (
                   SELECT coalesce(sum(gone.points), 0) FROM hub.transfer AS gone
                   JOIN hub.event AS expiry USING (member_id, partner_id, event_id)
                   WHERE expiry.partner_id = transfer.partner_id AND expiry.event_id = event.refers_to
                     AND gone.line > transfer.line AND NOT starts_with(gone.kind, 'qualifying'))
               ELSE (
                   SELECT coalesce(sum(owed.points), 0) FROM settlement.obligation AS owed
                   WHERE owed.partner_id = transfer.partner_id AND owed.event_id = event.refers_to
                     AND mod(owed.line, 65536) > transfer.line)
               END AS later_points
        FROM hub.transfer AS transfer
        JOIN hub.event AS event USING (partner_id, event_id)
        WHERE starts_with(transfer.debit_account, 'redeemed:') AND event.kind <> 'settlement'
           OR transfer.debit_account = 'breakage' AND transfer.credit_account = 'available'
    ) AS correcting
) AS back
JOIN settlement.obligation AS owed
  ON owed.partner_id = back.partner_id AND owed.event_id = back.refers_to AND mod(owed.line, 65536) = back.line
WHERE owed.points <> 0 OR {_BACK_MINOR} < 0
UNION ALL
SELECT taken.partner_id, taken.event_id, given.line, given.issuer, given.redeemer, start - stop,
       (hub.half_even(given.amount_minor * start, given.points)
        - hub.half_even(given.amount_minor * stop, given.points))::bigint,
       given.currency, taken.business_date, taken.tx, taken.partner_id || '/' || taken.refers_to, 'issue', ''
FROM (
    SELECT transfer.partner_id, transfer.event_id, transfer.issuer, transfer.business_date, transfer.tx,
           event.refers_to, sum(transfer.points) AS points,
           (SELECT coalesce(sum(other.points), 0)
            FROM hub.event AS earlier JOIN hub.transfer AS other USING (member_id, partner_id, event_id)
            WHERE earlier.partner_id = transfer.partner_id AND earlier.refers_to = event.refers_to
              AND earlier.kind = event.kind AND earlier.returned_before < event.returned_before
              AND other.debit_account = 'available' AND other.credit_account = 'issued:' || transfer.issuer
              AND NOT starts_with(other.kind, 'qualifying')) AS before
    FROM hub.transfer AS transfer
    JOIN hub.event AS event USING (partner_id, event_id)
    WHERE event.kind IN ('refund', 'exchange-reversal') AND {_ANY_FUNDED} AND {_SPENDABLE}
      AND transfer.debit_account = 'available' AND starts_with(transfer.credit_account, 'issued:')
    GROUP BY transfer.partner_id, transfer.event_id, transfer.issuer, transfer.business_date, transfer.tx,
             event.refers_to, event.kind, event.returned_before
) AS taken
JOIN (
    SELECT issue.*, coalesce(sum(points) OVER (
               PARTITION BY partner_id, event_id, issuer ORDER BY line DESC
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS later
    FROM settlement.obligation AS issue WHERE kind = 'issue' AND origin = ''
) AS given ON given.partner_id = taken.partner_id AND given.event_id = taken.refers_to AND given.issuer = taken.issuer
CROSS JOIN LATERAL (
    SELECT least(greatest(before - later, 0), given.points) AS start,
           least(greatest(before + taken.points - later, 0), given.points) AS stop) AS range
WHERE stop > start;
"""


def upgrade() -> None:
    """Create the table and what the views need, and take the view of the ledger's lines anew."""
    for part in (DRAFTS, NUMBERS, FUNDED, LINES):
        op.execute(part)
