"""What is asked of the lines of several cycles together; the cycles are numbered from 0 in their order."""

from __future__ import annotations

from settlement.core.parties import ADJUSTMENT

LINES = "CREATE VIEW line AS {union}"

TWICE = """
    WITH doubtful AS (SELECT hash(partner_id, event_id, line) AS h FROM line GROUP BY h HAVING count(*) > 1)
    SELECT partner_id, event_id, line, list(DISTINCT cycle) FROM line
    WHERE hash(partner_id, event_id, line) IN (SELECT h FROM doubtful)
    GROUP BY partner_id, event_id, line HAVING count(DISTINCT cycle) > 1 ORDER BY ALL LIMIT ?
"""
"""Obligations of more than one cycle: first by hash, which needs little memory, then by name."""

_SETTLED = """
    corrected AS (SELECT DISTINCT origin FROM line WHERE origin <> ''),
    origin_line AS (
        SELECT corrected.origin, line.* EXCLUDE (origin)
        FROM line JOIN corrected ON corrected.origin = line.partner_id || '/' || line.event_id
    )
"""
WRONG_ORIGINS = f"""
    WITH {_SETTLED}, settled AS (SELECT origin, min(cycle) AS first_cycle FROM origin_line GROUP BY origin)
    SELECT partner_id, event_id, line, cycle, origin, origin_cycle, first_cycle
    FROM line LEFT JOIN settled USING (origin) LEFT JOIN cycle_name ON cycle_name.number = first_cycle
    WHERE origin <> '' AND origin_cycle <> coalesce(cycle_name.name, '')
        AND (first_cycle IS NOT NULL OR NOT list_contains($believed, origin_cycle))
    ORDER BY cycle, line.number LIMIT $most
"""
"""Corrections that name another cycle for their origin than the first that has a line of it; `$believed` are cycles
that are not here, in which an origin that is not here may have been settled."""

_SUMMED = "issuer, redeemer, currency, points, amount_minor"
OVERDRAWN = f"""
    WITH {_SETTLED}, both_sides AS (
        SELECT origin, {_SUMMED}, false AS corrects FROM origin_line
        UNION ALL
        SELECT origin, {_SUMMED}, true FROM line
        WHERE origin IN (SELECT origin FROM origin_line) AND kind <> '{ADJUSTMENT}'
    )
    SELECT origin, issuer, redeemer, currency, sum(points) AS points, sum(amount_minor) AS minor
    FROM both_sides GROUP BY origin, issuer, redeemer, currency
    HAVING (sum(points) FILTER (corrects) < 0 AND sum(both_sides.points) < 0)
        OR (sum(amount_minor) FILTER (corrects) < 0 AND sum(amount_minor) < 0)
    ORDER BY ALL LIMIT ?
"""
"""Events of these cycles of which more was taken back than they came to, as `settlement.store.origins` asks it."""
