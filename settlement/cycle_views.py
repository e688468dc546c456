"""What there is to see of cycles: one with its figures, or all of them in order, each with what is due next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from settlement.approvals import Approval
from settlement.core.charges import Charge
from settlement.core.deadlines import Days, before_publication, next_deadline
from settlement.core.dues import Due
from settlement.core.moves import OPEN, Move
from settlement.core.netting import Net, PairExplanation, Saving, explain_pairs, savings
from settlement.core.parties import FUND
from settlement.core.periods import Period, Timetable, period
from settlement.core.positions import Position
from settlement.errors import UnknownCycle
from settlement.publication import proposal_of
from settlement.store.deadlines import deadlines_by_cycle, deadlines_of
from settlement.store.history import moves_by_cycle, moves_of
from settlement.store.results import ask_points_home, load_claims
from settlement.store.tables import cycle_result, obligation
from settlement.store.timetable import timetable
from settlement.store.window import cut_offs, unseen_by, window_of

DaysOf = Callable[[date], Days]
"""The days of each step of a cycle with this last day, where its publication has not fixed them yet."""


class NextStep(NamedTuple):
    """The next step of a cycle that has a deadline, that, and whether it is over."""

    step: str
    on: date
    overdue: bool


class CycleSummary(NamedTuple):
    """One line of the list of cycles; `lines` is None between cut-off and calculation, `next_step` at the end."""

    cycle: str
    state: str
    ends_on: date
    lines: int | None
    digest: bytes | None
    since: datetime | None
    next_step: NextStep | None


class CycleView(NamedTuple):
    """A cycle with its gross matrix, nets and their explanation; empty until it is calculated.

    `pairs` gives the gross both ways of each two partners, `savings` what netting saved in each currency, `dues` what
    of the nets is paid now, `charges` what contracts charge beside them, `deadlines` the day of each step, and
    `proposal` the last proposal to publish it.
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
    charges: Sequence[Charge]
    deadlines: Mapping[str, date]
    next_step: NextStep | None
    proposal: Approval | None


def _usual(ends_on: date) -> Days:
    return Days()


def show(connection: Connection, cycle: str, *, today: date = date.min, days_of: DaysOf = _usual) -> CycleView:
    """A cycle as it stands; raises `UnknownCycle` when its name is none or nothing can be in it any more."""
    asked, moves = period(cycle), moves_of(connection, cycle)
    if not moves:
        _refuse_past(connection, asked)
    state = moves[-1].state if moves else OPEN
    deadlines = deadlines_of(connection, cycle) or before_publication(asked.last_day, days_of(asked.last_day))
    after = (deadlines, _due(state, deadlines, today), proposal_of(connection, cycle))
    if len(moves) < 2:
        lines = 0 if moves else _open_lines(connection)[asked]
        return CycleView(cycle, state, asked.last_day, lines, None, moves, [], [], [], [], [], [], *after)
    claims = load_claims(connection, window_of(connection, cycle))
    explained = (claims.positions, claims.nets, explain_pairs(claims.positions), savings(claims.positions))
    found = (*explained, claims.dues, claims.charges, *after)
    return CycleView(cycle, state, claims.ends_on, claims.lines, claims.digest, moves, *found)


def points_home(connection: Connection, cycle: str) -> Sequence[Position]:
    """The points that a calculated cycle settles, by the partner that issued them and the one that redeemed them.

    The digests of these positions are empty where the fund takes part. Raises `UnknownCycle`.
    """
    window = window_of(connection, cycle)
    positions = load_claims(connection, window).positions
    if not any(FUND in position[:2] for position in positions):
        return positions
    return ask_points_home(connection, window)


def listing(connection: Connection, *, today: date = date.min, days_of: DaysOf = _usual) -> list[CycleSummary]:
    """Every cycle that was cut off, in order, then the open ones that have obligations already."""
    results = {row.cycle: row for row in connection.execute(select(cycle_result))}
    moves, fixed = moves_by_cycle(connection), deadlines_by_cycle(connection)
    found = []
    for cut in cut_offs(connection):
        last, result = moves[cut.cycle][-1], results.get(cut.cycle)
        lines, digest = (result.lines, result.digest) if result else (None, None)
        deadlines = fixed.get(cut.cycle) or before_publication(cut.ends_on, days_of(cut.ends_on))
        due = _due(last.state, deadlines, today)
        found.append(CycleSummary(cut.cycle, last.state, cut.ends_on, lines, digest, last.at, due))
    waiting = _open_lines(connection)
    for one in sorted(waiting, key=lambda one: one.last_day):
        due = _due(OPEN, before_publication(one.last_day, days_of(one.last_day)), today)
        found.append(CycleSummary(one.cycle, OPEN, one.last_day, waiting[one], None, None, due))
    return found


def refuse_other_calendar(table: Timetable, cycle: str) -> None:
    """Raise `UnknownCycle` unless the calendar that holds on the cycle's days has it."""
    if not table.knows(cycle):
        due = table.period_of(period(cycle).first_day)
        raise UnknownCycle(
            f"there is no cycle {cycle}: cycles are {due.calendar} then, and its first day is in {due.cycle}"
        )


def _due(state: str, deadlines: Mapping[str, date], today: date) -> NextStep | None:
    found = next_deadline(state, deadlines)
    return NextStep(*found, found[1] < today) if found else None


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


def _refuse_past(connection: Connection, asked: Period) -> None:
    """Raise `UnknownCycle` for an open cycle in which nothing can be, because a later one was cut off."""
    known = cut_offs(connection)
    if known and asked.last_day <= known[-1].ends_on:
        raise UnknownCycle(f"there is no cycle {asked.cycle}; {known[-1].cycle} was closed without it")
    refuse_other_calendar(timetable(connection), asked.cycle)
