"""Whether the history of a cycle holds: cut-offs, the chain of its moves, what each established, and who approved.

A row of it that was changed by hand no longer fits the digest of a move, and each move hangs on the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from sqlalchemy import Connection

from settlement import approvals
from settlement.core.digests import cycle_digest
from settlement.core.findings import Finding
from settlement.core.moves import (
    CALCULATED,
    OPEN,
    PUBLICATION,
    PUBLISHED,
    SETTLED,
    Move,
    cut_off_subject,
    may_follow,
    move_digest,
    published_subject,
    result_subject,
    settled_subject,
)
from settlement.core.periods import last_day
from settlement.core.verification import Claims
from settlement.store.deadlines import deadlines_of
from settlement.store.history import moves_by_cycle
from settlement.store.window import CutOff, Window, cut_offs


def check_history(connection: Connection, window: Window, claims: Claims) -> list[Finding]:
    """The cut-offs up to this one, and the moves of this cycle, against their digests."""
    moves = moves_by_cycle(connection)
    findings: list[Finding] = []
    for number, cut in enumerate(cut_offs(connection)[: window.at.number], 1):
        findings += _cut_off_holds(cut, number, moves.get(cut.cycle, []))
    own = moves[window.at.cycle]
    return [*findings, *_chain_holds(own), *_subjects_hold(connection, own, claims), *_two_people(connection, own)]


def _cut_off_holds(cut: CutOff, number: int, moves: list[Move]) -> list[Finding]:
    row = f"cycle row {cut.cycle}"
    if cut.number != number:
        return [Finding("history", row, f"its number is {cut.number} where {number} is due")]
    subject = cut_off_subject(*cut)
    if cut.ends_on != last_day(cut.cycle) or not moves or moves[0].subject != subject:
        return [Finding("history", row, "last day, number or snapshot are not those it was cut off with")]
    return []


def _chain_holds(moves: list[Move]) -> list[Finding]:
    findings = []
    for place, (before, move) in enumerate(pairwise([None, *moves]), 1):
        assert move is not None
        digest_before, state_before = (before.digest, before.state) if before else (b"", OPEN)
        if move.seq != place or move.digest != move_digest(digest_before, move):
            findings.append(_finding(move, "its fields do not give the digest it was made with"))
        if not may_follow(move.state, state_before):
            findings.append(_finding(move, f"no cycle moves from {state_before} to {move.state}"))
    return findings


def _subjects_hold(connection: Connection, moves: list[Move], claims: Claims) -> Iterable[Finding]:
    """What a move established is still what is stored; of several calculations the last one's is."""
    cycle = claims.cycle
    proposals = approvals.of_subject(connection, PUBLICATION, cycle)
    approved = next((one.digest for one in proposals if one.state == approvals.APPROVED), b"")
    published = published_subject(cycle_digest(claims.positions), approved, deadlines_of(connection, cycle))
    due = {CALCULATED: result_subject(claims), PUBLISHED: published}
    due |= {state: settled_subject(state, published) for state in SETTLED}
    for move in {move.state: move for move in moves}.values():
        if move.subject != due.get(move.state, move.subject):
            text = f"{move.state} as {move.subject.hex()}, what is stored gives {due[move.state].hex()}"
            yield _finding(move, text)


def _two_people(connection: Connection, moves: list[Move]) -> Iterable[Finding]:
    """The move into publication names the two people of its approval."""
    for move in moves:
        if move.state == PUBLISHED:
            last = approvals.of_subject(connection, PUBLICATION, move.cycle)[-1:]
            people = [(one.maker, one.decided_by) for one in last if one.state == approvals.APPROVED]
            if people != ([(move.maker, move.author)] if move.maker else []):
                yield _finding(move, f"by {move.maker or 'nobody'} and {move.author}, the approval is by {people}")


def _finding(move: Move, detail: str) -> Finding:
    return Finding("history", f"move {move.cycle}/{move.seq}", detail)
