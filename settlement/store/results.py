"""What a cycle adds up to: asked of the obligations, written down once, and read back.

Every figure is asked for in one statement over the cycle's window; only as many rows come back as there are
pairs or partners. Lines themselves are streamed, so memory does not grow with the cycle.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, Table, and_, delete, func, insert, not_, select, tuple_

from settlement.core.charges import Charge
from settlement.core.digests import cycle_digest
from settlement.core.dues import Due
from settlement.core.lines import FIELDS, Obligation
from settlement.core.netting import Net, multilateral_nets
from settlement.core.parties import BREAKAGE, REIMBURSEMENT
from settlement.core.positions import Position
from settlement.core.totals import StatementTotal
from settlement.core.verification import Claims
from settlement.errors import UnknownCycle
from settlement.store import tables
from settlement.store.charging import ask_charges, contracts_at, tax_rates_at
from settlement.store.tables import obligation
from settlement.store.window import KEY, Window, within

if TYPE_CHECKING:
    from settlement.recomputation.sequence import PairDigests

_KEY_TYPES = ["text", "text", "int4"]
_COPY_TYPES = [
    *_KEY_TYPES, "text", "text", "int8", "int8", "text", "int4", "int8", "int8", "date",
    *["text"] * 3, "bytea",
]  # fmt: skip
_WIDTH = len(FIELDS)
_SUMS = (func.count(), func.sum(obligation.c.points), func.sum(obligation.c.amount_minor))
_Row = Position | Net | StatementTotal | Due | Charge
_ROW = TypeVar("_ROW", Position, Net, StatementTotal, Due, Charge)


def ask_claims(connection: Connection, window: Window) -> Claims:
    """Add the figures of a cycle up from its obligations."""
    positions = ask_positions(connection, window)
    lines = sum(position.lines for position in positions)
    nets = multilateral_nets(positions)
    totals = ask_totals(connection, window)
    contracts, rates = contracts_at(connection, window.at), tax_rates_at(connection, window.at)
    charges = ask_charges(connection, window, contracts, rates)
    figures = (lines, cycle_digest(positions), positions, nets, totals, (), charges, contracts, rates)
    return Claims(window.at.cycle, window.at.ends_on, *figures)


def ask_positions(connection: Connection, window: Window) -> list[Position]:
    """The positions with their pair digests, sorted.

    The database adds up; the digests of lines come in order and are taken together here, since sorting them pair by
    pair, as an aggregate of the database would, takes several times as long as all the rest.
    """
    pair = (obligation.c.issuer, obligation.c.redeemer, obligation.c.currency)
    rows = connection.execute(select(*pair, *_SUMS).where(within(obligation, window)).group_by(*pair)).all()
    digests = _pair_digests(connection, window, len(rows))
    return sorted(Position._make((*row[:3], *map(int, row[3:6]), digests.digest(row[:3]))) for row in rows)


def _pair_digests(connection: Connection, window: Window, pairs: int) -> PairDigests:
    # pyarrow is loaded by who closes a cycle, and not by all who serve requests.
    from settlement.exports.lines import OF_A_PAIR
    from settlement.recomputation.sequence import PairDigests
    from settlement.store.line_stream import line_tables

    columns = (obligation.c[name] for name in OF_A_PAIR.names)
    lines = select(*columns).where(within(obligation, window)).order_by(*KEY)
    digests = PairDigests(pairs)
    for table in line_tables(connection, lines, OF_A_PAIR):
        digests.add(table)
    return digests


def ask_points_home(connection: Connection, window: Window) -> list[Position]:
    """The redeemed points of a cycle by the partner that issued them and the one that has them, without digests.

    Where the fund pays the points are not those of who owes; what expired to its own issuer nobody redeemed.
    """
    issuer = func.coalesce(func.nullif(obligation.c.points_of, ""), obligation.c.issuer)
    pair = (issuer, obligation.c.redeemer, obligation.c.currency)
    expired = and_(obligation.c.kind == BREAKAGE, obligation.c.points_of == obligation.c.redeemer)
    redeemed = and_(obligation.c.kind.in_([REIMBURSEMENT, BREAKAGE]), not_(expired))
    query = select(*pair, *_SUMS).where(within(obligation, window), redeemed).group_by(*pair)
    return sorted(Position._make((*row[:3], *map(int, row[3:6]), b"")) for row in connection.execute(query))


def ask_totals(connection: Connection, window: Window) -> list[StatementTotal]:
    """The statement totals, added up by the database for each partner from its own lines, sorted."""
    figures: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 9)
    for redeemer, issuer, currency, on_us, *sums in connection.execute(_sums_by_side(window)):
        if on_us and redeemer is None:
            continue
        start = 6 if on_us else 0 if issuer is None else 3
        figures[redeemer or issuer, currency][start : start + 3] = map(int, sums)
    return [StatementTotal(*key, *figures[key]) for key in sorted(figures)]


def store_claims(connection: Connection, claims: Claims) -> None:
    """Write the figures of a cycle down; it has none yet."""
    figures = {"cycle": claims.cycle, "lines": claims.lines, "digest": claims.digest}
    connection.execute(insert(tables.cycle_result), figures)
    for table, rows in _tables(claims):
        if rows:
            connection.execute(insert(table), [{"cycle": claims.cycle, **row._asdict()} for row in rows])


def forget_claims(connection: Connection, cycle: str) -> None:
    """Take back what was written down about a cycle that is not published, so that it can be calculated again."""
    for table in (tables.cycle_result, tables.position, tables.net, tables.statement_total, tables.due, tables.charge):
        connection.execute(delete(table).where(table.c.cycle == cycle))


def load_claims(connection: Connection, window: Window) -> Claims:
    """Read back what was written down about a cycle; raises `UnknownCycle` when nothing was."""
    cycle = window.at.cycle
    result = tables.cycle_result
    row = connection.execute(select(result.c.lines, result.c.digest).where(result.c.cycle == cycle)).first()
    if row is None:
        raise UnknownCycle(f"cycle {cycle} has not been calculated")
    positions = _load(connection, cycle, tables.position, Position)
    nets = _load(connection, cycle, tables.net, Net)
    totals = _load(connection, cycle, tables.statement_total, StatementTotal)
    above = (_load(connection, cycle, tables.due, Due), _load(connection, cycle, tables.charge, Charge))
    known = (*above, contracts_at(connection, window.at), tax_rates_at(connection, window.at))
    return Claims(cycle, window.at.ends_on, row.lines, bytes(row.digest), positions, nets, totals, *known)


class StatedLine(NamedTuple):
    """A line with its stored digest and, of a correction, the cycle in which its origin was settled ("" if in none)."""

    line: Obligation
    digest: bytes
    origin_cycle: str


def stream_lines(connection: Connection, query: Select[Any]) -> Iterator[tuple[Obligation, bytes]]:
    """The lines of a `lines_of` query with their stored digests, as they arrive."""
    for row in _copied(connection, query, _COPY_TYPES):
        yield Obligation._make(row[:_WIDTH]), row[_WIDTH]


def stream_stated_lines(connection: Connection, query: Select[Any]) -> Iterator[StatedLine]:
    """The lines of a `stated_lines_of` query, as they arrive."""
    for row in _copied(connection, query, [*_COPY_TYPES, "text"]):
        yield StatedLine(Obligation._make(row[:_WIDTH]), row[_WIDTH], row[_WIDTH + 1])


def fetch_lines(connection: Connection, query: Select[Any]) -> list[tuple[Obligation, bytes]]:
    """The lines of a short `lines_of` query at once."""
    return [(Obligation._make(row[:_WIDTH]), row[_WIDTH]) for row in connection.execute(query)]


def fetch_stated_lines(connection: Connection, query: Select[Any]) -> list[StatedLine]:
    """The lines of a short `stated_lines_of` query at once."""
    rows = connection.execute(query)
    return [StatedLine(Obligation._make(row[:_WIDTH]), row[_WIDTH], row[_WIDTH + 1]) for row in rows]


def _copied(connection: Connection, query: Select[Any], types: list[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, as they arrive.

    By COPY, because the server works on while Python does and memory stays flat (a cursor took a third
    longer). The connection serves nothing else until the last line was taken.
    """
    asked = query.compile(dialect=connection.dialect)
    command = f"COPY ({asked}) TO STDOUT (FORMAT binary)"
    cursor = connection.connection.cursor()
    with contextlib.closing(cursor), cursor.copy(command, asked.params) as copy:
        copy.set_types(types)
        yield from copy.rows()


