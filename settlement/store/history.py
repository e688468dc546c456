"""The moves of cycles in the database: read in order, added by compare-and-set.

Two operators may make the same move at once. The key (cycle, seq) lets one of them in; the other learns who
was first. The first move's row is the lock of its cycle, so that the second waits before it starts to
calculate.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from settlement.core.moves import OPEN, Move
from settlement.errors import SettlementRefused
from settlement.store.tables import cycle_move

_COLUMNS = [cycle_move.c[name] for name in Move._fields]


def moves_of(connection: Connection, cycle: str) -> list[Move]:
    """The moves of one cycle, in order; none when it is open."""
    rows = connection.execute(select(*_COLUMNS).where(cycle_move.c.cycle == cycle).order_by(cycle_move.c.seq))
    return [Move._make(row) for row in rows]


def moves_by_cycle(connection: Connection) -> dict[str, list[Move]]:
    """The moves of every cycle, in order."""
    found: defaultdict[str, list[Move]] = defaultdict(list)
    for row in connection.execute(select(*_COLUMNS).order_by(cycle_move.c.cycle, cycle_move.c.seq)):
        found[row.cycle].append(Move._make(row))
    return found


def hold(connection: Connection, cycle: str) -> list[Move]:
    """Hold the cycle until the transaction ends and return its moves."""
    first = select(cycle_move.c.cycle).where(cycle_move.c.cycle == cycle, cycle_move.c.seq == 1)
    connection.execute(first.with_for_update())
    return moves_of(connection, cycle)


def lock_in_state(connection: Connection, cycle: str, state: str) -> Move:
    """Hold the cycle until the transaction ends and return its last move, which must be into `state`.

    Raises `SettlementRefused` when the cycle is in another state, which it says with the author of it.
    """
    moves = hold(connection, cycle)
    if not moves:
        raise SettlementRefused(f"cycle {cycle} is {OPEN}; it has to be {state} for this")
    if moves[-1].state != state:
        raise SettlementRefused(f"{standing(moves[-1])}; it has to be {state} for this")
    return moves[-1]


def add_move(connection: Connection, move: Move) -> None:
    """Add a move; raises `SettlementRefused` when another one took its place."""
    added = postgresql.insert(cycle_move).on_conflict_do_nothing().returning(cycle_move.c.seq)
    if connection.execute(added, move._asdict()).first() is None:
        raise SettlementRefused(f"{standing(moves_of(connection, move.cycle)[-1])}; somebody else was first")


def standing(move: Move) -> str:
    """A sentence on where a cycle stands."""
    return f"cycle {move.cycle} is {move.state} by {move.author} since {move.at:%Y-%m-%d %H:%M:%S %Z}"


@contextlib.contextmanager
def one_at_a_time(cycle: str) -> Iterator[None]:
    """Turn the database's refusals of a move into `SettlementRefused`."""
    try:
        yield
    except (IntegrityError, OperationalError) as error:
        if getattr(error.orig, "sqlstate", None) not in {"23505", "40001", "40P01"}:
            raise
        raise SettlementRefused(f"cycle {cycle}: somebody else made this move at the same time") from error
    except DataError as error:
        raise SettlementRefused(f"cycle {cycle}: a total is too large for 64 bits") from error
