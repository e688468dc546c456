"""What the lines of a stretch add up to, and which of them are not what their digest says, asked of DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from duckdb import DuckDBPyConnection

from settlement.core.agreements import Agreements
from settlement.core.charges import FUNDED, Basis, Side
from settlement.core.contracts import ISSUED, REDEEMED
from settlement.core.lines import FIELDS
from settlement.core.parties import FUND, ISSUE, REIMBURSEMENT
from settlement.core.statement_balances import PairMovement

_USUAL = f"(kind = '{REIMBURSEMENT}' AND points_of = '')"
_PLAIN_FIELDS = ", ".join(FIELDS[:-3])
TEXT = f"""concat_ws(chr(10), {_PLAIN_FIELDS},
    CASE WHEN {_USUAL} THEN nullif(origin, '') ELSE origin END,
    CASE WHEN NOT {_USUAL} THEN kind END, CASE WHEN NOT {_USUAL} THEN points_of END)"""
"""The canonical text of a line, see `settlement.core.lines`."""
_TEXTS = ("partner_id", "event_id", "issuer", "redeemer", "currency", "origin", "kind", "points_of")
_BROKEN = " OR ".join(f"contains({name}, chr(10))" for name in _TEXTS)
RIGHT = f"""(sha256({TEXT}) = lower(hex(digest)) AND business_date <= $ends_on
    AND line >= 0 AND price_numerator >= 0 AND price_denominator >= 1
    AND NOT ({_BROKEN}))"""
"""Whether a line is what its digest says, not of a later cycle, and has no line break, which could hide a field."""

_MOVEMENTS = f"""
    SELECT issuer, redeemer, currency, kind, origin <> '' AS corrects, points_of,
        count(*), sum(points), sum(amount_minor), count(*) FILTER (NOT {RIGHT})
    FROM stretch GROUP BY ALL
"""


def movements(duckdb: DuckDBPyConnection, ends_on: date) -> tuple[list[PairMovement], int]:
    """The movements of each pair, and how many lines are not right."""
    rows = duckdb.execute(_MOVEMENTS, {"ends_on": ends_on}).fetchall()
    return [PairMovement(*row[:9]) for row in rows], sum(row[9] for row in rows)


def bases(duckdb: DuckDBPyConnection, agreements: Agreements) -> Iterator[tuple[Side, Basis]]:
    """What the charges of the partners that are charged follow from; an event is in no other stretch."""
    versions = ", ".join("(?, ?, ?::DATE, ?::DATE)" for _ in _versions(agreements))
    values = [value for version in _versions(agreements) for value in version]
    for row in duckdb.execute(_BASES.format(versions=versions), values).fetchall():
        yield Side(*row[:6]), Basis(*row[6:])


def _versions(agreements: Agreements) -> list[tuple[str, int, date, date]]:
    """Each version of who is charged with its first day and the first day of the next; never, if there is none."""
    rows = []
    for partner in sorted(agreements.charged):
        versions = agreements.versions(partner)
        ends = [*(later.valid_from for later in versions[1:]), date.max]
        rows += [(partner, one.version, one.valid_from, end) for one, end in zip(versions, ends, strict=True)]
    return rows


_SUMMED = "event, origin, points, amount_minor, currency, business_date"
_BASES = f"""
    WITH version(partner, version, valid_from, until) AS (VALUES {{versions}}),
    cleared AS (
        SELECT *, coalesce(nullif(points_of, ''), issuer) AS owner FROM stretch WHERE issuer <> redeemer
    ), sided AS (
        SELECT owner AS partner, '{FUNDED}' AS side, price_numerator, price_denominator, {_SUMMED}
        FROM cleared WHERE kind = '{ISSUE}' AND redeemer = '{FUND}'
        UNION ALL SELECT owner, '{ISSUED}', 0, 1, {_SUMMED}
        FROM cleared WHERE kind = '{REIMBURSEMENT}' AND owner <> redeemer
        UNION ALL SELECT redeemer, '{REDEEMED}', 0, 1, {_SUMMED}
        FROM cleared WHERE kind = '{REIMBURSEMENT}' AND owner <> redeemer
    )
    SELECT partner, version, side, currency, price_numerator, price_denominator,
        CASE side WHEN '{FUNDED}' THEN count(*) ELSE count(DISTINCT event) FILTER (origin = '') END,
        sum(points), sum(amount_minor)
    FROM sided JOIN version USING (partner) WHERE business_date >= valid_from AND business_date < until
    GROUP BY partner, version, side, currency, price_numerator, price_denominator
"""