def _tables(
    claims: Claims,
) -> list[tuple[Table, Sequence[_Row]]]:
    return [
        (tables.position, claims.positions),
        (tables.net, claims.nets),
        (tables.statement_total, claims.totals),
        (tables.due, claims.dues),
        (tables.charge, claims.charges),
    ]


def _load(connection: Connection, cycle: str, table: Table, kind: type[_ROW]) -> list[_ROW]:
    columns = [table.c[name] for name in kind._fields]
    rows = connection.execute(select(*columns).where(table.c.cycle == cycle).order_by(*columns))
    return [kind._make(row) for row in rows]


def _sums_by_side(window: Window) -> Select[Any]:
    """Sums by (redeemer, currency, on-us) and by (issuer, currency, on-us), from one scan."""
    on_us = obligation.c.issuer == obligation.c.redeemer
    lines = select(*obligation.c, on_us.label("on_us")).where(within(obligation, window)).subquery()
    redeemer, issuer, currency, own = lines.c.redeemer, lines.c.issuer, lines.c.currency, lines.c.on_us
    sides = func.grouping_sets(tuple_(redeemer, currency, own), tuple_(issuer, currency, own))
    sums = (func.count(), func.sum(lines.c.points), func.sum(lines.c.amount_minor))
    return select(redeemer, issuer, currency, own, *sums).group_by(sides)
