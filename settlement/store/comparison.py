"""Compare the obligations of a cycle with the hub's ledger, line by line and pair by pair.

The ledger side is a SELECT that the caller gives: the same lines, derived from the transfers and priced
again. It is read once, cut to the cycle by the same rule as the obligations, and joined with them in full, so
a line that is missing on either side is found as well as one that differs. Only rows that differ leave the
database, and the ledger's sums by pair.

To price each line again takes most of that, and is done by whoever recomputes the cycle from its lines too. So the
caller may give its lines in two parts, see `PartedLedger`, and where both agree nothing more is asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from settlement.core.findings import KEPT, Finding
from settlement.core.lines import row_name
from settlement.core.parties import FUND, LEDGER_KINDS, REIMBURSEMENT
from settlement.core.positions import Position, pair_name
from settlement.store.tables import obligation
from settlement.store.window import Window, within

_KEY = ("partner_id", "event_id", "line")
_FIELDS = ("issuer", "redeemer", "points", "amount_minor", "currency", "business_date", "origin", "kind", "points_of")
_PAIR = ("issuer", "redeemer", "currency")
_PRICE = ("price_version", "price_numerator", "price_denominator")
_PRICED_FIELDS = ("issuer", "redeemer", "points", "currency", "business_date", *_PRICE)


class PartedLedger(NamedTuple):
    """A ledger's lines in two parts, and whole; only where no fund pays for points."""

    whole: Select[Any]
    """All lines with what they are worth, as `compare_with_ledger` wants them."""
    priced: Select[Any]
    """Those of redemptions with `price_version`, `price_numerator` and `price_denominator`, not what they are worth."""
    others: Select[Any]
    """All others, with the columns of the whole."""


Ledger = Select[Any] | PartedLedger


def compare_with_ledger(
    connection: Connection, window: Window, ledger: Ledger, stated: Sequence[Position], *, recomputed: bool = False
) -> list[Finding]:
    """Findings for each line and each pair of a cycle on which the ledger and settlement differ.

    What the ledger does not know of, settlement's own adjustments, is added to its pairs. `recomputed` says that each
    line was found to be worth what its price and its event give, and the stated positions to be the lines' sums. Then
    a parted ledger need not be priced again: same lines at the same prices are the same amounts and the same sums.
    """
    if isinstance(ledger, PartedLedger):
        if recomputed and _agrees(connection, window, ledger):
            return []
        ledger = ledger.whole
    ours = _lines_within(obligation, window).where(obligation.c.kind.in_(LEDGER_KINDS)).cte("ours")
    theirs = _lines_within(ledger.subquery("ledger"), window).cte("theirs").prefix_with("MATERIALIZED")
    own = _lines_within(obligation, window).where(obligation.c.kind.not_in(LEDGER_KINDS)).cte("own")
    both = union_all(select(theirs), select(own)).cte("both")
    asked = union_all(_different_lines(ours, theirs), _doubled_lines(theirs), _pairs(both))
    findings, pairs = [], []
    for kind, one, other in connection.execute(asked):
        if kind == "pair":
            pairs.append(other)
        else:
            findings.append(_line_finding(one, other) if kind == "line" else _doubled(other))
    return sorted(findings) + _pair_findings(stated, pairs)


def _lines_within(lines: FromClause, window: Window, fields: Sequence[str] = _FIELDS) -> Select[Any]:
    columns = [lines.c[name] for name in (*_KEY, *fields)]
    return select(*columns, literal(True).label("is_there")).where(within(lines, window))


def _agrees(connection: Connection, window: Window, ledger: PartedLedger) -> bool:
    """Whether both parts of a ledger have the same lines as the obligations, each once."""
    is_priced = and_(
        obligation.c.kind == REIMBURSEMENT,
        obligation.c.origin == "",
        obligation.c.points_of == "",
        obligation.c.issuer != FUND,
    )
    is_other = and_(obligation.c.kind.in_(LEDGER_KINDS), not_(is_priced))
    parts = ((ledger.priced, is_priced, _PRICED_FIELDS), (ledger.others, is_other, _FIELDS))
    return all(_same(connection, window, lines, ours, fields) for lines, ours, fields in parts)


