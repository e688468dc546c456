"""Those who wait for different partners are served in turns, each partner's in the order they came."""

from __future__ import annotations

from queue import Empty
from threading import Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.services.turns import Turns


@given(st.lists(st.sampled_from("abc")))
def test_nobody_waits_for_more_than_one_of_each_other(comers: list[str]) -> None:
    """In each round everybody who waits has one taken, and what is one's own keeps its order."""
    turns: Turns[tuple[str, int]] = Turns()
    for number, whose in enumerate(comers):
        turns.put(whose, (whose, number))
    left = list(enumerate(comers))
    while left:
        waiting = list(dict.fromkeys(whose for _, whose in left))
        served = [turns.get_nowait() for _ in waiting]
        assert sorted(whose for whose, _ in served) == sorted(waiting)
        for whose, number in served:
            assert number == min(number for number, own in left if own == whose)
            left.remove((number, whose))
    with pytest.raises(Empty):
        turns.get_nowait()


def test_who_takes_waits_for_what_comes() -> None:
    turns: Turns[int] = Turns()
    Timer(0.05, lambda: turns.put("a", 7)).start()
    assert turns.get() == 7
