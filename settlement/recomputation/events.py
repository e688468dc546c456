"""Which events of a stretch are plainly right, asked of DuckDB about all of them at once.

An event is plainly right when every line of it is one of two: of a redemption whose points are not paid for at issue,
with the terms that the event's other lines have, and its part of the event's value by largest remainder; or a line by
which points were paid for at issue, with its own points and price. What is more than that, corrections, parts of the
fund, breakage, adjustments, and whatever is wrong, is handed to `settlement.core.event_lines`, which decides.

So this may doubt an event that is right, and must never vouch for one that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable

from settlement.core.parties import FUND, FUND_LINES, ISSUE, REIMBURSEMENT

_SAFE = 1 << 62
_RANK = f"(line - remainder * {FUND_LINES})"
"""The order in which lines get a unit that is left over: largest remainder first, of equal ones the earlier line."""


def doubtful_events(funded: Iterable[str], number: str) -> str:
    """The query that gives the number of each event of `stretch` that is not plainly right.

    `funded` are the partners that may pay for points at issue; their redemptions are never plain. `number` is the type
    to count with, see `number_type`.
    """
    no_issuers = ", ".join(map(_quoted, [FUND, *funded]))
    plain = f"kind = '{REIMBURSEMENT}' AND issuer NOT IN ({no_issuers})"
    own = f"kind = '{ISSUE}' AND issuer <> '{FUND}' AND amount_minor = {_value('points', number)}"
    return f"""
    WITH line AS (
        SELECT event, line, points::{number} AS points, amount_minor::{number} AS amount_minor,
            price_numerator, price_denominator, {plain} AS redeemed,
            origin = '' AND points_of = '' AND points > 0 AND amount_minor >= 0 AND line < {FUND_LINES}
                AND price_numerator BETWEEN 0 AND {_SAFE} AND price_denominator BETWEEN 1 AND {_SAFE}
                AND points < {_SAFE} AND amount_minor < {_SAFE}
                AS is_simple,
            CASE WHEN is_simple AND same_terms THEN redeemed OR {own} ELSE false END AS is_plain
        FROM stretch
    ), event AS (
        SELECT event, bool_and(is_plain) AS is_plain, count(*) AS lines,
            any_value(price_numerator) AS price_numerator, any_value(price_denominator) AS price_denominator,
            sum(points) FILTER (redeemed AND is_simple)::{number} AS points,
            sum(amount_minor) FILTER (redeemed AND is_simple)::{number} AS minor
        FROM line GROUP BY event
    ), worth AS (
        SELECT *, CASE WHEN is_plain AND points < {_SAFE} AND minor < {_SAFE}
            THEN minor = {_value("points", number)} ELSE is_plain AND points IS NULL END AS holds
        FROM event
    ), part AS (
        SELECT line.event, line.line, line.amount_minor,
            (worth.minor * line.points) // worth.points AS least,
            (worth.minor * line.points) % worth.points AS remainder
        FROM line JOIN worth USING (event) WHERE worth.holds AND worth.lines > 1 AND line.redeemed
    ), split AS (
        SELECT event FROM part GROUP BY event HAVING bool_or(amount_minor <> least AND amount_minor <> least + 1)
            OR max({_RANK}) FILTER (amount_minor > least) > min({_RANK}) FILTER (amount_minor = least)
    )
    SELECT event FROM worth WHERE NOT holds UNION ALL SELECT event FROM split
    """


def number_type(points: int, minor: int, numerator: int) -> str:
    """A type in which nothing overflows; given are the sums of points and money of a stretch, and its largest price.

    64 bits are several times as fast as 128 and nearly always enough.
    """
    fits = points < 1 << 30 and points * max(numerator, minor) < _SAFE
    return "BIGINT" if fits else "HUGEINT"


def _value(points: str, number: str) -> str:
    """As `settlement.core.pricing.value_minor`, rounded half to even, for points of at least zero."""
    product, denominator = f"({points}::{number} * price_numerator)", "price_denominator"
    whole, twice = f"({product} // {denominator})", f"(2 * ({product} % {denominator}))"
    up = f"{twice} > {denominator} OR ({twice} = {denominator} AND {whole} % 2 = 1)"
    return f"({whole} + ({up})::INT)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
