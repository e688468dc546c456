"""The moves after publication: disputes end, money comes in and goes out, and the cycle is closed.

    published -> final -> paid_in -> paid_out -> closed

Disputes stand in the way of `final`. What else does is not known here: who calls gives `hindrances`, questions that
are asked while the cycle is held and answer with a sentence each. Whoever adds what could stand in the way, such as a
dispute, holds the cycle too while he does (`settlement.store.history.lock_in_state`), so nothing slips in between
question and move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from settlement.core.moves import FINAL, PUBLISHED, SETTLED, STATES, Move, next_move, settled_subject
from settlement.core.people import signed
from settlement.disputes.dispute_views import in_the_way
from settlement.errors import SettlementRefused
from settlement.store.history import add_move, lock_in_state, moves_of, one_at_a_time

Hindrance = Callable[[Connection, str], Sequence[str]]
"""Given the cycle, which is held: what stands in the way of a move, a sentence each; nothing if nothing does."""


def advance(
    connection: Connection, cycle: str, state: str, *, author: str, at: datetime, hindrances: Sequence[Hindrance] = ()
) -> Move:
    """Move a published cycle on into `state`, one of `SETTLED`, from the state before it.

    `final` is refused while a line may still be disputed, that is up to and on the last day of the window, and while a
    dispute is undecided. Raises `SettlementRefused`, which names everything that stands in the way.
    """
    mover = signed(author, at)
    if state not in SETTLED:
        raise SettlementRefused(f"a cycle moves on to one of {', '.join(SETTLED)}, not {state[:40]!r}")
    with one_at_a_time(cycle):
        before = lock_in_state(connection, cycle, STATES[STATES.index(state) - 1])
        asked = [in_the_way(at), *hindrances] if state == FINAL else hindrances
        standing = [sentence for ask in asked for sentence in ask(connection, cycle)]
        if standing:
            raise SettlementRefused("\n  ".join([f"cycle {cycle} cannot become {state}:", *standing]))
        move = next_move(before, cycle, state, mover, at, settled_subject(state, _published(connection, cycle)))
        add_move(connection, move)
    return move


def _published(connection: Connection, cycle: str) -> bytes:
    return next(move.subject for move in moves_of(connection, cycle) if move.state == PUBLISHED)
