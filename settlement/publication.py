"""Publication of a cycle by two people: one proposes it, another one approves it.

Both run all self-checks in their own transaction. The approval names the digest of what was proposed: the moves up to
the calculation, the figures as they are stored, and the days that each later step has. Whatever of it changes, the
digest changes, and the proposal is approved no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from settlement import approvals
from settlement.approvals import Approval
from settlement.checks import check
from settlement.core.deadlines import Days, from_publication
from settlement.core.moves import (
    CALCULATED,
    PUBLICATION,
    PUBLISHED,
    Move,
    next_move,
    publication_digest,
    published_subject,
    result_subject,
)
from settlement.core.people import signed
from settlement.errors import SettlementRefused
from settlement.store.comparison import Ledger
from settlement.store.deadlines import store_deadlines
from settlement.store.history import add_move, hold, lock_in_state, one_at_a_time
from settlement.store.results import load_claims
from settlement.store.window import window_of


class Rules(NamedTuple):
    """What the coalition asks of its operators: the days of each step, and whether operators must be registered."""

    days: Days = Days()
    registered: bool = False


USUAL = Rules()
"""What holds where the coalition says nothing else."""


def propose(
    connection: Connection, cycle: str, ledger: Ledger, *, author: str, at: datetime, rules: Rules = USUAL
) -> Approval:
    """Check a calculated cycle and propose its publication; the answer's digest is what a second operator approves.

    Raises `SettlementRefused` with findings when a self-check fails, and `ApprovalRefused`.
    """
    maker = signed(author, at)
    with one_at_a_time(cycle):
        lock_in_state(connection, cycle, CALCULATED)
        _refuse_findings(connection, cycle, ledger)
        digest = _present(connection, cycle, hold(connection, cycle), rules)
        return approvals.propose(
            connection, PUBLICATION, cycle, digest, maker=maker, at=at, registered=rules.registered
        )


def publish(
    connection: Connection,
    cycle: str,
    ledger: Ledger,
    *,
    digest: bytes,
    author: str,
    at: datetime,
    rules: Rules = USUAL,
) -> Move:
    """Approve what was proposed with `digest`, check it once more, and make the cycle public under its cycle digest.

    Raises `ApprovalRefused`, and `SettlementRefused` with findings when a self-check fails now.
    """
    approver = signed(author, at)
    with one_at_a_time(cycle):
        moves = hold(connection, cycle)
        if not any(move.state == CALCULATED for move in moves):
            lock_in_state(connection, cycle, CALCULATED)
        approved = approvals.approve(
            connection,
            PUBLICATION,
            cycle,
            stated=digest,
            present=_present(connection, cycle, moves, rules),
            approver=approver,
            at=at,
            registered=rules.registered,
        )
        _refuse_findings(connection, cycle, ledger)
        deadlines = from_publication(at.date(), rules.days)
        store_deadlines(connection, cycle, deadlines)
        claims = load_claims(connection, window_of(connection, cycle))
        subject = published_subject(claims.digest, approved.digest, deadlines)
        move = next_move(moves[-1], cycle, PUBLISHED, approver, at, subject, approved.maker)
        add_move(connection, move)
    return move


def withdraw(connection: Connection, cycle: str, *, author: str, at: datetime, reason: str) -> Approval:
    """Make a proposal void because it, or the cycle, is wrong; raises `SettlementRefused` when none waits."""
    with one_at_a_time(cycle):
        hold(connection, cycle)
        gone = approvals.withdraw(connection, PUBLICATION, cycle, author=signed(author, at), at=at, reason=reason)
    if gone is None:
        raise SettlementRefused(f"no publication of cycle {cycle} waits for a second operator")
    return gone


def proposal_of(connection: Connection, cycle: str) -> Approval | None:
    """The last proposal to publish a cycle, however it was decided."""
    found = approvals.of_subject(connection, PUBLICATION, cycle)
    return found[-1] if found else None


def _present(connection: Connection, cycle: str, moves: list[Move], rules: Rules) -> bytes:
    """The digest of what there is to publish now."""
    calculated = [move for move in moves if move.state == CALCULATED][-1]
    result = result_subject(load_claims(connection, window_of(connection, cycle)))
    return publication_digest(cycle, calculated, result, rules.days)


def _refuse_findings(connection: Connection, cycle: str, ledger: Ledger) -> None:
    findings = check(connection, cycle, ledger)
    if findings:
        raise SettlementRefused(f"cycle {cycle} does not add up and was not published", findings)
