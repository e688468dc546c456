"""What follows from the figures of a cycle without its lines: what is due and carried, and what is booked.

Dues rest on nets, charges, contracts and what the cycle before carried, which is taken from the dues themselves and
held against that cycle where it is at hand (`settlement.recomputation.chain`). The books of a cycle are what its lines,
charges and dues post; what payments, security and write-offs post does not come from lines and is not exported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from settlement.core.agreements import Agreements
from settlement.core.books.of_cycles import Settled, Sum, entries_of
from settlement.core.books.rows import BookedRow, rows_of
from settlement.core.charges import Charge, owed_for
from settlement.core.dues import Due, dues, dues_of_nets, least_of
from settlement.core.findings import Finding
from settlement.core.netting import Net
from settlement.core.statement_balances import PairMovement
from settlement.core.verification import Claims, compare_books, compare_dues
from settlement.errors import NotBalanced


def compare_consequences(
    claims: Claims,
    booked: Sequence[BookedRow],
    pairs: Iterable[PairMovement],
    nets: Sequence[Net],
    charges: Sequence[Charge],
) -> list[Finding]:
    """Findings for each due and each posting that is not what pairs, nets and charges, as they were found, give."""
    agreements = Agreements(claims.contracts)
    try:
        found = _dues(claims, agreements, nets, charges)
        settled = Settled(claims.cycle, claims.ends_on, _sums(pairs), charges, found or dues_of_nets(nets))
        books = rows_of(entries_of(settled, agreements))
    except NotBalanced as broken:
        return [Finding("due", f"cycle {claims.cycle}", str(broken))]
    except KeyError as unknown:
        return [Finding("books", f"cycle {claims.cycle}", f"nothing says how to book {unknown}")]
    return [*compare_dues(claims.dues, found), *compare_books(booked, books)]


def _dues(claims: Claims, agreements: Agreements, nets: Sequence[Net], charges: Sequence[Charge]) -> Sequence[Due]:
    """What is due and carried; nothing for a cycle from before there were dues."""
    if not claims.dues:
        return []
    brought = {due[:2]: due.brought_minor for due in claims.dues if due.brought_minor}
    least_minor = least_of(partial(agreements.terms_on, day=claims.ends_on), claims.ends_on)
    return dues({net[:2]: net.net_minor for net in nets}, owed_for(charges), brought, least_minor)


def _sums(pairs: Iterable[PairMovement]) -> list[Sum]:
    sums: defaultdict[tuple[str, str, str, str, str], int] = defaultdict(int)
    for one in pairs:
        sums[one.issuer, one.redeemer, one.kind, one.points_of, one.currency] += one.amount_minor
    return sorted(Sum(*key, minor) for key, minor in sums.items())
