"""Keeps corrections and won disputes from giving the same money back twice, in the transaction of whichever is second.

Both sides hold the event that the line is of while they look and post, so that none misses the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby, product
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, func, select, true, tuple_

from settlement import intake
from settlement.core.disputes import LineKey, favoured
from settlement.core.findings import Finding
from settlement.core.given_back import adjustment, corrected_key, following, is_given_back, too_much
from settlement.core.lines import Obligation, event_name, row_name
from settlement.core.parties import ADJUSTMENT
from settlement.store import disputes as store
from settlement.store.dispute_tables import dispute_line, dispute_move
from settlement.store.tables import obligation
from settlement.store.window import LINE, Window, seen_by, within

_KEY = (dispute_line.c.partner_id, dispute_line.c.event_id, dispute_line.c.line)


class Sums(NamedTuple):
    """A disputed line, what corrections took back of it, what disputes moved, and what was moved back of that."""

    line: Obligation
    corrected_minor: int
    moved_minor: int
    back: Sequence[Obligation]

    @property
    def lacking_minor(self) -> int:
        """What has yet to be moved the other way."""
        due = too_much(self.line.amount_minor, self.corrected_minor, self.moved_minor)
        return due - sum(one.amount_minor for one in self.back)


def after_corrections(connection: Connection, lines: Iterable[Obligation]) -> list[Obligation]:
    """Post what lines that were just recorded give back a second time, and return it; most are no corrections."""
    keys = {key: line.business_date for line in lines if (key := corrected_key(line))}
    if not keys:
        return []
    hold(connection, keys)
    return settle(connection, _disputed(connection, keys), max(keys.values()))


def hold(connection: Connection, keys: Iterable[LineKey]) -> None:
    """Hold the events of these lines until the transaction ends, against disputes or against corrections."""
    for origin in sorted({event_name(*key[:2]) for key in keys}):
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"given-back {origin}", 0))))


def settle(connection: Connection, keys: Collection[LineKey], day: date) -> list[Obligation]:
    """Post what corrections and disputes of held lines give back twice, and return it."""
    lacking = [one for one in sums(connection, keys) if one.lacking_minor]
    posted = []
    for _, group in groupby(lacking, key=lambda one: one.line[:2]):
        of_event = list(group)
        number = following([line.event_id for one in of_event for line in one.back])
        posted += [adjustment(one.line, one.lacking_minor, number, day) for one in of_event]
    intake.record(connection, posted)
    return posted


def check(connection: Connection, window: Window) -> list[Finding]:
    """Findings on disputed lines of which too much, or too little, was moved the other way up to a cycle's cut-off."""
    keys = {line.key for case in store.cases(connection, store.moved_in(window)) for line in case.lines}
    keys |= _corrected_in(connection, window)
    return [
        Finding(
            "adjustment", row_name(*one.line[:3]), f"corrections and disputes leave {one.lacking_minor} to be moved"
        )
        for one in sums(connection, keys, window)
        if one.lacking_minor
    ] + _unexplained(connection, window, keys)


def _corrected_in(connection: Connection, window: Window) -> set[LineKey]:
    """The disputed lines that are corrected in a cycle."""
    name = dispute_line.c.partner_id + "/" + dispute_line.c.event_id
    is_corrected = and_(
        obligation.c.origin == name,
        obligation.c.origin != "",
        obligation.c.line == dispute_line.c.line,
        obligation.c.kind != ADJUSTMENT,
        obligation.c.amount_minor < 0,
        within(obligation, window),
    )
    rows = connection.execute(select(*_KEY).distinct().join_from(dispute_line, obligation, is_corrected))
    return {(row[0], row[1], row[2]) for row in rows}


def _unexplained(connection: Connection, window: Window, keys: Collection[LineKey]) -> list[Finding]:
    query = select(*LINE).where(within(obligation, window), obligation.c.kind == ADJUSTMENT)
    posted = [one for row in connection.execute(query) if is_given_back(one := Obligation._make(row))]
    known = {(event_name(*key[:2]), key[2]) for key in keys}
    return [
        Finding("adjustment", row_name(*one[:3]), "neither a correction nor a dispute of this cycle gives it")
        for one in posted
        if (one.origin, one.line) not in known
    ]


def sums(connection: Connection, keys: Collection[LineKey], window: Window | None = None) -> list[Sums]:
    """The sums of disputed lines, sorted; up to the cut-off of a cycle, or of all that is posted."""
    if not keys:
        return []
    origins = {event_name(*key[:2]) for key in keys}
    query = select(*LINE).where(obligation.c.origin.in_(origins), obligation.c.origin != "", _seen(obligation, window))
    corrected: Counter[LineKey] = Counter()
    back: defaultdict[tuple[str, int], list[Obligation]] = defaultdict(list)
    for line in (Obligation._make(row) for row in connection.execute(query)):
        if key := corrected_key(line):
            corrected[key] -= line.amount_minor
        if is_given_back(line):
            back[line.origin, line.line].append(line)
    lines = store.lines_by_key(connection, sorted(keys))
    moved = _moved(connection, {line[:3]: line for line in lines}, window)
    return [Sums(line, corrected[line[:3]], moved[line[:3]], back[event_name(*line[:2]), line.line]) for line in lines]


def _moved(connection: Connection, lines: Mapping[LineKey, Obligation], window: Window | None) -> Counter[LineKey]:
    """What decisions moved of each line."""
    moved: Counter[LineKey] = Counter()
    cases = store.cases(connection, store.about([*lines]))
    names = {case.dispute[:2] for case in cases}
    name = tuple_(dispute_move.c.partner, dispute_move.c.dispute_id)
    query = select(dispute_move.c.partner, dispute_move.c.dispute_id, dispute_move.c.seq).where(
        name.in_(names), _seen(dispute_move, window)
    )
    seen = {tuple(row) for row in connection.execute(query)} if names else set()
    for case in cases:
        decided = [move for move in case.moves if move[:3] in seen and any(move.accepted)]
        for move, (place, line) in product(decided, enumerate(case.lines)):
            if line.key in lines:
                moved[line.key] += favoured(lines[line.key], move.partner, move.accepted[place])
    return moved


def _seen(rows: FromClause, window: Window | None) -> ColumnElement[bool]:
    return seen_by(rows, window.at) if window else true()


def _disputed(connection: Connection, keys: Collection[LineKey]) -> set[LineKey]:
    """Those of these lines that anybody ever disputed."""
    if not keys:
        return set()
    rows = connection.execute(select(*_KEY).where(tuple_(*_KEY).in_([*keys])))
    return {(row[0], row[1], row[2]) for row in rows}