def _same(
    connection: Connection, window: Window, ledger: Select[Any], of_ours: ColumnElement[bool], fields: Sequence[str]
) -> bool:
    ours = _lines_within(obligation, window, fields).where(of_ours).cte("ours")
    theirs = _lines_within(ledger.subquery("ledger"), window, fields).cte("theirs")
    is_other = _differ(ours, theirs, (*fields, "is_there"))
    joined = ours.join(theirs, _same_key(ours, theirs), full=True)
    # A line of ours is there once, its key says so; so as many pairs as lines of ours is each of theirs once too.
    asked = select(func.count(), func.count().filter(is_other)).select_from(joined)
    pairs, different = connection.execute(asked).one()
    return different == 0 and pairs == connection.execute(select(func.count()).select_from(ours)).scalar_one()


def _different_lines(ours: CTE, theirs: CTE) -> Select[Any]:
    joined = ours.join(theirs, _same_key(ours, theirs), full=True)
    found = select(literal("line"), _document(ours), _document(theirs)).select_from(joined)
    return select(found.where(_differ(ours, theirs, _FIELDS)).limit(KEPT).subquery())


def _same_key(ours: CTE, theirs: CTE) -> ColumnElement[bool]:
    return and_(*(ours.c[name] == theirs.c[name] for name in _KEY))


def _differ(ours: CTE, theirs: CTE, names: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(ours.c[name].is_distinct_from(theirs.c[name]) for name in names))


def _doubled_lines(theirs: CTE) -> Select[Any]:
    key = [theirs.c[name] for name in _KEY]
    named = func.jsonb_build_object(*_named(theirs, _KEY), "times", func.count(), type_=JSONB)
    found = select(literal("double"), cast(null(), JSONB), named).group_by(*key).having(func.count() > 1)
    return select(found.limit(KEPT).subquery())


def _pairs(theirs: CTE) -> Select[Any]:
    amounts = ((name, func.sum(theirs.c[name])) for name in ("points", "amount_minor"))
    sums = ("lines", func.count(), *itertools.chain(*amounts))
    named = func.jsonb_build_object(*_named(theirs, _PAIR), *sums, type_=JSONB)
    return select(literal("pair"), cast(null(), JSONB), named).group_by(*(theirs.c[name] for name in _PAIR))


def _document(side: CTE) -> ColumnElement[Any]:
    """A side's row as one value, NULL when that side has none."""
    document = func.jsonb_build_object(*_named(side, _KEY + _FIELDS), type_=JSONB)
    return case((side.c.is_there, document), else_=cast(null(), JSONB))


def _named(side: CTE, names: Sequence[str]) -> list[Any]:
    return [item for name in names for item in (name, side.c[name])]


def _line_finding(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> Finding:
    if ours is None:
        assert theirs is not None
        return Finding("ledger", _name(theirs), f"in the ledger ({_terms(theirs)}), no obligation of this cycle")
    if theirs is None:
        return Finding("ledger", _name(ours), f"an obligation of this cycle ({_terms(ours)}), not in the ledger")
    different = (name for name in _FIELDS if ours[name] != theirs[name])
    detail = "; ".join(f"{name} {ours[name]} in the obligation, {theirs[name]} in the ledger" for name in different)
    return Finding("ledger", _name(ours), detail)


def _doubled(theirs: Mapping[str, Any]) -> Finding:
    return Finding("ledger", _name(theirs), f"{theirs['times']} times in the ledger")


def _name(row: Mapping[str, Any]) -> str:
    return row_name(*(row[name] for name in _KEY))


def _terms(row: Mapping[str, Any]) -> str:
    amounts = f"{row['points']} points, {row['amount_minor']} minor units"
    corrected = f", correcting {row['origin']}" if row["origin"] else ""
    kind = f"{row['kind']}: " if row["kind"] != REIMBURSEMENT else ""
    return f"{kind}{pair_name(*(row[name] for name in _PAIR))}, {amounts}{corrected}"


def _pair_findings(stated: Sequence[Position], ledger: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Stated positions against the ledger's sums."""
    ours = {position[:3]: tuple(position[3:6]) for position in stated}
    theirs = {tuple(row[name] for name in _PAIR): (row["lines"], row["points"], row["amount_minor"]) for row in ledger}
    none = (0, 0, 0)
    both = [(pair, ours.get(pair, none), theirs.get(pair, none)) for pair in sorted({*ours, *theirs}, key=str)]
    return [
        Finding("ledger position", pair_name(*pair), f"{_sums(one)} stated, {_sums(other)} in the ledger")
        for pair, one, other in both
        if one != other
    ]


def _sums(sums: Sequence[int]) -> str:
    return f"{sums[0]} lines of {sums[1]} points and {sums[2]} minor units"
