"""Cycles: the moves an operator makes, and what there is to see of them.

    open -> cut_off -> calculated -> published

Every move happens in the caller's transaction and adds a row with its author and moment; the key of that row
makes it compare-and-set. A cycle that was cut off takes nothing more: what comes later goes to the next
cycle. Publishing asks for a run of the self-checks in the same transaction that found nothing.

`close` makes all the moves. Run it in one transaction: if a self-check refuses, everything is taken back with
it, and the cycle can be closed once the rows it names are repaired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from settlement.checks import audit, check, found_clean
from settlement.core.digests import cycle_digest
from settlement.core.dues import Due
from settlement.core.moves import (
    CALCULATED,
    CUT_OFF,
    OPEN,
    Move,
    cut_off_subject,
    next_move,
    result_subject,
)
from settlement.core.netting import Net, PairExplanation, Saving, explain_pairs, savings
from settlement.core.periods import Period, Timetable, last_day, period
from settlement.core.positions import Position
from settlement.errors import SettlementRefused, UnknownCycle
from settlement.store.cutting import insert_cut_off
from settlement.store.dues import ask_dues
from settlement.store.history import (
    add_move,
    lock_in_state,
    moves_by_cycle,
    moves_of,
    one_at_a_time,
    standing,
)
from settlement.store.results import ask_claims, load_claims, store_claims
from settlement.store.tables import cycle_result, obligation
from settlement.store.timetable import timetable, timetable_for_cut_off
from settlement.store.window import cut_offs, unseen_by, window_of

__all__ = [
    "CycleSummary",
    "CycleView",
    "audit",
    "calculate",
    "check",
    "close",
    "cut_off",
    "listing",
    "publish",
    "show",
]


class CycleSummary(NamedTuple):
    """One line of the list of cycles; `lines` is None between cut-off and calculation."""

    cycle: str
    state: str
    ends_on: date
    lines: int | None
    digest: bytes | None
    since: datetime | None


class CycleView(NamedTuple):
    """A cycle with its gross matrix, nets and their explanation; empty until it is calculated.

    `pairs` gives the gross both ways of each two partners, `savings` what netting saved in each currency, `dues` what
    of the nets is paid now.
    """

    cycle: str
    state: str
    ends_on: date
    lines: int
    digest: bytes | None
    moves: Sequence[Move]
    positions: Sequence[Position]
    nets: Sequence[Net]
    pairs: Sequence[PairExplanation]
    savings: Sequence[Saving]
    dues: Sequence[Due]


def close(connection: Connection, cycle: str, ledger: Select[Any], *, author: str, at: datetime) -> CycleView:
    """Make every move of a cycle that is missing up to publication.

    Raises `SettlementRefused` with findings when a self-check fails; the caller then rolls back.
    """
    moves = moves_of(connection, cycle)
    state = moves[-1].state if moves else OPEN
    if state == OPEN:
        cut_off(connection, cycle, author=author, at=at)
    if state in {OPEN, CUT_OFF}:
        calculate(connection, cycle, author=author, at=at)
    findings = check(connection, cycle, ledger)
    if findings:
        raise SettlementRefused(f"cycle {cycle} does not add up and was not published", findings)
    publish(connection, cycle, author=author, at=at)
    return show(connection, cycle)


def cut_off(connection: Connection, cycle: str, *, author: str, at: datetime) -> Move:
    """Fix which obligations are in the cycle: those committed now with a business date not after its last
    day.

    Raises `SettlementRefused` when this cycle, or a later one, was cut off before, and `UnknownCycle` when the calendar
    that holds on its days has no such cycle.
    """
    _refuse_unsigned(author, at)
    with one_at_a_time(cycle):
        _refuse_other_calendar(timetable_for_cut_off(connection), cycle)
        cut = insert_cut_off(connection, cycle, last_day(cycle))
        if cut is None:
            raise SettlementRefused(_why_not_cut_off(connection, cycle))
        move = next_move(None, cycle, author, at, cut_off_subject(*cut))
        add_move(connection, move)
    return move


def calculate(connection: Connection, cycle: str, *, author: str, at: datetime) -> Move:
    """Add up positions, nets, statement totals and dues of a cycle that is cut off, and write them down.

    Raises `SettlementRefused` when the cycle before was cut off and not calculated.
    """
    _refuse_unsigned(author, at)
    with one_at_a_time(cycle):
        before = lock_in_state(connection, cycle, CUT_OFF)
        window = window_of(connection, cycle)
        found = ask_claims(connection, window)
        claims = found._replace(dues=ask_dues(connection, window, found))
        store_claims(connection, claims)
        move = next_move(before, cycle, author, at, result_subject(claims))
        add_move(connection, move)
    return move


def publish(connection: Connection, cycle: str, *, author: str, at: datetime) -> Move:
    """Make a calculated cycle public under its cycle digest.

    Raises `SettlementRefused` unless `check` ran in this transaction, found nothing, and saw the same
    positions.
    """
    _refuse_unsigned(author, at)
    with one_at_a_time(cycle):
        before = lock_in_state(connection, cycle, CALCULATED)
        claims = load_claims(connection, window_of(connection, cycle))
        if not found_clean(connection, cycle, result_subject(claims)):
            raise SettlementRefused(f"cycle {cycle} was not checked in this transaction, or did not add up")
        move = next_move(before, cycle, author, at, cycle_digest(claims.positions))
        add_move(connection, move)
    return move


def show(connection: Connection, cycle: str) -> CycleView:
    """A cycle as it stands; raises `UnknownCycle` when its name is none or nothing can be in it any more."""
    moves = moves_of(connection, cycle)
    if len(moves) < 2:
        return _without_result(connection, cycle, moves)
    claims = load_claims(connection, window_of(connection, cycle))
    return CycleView(
        cycle,
        moves[-1].state,
        claims.ends_on,
        claims.lines,
        claims.digest,
        moves,
        claims.positions,
        claims.nets,
        explain_pairs(claims.positions),
        savings(claims.positions),
        claims.dues,
    )


def listing(connection: Connection) -> list[CycleSummary]:
    """Every cycle that was cut off, in order, then the open ones that have obligations already."""
    results = {row.cycle: row for row in connection.execute(select(cycle_result))}
    moves = moves_by_cycle(connection)
    closed = []
    for cut in cut_offs(connection):
        last, result = moves[cut.cycle][-1], results.get(cut.cycle)
        lines, digest = (result.lines, result.digest) if result else (None, None)
        closed.append(CycleSummary(cut.cycle, last.state, cut.ends_on, lines, digest, last.at))
    waiting = _open_lines(connection)
    ordered = sorted(waiting, key=lambda one: one.last_day)
    return closed + [CycleSummary(one.cycle, OPEN, one.last_day, waiting[one], None, None) for one in ordered]


def _open_lines(connection: Connection) -> Counter[Period]:
    """How many obligations wait for each open cycle; late ones wait for the first after the last cut-off."""
    known, table = cut_offs(connection), timetable(connection)
    query = select(obligation.c.business_date, func.count()).group_by(obligation.c.business_date)
    if known:
        query = query.where(unseen_by(obligation, known[-1]))
    first_open = known[-1].ends_on + timedelta(days=1) if known else date.min
    waiting: Counter[Period] = Counter()
    for business_date, lines in connection.execute(query):
        waiting[table.period_of(max(business_date, first_open))] += lines
    return waiting


def _without_result(connection: Connection, cycle: str, moves: Sequence[Move]) -> CycleView:
    asked = period(cycle)
    if not moves:
        known = cut_offs(connection)
        if known and asked.last_day <= known[-1].ends_on:
            raise UnknownCycle(f"there is no cycle {cycle}; {known[-1].cycle} was closed without it")
        _refuse_other_calendar(timetable(connection), cycle)
    state = moves[-1].state if moves else OPEN
    lines = 0 if moves else _open_lines(connection)[asked]
    return CycleView(cycle, state, asked.last_day, lines, None, moves, [], [], [], [], [])


def _refuse_other_calendar(table: Timetable, cycle: str) -> None:
    """Raise `UnknownCycle` unless the calendar that holds on the cycle's days has it."""
    if not table.knows(cycle):
        due = table.period_of(period(cycle).first_day)
        raise UnknownCycle(
            f"there is no cycle {cycle}: cycles are {due.calendar} then, and its first day is in {due.cycle}"
        )


def _why_not_cut_off(connection: Connection, cycle: str) -> str:
    moves = moves_of(connection, cycle)
    if moves:
        return f"{standing(moves[-1])}; it cannot be cut off again"
    known = cut_offs(connection)
    if known and last_day(cycle) <= known[-1].ends_on:
        return f"cycle {cycle} is not after {known[-1].cycle}, which was cut off; late items go to the next one"
    return f"cycle {cycle}: somebody else cut a cycle off at the same time"


def _refuse_unsigned(author: str, at: datetime) -> None:
    if not (author and author.isprintable() and len(author) <= 200):
        raise SettlementRefused("a move needs an author of 1 to 200 printable characters")
    if at.tzinfo is None:
        raise SettlementRefused("the moment of a move needs a time zone")
