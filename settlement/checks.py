"""The self-checks that stand before publication, and the audit of a cycle that is public.

Five things must hold, and each finding names the row that breaks one:

1. every obligation is in exactly one cycle, and no event is corrected by more than it came to; 2. the nets of each
currency add up to zero; 3. the lines and positions of the hub's ledger equal those of the obligations; 4. statement
totals, added up partner by partner, equal the positions; 5. every obligation still gives the digest it was recorded
with and is worth what its event is, and positions, charges and cycle digest equal those that an auditor finds from the
lines, with the same code.

Over these stands the chain of moves: a cut-off, a result or a move that was changed by hand no longer fits
its digest.
"""

from __future__ import annotations

from itertools import pairwise

from sqlalchemy import Connection, func, insert, select

from settlement.core.findings import Finding, Findings
from settlement.core.moves import CALCULATED, PUBLISHED, result_subject
from settlement.core.verification import Claims, compare_dues
from settlement.disputes.dispute_check import check_disputes
from settlement.errors import ContractRefused, NotBalanced, NotPublished, SettlementRefused, UnknownCycle
from settlement.history_check import check_history
from settlement.store.comparison import Ledger, compare_with_ledger
from settlement.store.dues import ask_dues
from settlement.store.history import lock_in_state, moves_of, one_at_a_time
from settlement.store.origins import taken_back_too_much
from settlement.store.results import load_claims
from settlement.store.tables import cycle_check, cycle_result, obligation
from settlement.store.window import Window, cut_offs, lines_of, seen_by, window_of, within


def check(connection: Connection, cycle: str, ledger: Ledger) -> list[Finding]:
    """Run all self-checks on a calculated cycle and note the outcome.

    `ledger` selects the same lines as the hub derives them from its transfers, with the columns partner_id,
    event_id, line, issuer, redeemer, points, amount_minor, currency, business_date, origin ('' unless it is a
    correction), kind, points_of ('' unless the fund owes) and tx; it may reach over all cycles, and be parted, see
    `settlement.store.comparison.PartedLedger`. An empty list means that all is well.
    """
    with one_at_a_time(cycle):
        lock_in_state(connection, cycle, CALCULATED)
        findings, subject = _run(connection, cycle, ledger)
        connection.execute(insert(cycle_check), {"cycle": cycle, "findings": len(findings), "digest": subject})
    return findings


def audit(connection: Connection, cycle: str, ledger: Ledger) -> list[Finding]:
    """Run all self-checks on a published cycle against what was stored then; changes nothing.

    Raises `NotPublished`.
    """
    moves = moves_of(connection, cycle)
    if not any(move.state == PUBLISHED for move in moves):
        raise NotPublished(f"cycle {cycle} is not published")
    return _run(connection, cycle, ledger)[0]


def _run(connection: Connection, cycle: str, ledger: Ledger) -> tuple[list[Finding], bytes]:
    """All findings, and the subject of the stored result, see `result_subject`."""
    try:
        window = window_of(connection, cycle)
        claims = load_claims(connection, window)
    except UnknownCycle as gone:
        return [Finding("history", f"cycle row {cycle}", str(gone))], b""
    found = Findings()
    found.extend(check_history(connection, window, claims))
    found.extend(_in_one_cycle(connection, window, ledger))
    found.extend(taken_back_too_much(connection, window))
    recomputed = _recompute(connection, window, claims)
    found.extend(compare_with_ledger(connection, window, ledger, claims.positions, recomputed=not recomputed))
    found.extend(recomputed)
    found.extend(_dues(connection, window, claims))
    found.extend(check_disputes(connection, window))
    return found.listed(), result_subject(claims)


def _in_one_cycle(connection: Connection, window: Window, ledger: Ledger) -> list[Finding]:
    """Obligations in any cycle so far against the sum of what the cycles counted; if they differ, which and where."""
    known = cut_offs(connection)[: window.at.number]
    counted = {row.cycle: row.lines for row in connection.execute(select(cycle_result))}
    in_any = select(func.count()).select_from(obligation).where(seen_by(obligation, window.at))
    if connection.execute(in_any).scalar() == sum(counted.get(cut.cycle, 0) for cut in known):
        return []
    findings: list[Finding] = []
    for before, cut in pairwise([None, *known]):
        assert cut is not None
        findings += _counted_right(connection, Window(cut, before), counted.get(cut.cycle), ledger, window)
    return findings


def _counted_right(
    connection: Connection, other: Window, counted: int | None, ledger: Ledger, checked: Window
) -> list[Finding]:
    cycle = other.at.cycle
    in_it = select(func.count()).select_from(obligation).where(within(obligation, other))
    found = connection.execute(in_it).scalar()
    if counted is None:
        return [Finding("one cycle", f"cycle {cycle}", f"was cut off with {found} obligations and never calculated")]
    if found == counted:
        return []
    findings = [Finding("one cycle", f"cycle {cycle}", f"{counted} obligations counted, {found} found")]
    if other.at != checked.at:
        findings += compare_with_ledger(connection, other, ledger, load_claims(connection, other).positions)
    return findings


def _dues(connection: Connection, window: Window, claims: Claims) -> list[Finding]:
    """Dues against what nets, contracts and the cycle before give; a cycle from before there were any has none."""
    if not claims.dues:
        return []
    try:
        found = ask_dues(connection, window, claims)
    except (ContractRefused, NotBalanced, SettlementRefused) as broken:
        return [Finding("due", f"cycle {claims.cycle}", str(broken))]
    return compare_dues(claims.dues, found)


def _recompute(connection: Connection, window: Window, claims: Claims) -> list[Finding]:
    """The cycle as an auditor recomputes it, from the lines alone."""
    # DuckDB and pyarrow are loaded by who closes a cycle, and not by all who serve requests.
    from settlement.exports.lines import LINE, by_event
    from settlement.recomputation.cycle import Recomputation
    from settlement.store.line_stream import line_tables

    with Recomputation(claims) as recomputation:
        for stretch in by_event(line_tables(connection, lines_of(window), LINE)):
            recomputation.add(stretch)
        return recomputation.finish()
