"""Whether the adjustments of a cycle are what disputes were decided to, and the disputes are what they were.

Each adjustment must come from exactly one decision, and each decision must have posted what it accepted, in its own
transaction and so in the same cycle. A dispute that was changed by hand no longer fits the digests of its moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, select

from settlement import approvals
from settlement.core.decided_lines import DecidedLine, decided_lines
from settlement.core.disputes import (
    ACCEPTED,
    DECIDED,
    REJECTED,
    REJECTED_AGAIN,
    SILENT,
    Case,
    DisputeMove,
    LineKey,
    adjustments,
    broken_chain,
)
from settlement.core.findings import Finding
from settlement.core.given_back import is_given_back
from settlement.core.lines import Obligation, row_name
from settlement.core.parties import ADJUSTMENT
from settlement.disputes import given_back
from settlement.store import disputes as store
from settlement.store.dispute_tables import dispute_move
from settlement.store.tables import obligation
from settlement.store.window import LINE, Window, within

_DECISIONS = (ACCEPTED, REJECTED, REJECTED_AGAIN, DECIDED)


def check_disputes(connection: Connection, window: Window) -> list[Finding]:
    """Findings on the disputes that moved in a cycle, and on its adjustments."""
    cases = store.cases(connection, store.moved_in(window))
    query = select(*LINE).where(within(obligation, window), obligation.c.kind == ADJUSTMENT)
    posted = {one[:3]: one for one in map(Obligation._make, connection.execute(query)) if not is_given_back(one)}
    days = _days(connection, window)
    decided: dict[LineKey, Obligation] = {}
    for case in cases:
        lines = store.lines_by_key(connection, [line.key for line in case.lines])
        if len(lines) == len(case.lines):
            moves = [move for move in case.moves if move[:3] in days]
            decided |= {one[:3]: one for move in moves for one in adjustments(move, lines, days[move[:3]])}
    findings = [finding for case in cases for finding in _case_holds(connection, case)]
    return findings + _differences(decided, posted) + given_back.check(connection, window)


def decided_in(connection: Connection, window: Window) -> list[DecidedLine]:
    """What was decided in a cycle of each disputed line, by the adjustments that this gives."""
    cases = store.cases(connection, store.moved_in(window))
    days = _days(connection, window)
    return sorted(
        one
        for case in cases
        for move in case.moves
        if move[:3] in days and move.state in _DECISIONS
        for one in decided_lines(case, move, days[move[:3]])
    )


def _days(connection: Connection, window: Window) -> Mapping[tuple[str, str, int], date]:
    """The business dates of the moves of a cycle."""
    rows = connection.execute(select(dispute_move).where(within(dispute_move, window)))
    return {(row.partner, row.dispute_id, row.seq): row.business_date for row in rows}


def _differences(decided: Mapping[LineKey, Obligation], posted: Mapping[LineKey, Obligation]) -> list[Finding]:
    found = []
    for key in sorted({*decided, *posted}):
        due, stated = decided.get(key), posted.get(key)
        if due is None:
            found.append(Finding("adjustment", row_name(*key), "no decision of a dispute in this cycle gives it"))
        elif stated is None:
            found.append(Finding("adjustment", row_name(*key), f"{due.amount_minor} was decided and is not posted"))
        elif due != stated:
            detail = f"{stated.amount_minor} posted, the decision gives {due.amount_minor}, or other terms"
            found.append(Finding("adjustment", row_name(*key), detail))
    return found


def _case_holds(connection: Connection, case: Case) -> Iterable[Finding]:
    broken = broken_chain(case)
    if broken is not None:
        yield _finding(case, f"move {broken} does not give its digest" if broken else "it is not what was opened")
        return
    for place, (line, minor) in enumerate(zip(case.lines, case.accepted, strict=True)):
        if not 0 <= minor <= line.minor:
            yield _finding(case, f"{minor} of the {line.minor} disputed of line {place} were accepted")
    yield from _two_people(connection, case)


def _two_people(connection: Connection, case: Case) -> Iterable[Finding]:
    """Every decision about more than the limit was approved by whom it says."""
    limit = store.rules_of(connection, case.dispute.rules).limit_minor
    approved = {
        (one.maker, one.decided_by)
        for one in approvals.of_subject(connection, "dispute", case.dispute.name)
        if one.state == approvals.APPROVED
    }
    for place, move in enumerate(case.moves[1:], 1):
        before = Case(case.dispute, case.lines, case.moves[:place])
        if _by_operator(move) and sum(before.left) > limit and (move.maker, move.author) not in approved:
            yield _finding(case, f"move {move.seq} by {move.author} needed two people")


def _by_operator(move: DisputeMove) -> bool:
    return move.state in _DECISIONS and move.author != SILENT


def _finding(case: Case, detail: str) -> Finding:
    return Finding("dispute", case.dispute.name, detail)
