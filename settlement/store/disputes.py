"""Disputes in the database: held, read and added to by compare-and-set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql

from settlement.core.disputes import UNDECIDED, USUAL, Case, Dispute, DisputedLine, DisputeMove, LineKey, Rules
from settlement.core.lines import Obligation
from settlement.errors import DisputeRefused
from settlement.store.dispute_tables import dispute, dispute_line, dispute_move, dispute_rules
from settlement.store.tables import obligation
from settlement.store.window import KEY, LINE, Window, party, within

Name = tuple[str, str]
"""Partner and dispute id."""

_DISPUTE = [dispute.c[name] for name in Dispute._fields]
_LINES = [dispute_line.c[name] for name in DisputedLine._fields]
_MOVES = [dispute_move.c[name] for name in DisputeMove._fields]
_RULES = [dispute_rules.c[name] for name in Rules._fields]


def find(connection: Connection, partner: str, dispute_id: str) -> Case | None:
    """A dispute by its name."""
    return next(iter(cases(connection, dispute.c.partner == partner, dispute.c.dispute_id == dispute_id)), None)


def hold(connection: Connection, partner: str, dispute_id: str) -> Case:
    """A dispute, held until the transaction ends; raises `DisputeRefused` ``unknown_dispute``."""
    mine = and_(dispute.c.partner == partner, dispute.c.dispute_id == dispute_id)
    connection.execute(select(dispute.c.partner).where(mine).with_for_update())
    found = find(connection, partner, dispute_id)
    if found is None:
        raise DisputeRefused("unknown_dispute", f"there is no dispute {dispute_id[:100]!r} of {partner[:100]!r}")
    return found


def cases(connection: Connection, *where: ColumnElement[bool], limit: int | None = None) -> list[Case]:
    """The disputes of which this holds, by partner and id."""
    query = select(*_DISPUTE).where(*where).order_by(dispute.c.partner, dispute.c.dispute_id).limit(limit)
    found = [Dispute._make(row) for row in connection.execute(query)]
    names = [one[:2] for one in found]
    lines: defaultdict[Name, list[DisputedLine]] = defaultdict(list)
    moves: defaultdict[Name, list[DisputeMove]] = defaultdict(list)
    if names:
        of_lines = tuple_(dispute_line.c.partner, dispute_line.c.dispute_id).in_(names)
        rows = connection.execute(
            select(dispute_line.c.partner, dispute_line.c.dispute_id, *_LINES)
            .where(of_lines)
            .order_by(dispute_line.c.place)
        )
        for row in rows:
            lines[row[0], row[1]].append(DisputedLine._make(row[2:]))
        of_moves = tuple_(dispute_move.c.partner, dispute_move.c.dispute_id).in_(names)
        for row in connection.execute(select(*_MOVES).where(of_moves).order_by(dispute_move.c.seq)):
            moves[row[0], row[1]].append(DisputeMove._make(row))
    return [Case(one, lines[one[:2]], moves[one[:2]]) for one in found]


def own_after(partner: str, dispute_id: str) -> ColumnElement[bool]:
    """A partner's own disputes, by id those after this one."""
    return and_(dispute.c.partner == partner, dispute.c.dispute_id > dispute_id)


def named(names: Select[tuple[str, str]]) -> ColumnElement[bool]:
    """Disputes whose names a query gives."""
    return tuple_(dispute.c.partner, dispute.c.dispute_id).in_(names)


def of_cycle(cycle: str) -> ColumnElement[bool]:
    """Disputes about lines of a cycle."""
    return dispute.c.cycle == cycle


def about(keys: Sequence[LineKey]) -> ColumnElement[bool]:
    """Disputes about any of these lines."""
    key = tuple_(dispute_line.c.partner_id, dispute_line.c.event_id, dispute_line.c.line)
    return named(select(dispute_line.c.partner, dispute_line.c.dispute_id).where(key.in_(keys)))


def of_party(partner: str) -> ColumnElement[bool]:
    """Disputes about lines in which the partner takes part, its own and those of others."""
    key = (dispute_line.c.partner_id, dispute_line.c.event_id, dispute_line.c.line)
    joined = dispute_line.join(obligation, and_(*(one == other for one, other in zip(key, KEY, strict=True))))
    names = select(dispute_line.c.partner, dispute_line.c.dispute_id).select_from(joined)
    return named(names.where(party(partner)))


def moved_in(window: Window) -> ColumnElement[bool]:
    """Disputes that moved in a cycle, by commit order like the money that their moves post."""
    return named(select(dispute_move.c.partner, dispute_move.c.dispute_id).where(within(dispute_move, window)))


def in_states(states: Iterable[str], over_on: date | None = None) -> ColumnElement[bool]:
    """Disputes that stand in one of these states, with `over_on` those whose stage ended before that day."""
    last = dispute_move.alias()
    later = select(func.max(last.c.seq)).where(
        last.c.partner == dispute_move.c.partner, last.c.dispute_id == dispute_move.c.dispute_id
    )
    names = select(dispute_move.c.partner, dispute_move.c.dispute_id).where(
        dispute_move.c.state.in_([*states]), dispute_move.c.seq == later.scalar_subquery()
    )
    return named(names.where(dispute_move.c.due_on < over_on) if over_on else names)


def undecided() -> ColumnElement[bool]:
    """Disputes that are not decided yet."""
    return in_states(UNDECIDED)


def add(connection: Connection, case: Case, day: date) -> bool:
    """Add a dispute with its lines and first move; False when there is one of that name."""
    added = postgresql.insert(dispute).on_conflict_do_nothing().returning(dispute.c.partner)
    if connection.execute(added, case.dispute._asdict()).first() is None:
        return False
    name = {"partner": case.dispute.partner, "dispute_id": case.dispute.dispute_id}
    rows = [name | {"place": place, **line._asdict()} for place, line in enumerate(case.lines)]
    connection.execute(insert(dispute_line), rows)
    add_move(connection, case.last, day)
    return True


def add_move(connection: Connection, move: DisputeMove, day: date) -> None:
    """Add a move; raises `DisputeRefused` ``dispute_closed`` when another one took its place."""
    added = postgresql.insert(dispute_move).on_conflict_do_nothing().returning(dispute_move.c.seq)
    values = {**move._asdict(), "evidence": dict(move.evidence), "business_date": day}
    if connection.execute(added, values).first() is None:
        raise DisputeRefused("dispute_closed", f"dispute {move.partner}/{move.dispute_id}: somebody else was first")


def lines_by_key(connection: Connection, keys: Sequence[LineKey], *where: ColumnElement[bool]) -> list[Obligation]:
    """The obligations of these keys of which this holds, in the order of the keys."""
    query = select(*LINE).where(tuple_(*KEY).in_([*keys]), *where)
    found = {row[:3]: Obligation._make(row) for row in connection.execute(query)}
    return [found[key] for key in keys if key in found]


def rules_of(connection: Connection, version: int) -> Rules:
    """A version of the rules; 0 is the usual ones."""
    row = connection.execute(select(*_RULES).where(dispute_rules.c.version == version)).first()
    return Rules._make(row) if row else USUAL


def all_rules(connection: Connection) -> list[Rules]:
    """Every version, in the order in which they were made."""
    rows = connection.execute(select(*_RULES).order_by(dispute_rules.c.version))
    return [Rules._make(row) for row in rows]


def rules_on(connection: Connection, day: date) -> Rules:
    """The rules in force on a day: of those that began by then the latest, of two of one day the later one."""
    known = [one for one in all_rules(connection) if one.valid_from <= day]
    return max(known, key=lambda one: (one.valid_from, one.version), default=USUAL)
