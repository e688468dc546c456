"""The chain of moves: every field counts, and each move hangs on the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from settlement.core.moves import CALCULATED, CUT_OFF, STATES, may_follow, move_digest, next_move

AT = datetime(2017, 2, 1, 12, tzinfo=UTC)
FIRST = next_move(None, "2017-01", CUT_OFF, "olga", AT, b"s" * 32)


def test_moves_follow_the_order_of_states() -> None:
    second = next_move(FIRST, "2017-01", CALCULATED, "otto", AT, b"t" * 32)
    assert (FIRST.seq, FIRST.state) == (1, CUT_OFF)
    assert (second.seq, second.state) == (2, CALCULATED)
    assert second.digest == move_digest(FIRST.digest, second) != move_digest(b"", second)


@pytest.mark.parametrize(
    "change",
    [
        {"cycle": "2017-02"},
        {"seq": 2},
        {"state": "published"},
        {"author": "otto"},
        {"at": AT + timedelta(microseconds=1)},
        {"subject": b"t" * 32},
        {"maker": "otto"},
    ],
)
def test_every_field_of_a_move_counts(change: dict[str, Any]) -> None:
    assert move_digest(b"", FIRST._replace(**change)) != FIRST.digest


def test_a_moment_is_the_same_in_every_zone() -> None:
    elsewhere = FIRST._replace(at=AT.astimezone(timezone(timedelta(hours=8))))
    assert move_digest(b"", elsewhere) == FIRST.digest


def test_a_cycle_moves_to_the_next_state_only_or_is_calculated_again() -> None:
    moves = {(before, state) for before in STATES for state in (*STATES, "gone") if may_follow(state, before)}
    assert moves == {*pairwise(STATES), (CALCULATED, CALCULATED)}
