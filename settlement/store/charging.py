"""What charges follow from, asked of the database: the contracts that a cycle rests on, and what its lines add up to.

A contract counts for a cycle when the cut-off could see the transaction that published it, so what is published later
never changes what was calculated. A rate of tax never begins before the end of a cycle that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import (
    Connection,
    Date,
    Integer,
    Subquery,
    Text,
    Values,
    and_,
    cast,
    column,
    distinct,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    values,
)  # fmt: skip

from settlement.core.accounts import account_digest
from settlement.core.agreements import Agreements
from settlement.core.charges import FUNDED, Basis, Charge, Side, TaxRate, charges_of
from settlement.core.contracts import ISSUED, REDEEMED, Contract
from settlement.core.parties import FUND, ISSUE, REIMBURSEMENT
from settlement.store.tables import contract, obligation, tax_rate
from settlement.store.types import Snapshot
from settlement.store.window import CutOff, Window, within


def contracts_at(connection: Connection, cut: CutOff) -> list[Contract]:
    """The versions that had been published and had begun when a cycle was cut off, by partner and number."""
    snapshot = cast(cut.snapshot, Snapshot)
    known = contract.c.tx < func.pg_snapshot_xmax(snapshot), func.pg_visible_in_snapshot(contract.c.tx, snapshot)
    query = select(contract).where(contract.c.valid_from <= cut.ends_on, *known)
    return [
        Contract(row.partner, row.version, row.valid_from, row.terms, account_digest(row.account), bytes(row.digest))
        for row in connection.execute(query.order_by(contract.c.partner, contract.c.version))
    ]


def tax_rates_at(connection: Connection, cut: CutOff) -> list[TaxRate]:
    """The rates of tax that had begun when a cycle ended, by code and day."""
    columns = [tax_rate.c[name] for name in TaxRate._fields]
    query = select(*columns).where(tax_rate.c.valid_from <= cut.ends_on).order_by(*columns)
    return [TaxRate._make(row) for row in connection.execute(query)]


def ask_charges(
    connection: Connection, window: Window, contracts: list[Contract], rates: list[TaxRate]
) -> list[Charge]:
    """The charges of a cycle, from sums that the database makes of its lines."""
    agreements = Agreements(contracts)
    bases = dict(_ask_bases(connection, window, agreements)) if agreements.charged else {}
    return charges_of(bases, agreements, rates, window.at.ends_on)


def _ask_bases(connection: Connection, window: Window, agreements: Agreements) -> Iterator[tuple[Side, Basis]]:
    version, sided = _versions(agreements), _sided(window)
    in_force = and_(sided.c.business_date >= version.c.valid_from, sided.c.business_date < version.c.until)
    side = [version.c.partner, version.c.version, sided.c.side, *(sided.c[name] for name in _PRICED)]
    event = tuple_(sided.c.partner_id, sided.c.event_id, sided.c.line)
    counted = func.count(distinct(event)).filter(or_(sided.c.side == FUNDED, sided.c.origin == ""))
    query = select(*side, counted, func.sum(sided.c.points), func.sum(sided.c.amount_minor))
    joined = sided.join(version, and_(version.c.partner == sided.c.partner, in_force))
    for row in connection.execute(query.select_from(joined).group_by(*side)):
        yield Side._make(row[:6]), Basis._make(map(int, row[6:]))


def _versions(agreements: Agreements) -> Values:
    """Each version of who is charged with its first day and the first day of the next; never, if there is none."""
    rows = []
    for partner in sorted(agreements.charged):
        versions = agreements.versions(partner)
        ends = [*(later.valid_from for later in versions[1:]), date.max]
        rows += [(partner, one.version, one.valid_from, end) for one, end in zip(versions, ends, strict=True)]
    columns = (column("partner", Text), column("version", Integer), column("valid_from", Date), column("until", Date))
    return values(*columns, name="version").data(rows)


_PRICED = ("currency", "price_numerator", "price_denominator")
_SUMMED = ("partner_id", "event_id", "points", "amount_minor", "currency", "business_date", "origin")


def _sided(window: Window) -> Subquery:
    """The lines of a cycle by partner and side, once for each; on-us lines take no part."""
    lines = select(obligation).where(within(obligation, window)).cte("lines")
    issuer = func.coalesce(func.nullif(lines.c.points_of, ""), lines.c.issuer)
    redeemed = and_(lines.c.kind == REIMBURSEMENT, issuer != lines.c.redeemer)
    funded = and_(lines.c.kind == ISSUE, lines.c.redeemer == FUND)
    summed = [lines.c[name] for name in _SUMMED]
    unpriced = [literal(0).label("line"), literal(0).label("price_numerator"), literal(1).label("price_denominator")]
    priced = [lines.c[name] for name in ("line", "price_numerator", "price_denominator")]
    sides = (
        (lines.c.issuer, FUNDED, priced, funded),
        (issuer, ISSUED, unpriced, redeemed),
        (lines.c.redeemer, REDEEMED, unpriced, redeemed),
    )
    return union_all(
        *(
            select(partner.label("partner"), literal(side).label("side"), *price, *summed).where(which)
            for partner, side, price, which in sides
        )
    ).subquery("sided")
