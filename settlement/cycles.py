"""Cycles: the moves an operator makes up to publication, and the door to those after it.

    open -> cut_off -> calculated -> published -> final -> paid_in -> paid_out -> closed

Every move happens in the caller's transaction and adds a row with its author and moment; the key of that row
makes it compare-and-set. A cycle that was cut off takes nothing more: what comes later goes to the next
cycle. Publication takes two people, see `settlement.publication`; what comes after it is in `settlement.settling`.

`close` makes all the moves up to the proposal to publish. Run it in one transaction: if a self-check refuses,
everything is taken back with it, and the cycle can be closed once the rows it names are repaired.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from settlement import approvals
from settlement.approvals import Approval
from settlement.checks import audit, check
from settlement.core.moves import (
    CALCULATED,
    CUT_OFF,
    OPEN,
    PUBLICATION,
    Move,
    cut_off_subject,
    next_move,
    result_subject,
)
from settlement.core.people import signed
from settlement.core.periods import last_day
from settlement.cycle_views import CycleSummary, CycleView, listing, points_home, refuse_other_calendar, show
from settlement.errors import SettlementRefused
from settlement.publication import USUAL, Rules, propose, publish, withdraw
from settlement.settling import advance
from settlement.store.comparison import Ledger
from settlement.store.cutting import insert_cut_off
from settlement.store.dues import ask_dues
from settlement.store.history import add_move, lock_in_state, moves_of, one_at_a_time, standing
from settlement.store.results import ask_claims, forget_claims, store_claims
from settlement.store.timetable import timetable_for_cut_off
from settlement.store.window import cut_offs, window_of

__all__ = [
    "USUAL",
    "CycleSummary",
    "CycleView",
    "Rules",
    "advance",
    "audit",
    "calculate",
    "check",
    "close",
    "cut_off",
    "listing",
    "points_home",
    "propose",
    "publish",
    "recalculate",
    "show",
    "withdraw",
]


def close(
    connection: Connection,
    cycle: str,
    ledger: Ledger,
    *,
    author: str,
    at: datetime,
    rules: Rules = USUAL,
    progress: Callable[[str], None] = lambda step: None,
) -> Approval:
    """Make every move of a cycle that is missing up to calculation, and propose its publication.

    `progress` is told each step before it begins. Raises `SettlementRefused` with findings when a self-check fails; the
    caller then rolls back.
    """
    moves = moves_of(connection, cycle)
    state = moves[-1].state if moves else OPEN
    if state == OPEN:
        progress(f"{cycle}: cutting off")
        cut_off(connection, cycle, author=author, at=at)
    if state in {OPEN, CUT_OFF}:
        progress(f"{cycle}: calculating positions, nets and statements")
        calculate(connection, cycle, author=author, at=at)
    progress(f"{cycle}: checking every line against the ledger")
    return propose(connection, cycle, ledger, author=author, at=at, rules=rules)


def cut_off(connection: Connection, cycle: str, *, author: str, at: datetime) -> Move:
    """Fix which obligations are in the cycle: those committed now with a business date not after its last
    day.

    Raises `SettlementRefused` when this cycle, or a later one, was cut off before, and `UnknownCycle` when the
    calendar that holds on its days has no such cycle.
    """
    cutter = signed(author, at)
    with one_at_a_time(cycle):
        refuse_other_calendar(timetable_for_cut_off(connection), cycle)
        cut = insert_cut_off(connection, cycle, last_day(cycle))
        if cut is None:
            raise SettlementRefused(_why_not_cut_off(connection, cycle))
        move = next_move(None, cycle, CUT_OFF, cutter, at, cut_off_subject(*cut))
        add_move(connection, move)
    return move


def calculate(connection: Connection, cycle: str, *, author: str, at: datetime) -> Move:
    """Add up positions, nets, statement totals and dues of a cycle that is cut off, and write them down.

    Raises `SettlementRefused` when the cycle before was cut off and not calculated.
    """
    calculator = signed(author, at)
    with one_at_a_time(cycle):
        return _calculate(connection, lock_in_state(connection, cycle, CUT_OFF), calculator, at)


def recalculate(connection: Connection, cycle: str, *, author: str, at: datetime) -> Move:
    """Add a calculated cycle up again, because what it rests on was repaired; a proposal to publish it becomes void."""
    calculator = signed(author, at)
    with one_at_a_time(cycle):
        before = lock_in_state(connection, cycle, CALCULATED)
        reason = "the cycle was calculated again"
        approvals.withdraw(connection, PUBLICATION, cycle, author=calculator, at=at, reason=reason)
        forget_claims(connection, cycle)
        return _calculate(connection, before, calculator, at)


def _calculate(connection: Connection, before: Move, author: str, at: datetime) -> Move:
    window = window_of(connection, before.cycle)
    found = ask_claims(connection, window)
    claims = found._replace(dues=ask_dues(connection, window, found))
    store_claims(connection, claims)
    move = next_move(before, before.cycle, CALCULATED, author, at, result_subject(claims))
    add_move(connection, move)
    return move


def _why_not_cut_off(connection: Connection, cycle: str) -> str:
    moves = moves_of(connection, cycle)
    if moves:
        return f"{standing(moves[-1])}; it cannot be cut off again"
    known = cut_offs(connection)
    if known and last_day(cycle) <= known[-1].ends_on:
        return f"cycle {cycle} is not after {known[-1].cycle}, which was cut off; late items go to the next one"
    return f"cycle {cycle}: somebody else cut a cycle off at the same time"
