"""Burning: the lot that expires first goes first, and what is taken adds up, or nothing is."""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from hub.core.burning import burn
from hub.core.ledger import MATURE_AT_ONCE, Lot, LotKey

LOTS = st.lists(
    st.builds(
        Lot,
        st.builds(LotKey, st.dates(), st.sampled_from("abc"), st.just("base"), st.just(MATURE_AT_ONCE)),
        st.integers(0, 50),
    ),
    unique_by=lambda lot: lot.key,
)


def lot(day: int, issuer: str, points: int) -> Lot:
    return Lot(LotKey(date(2017, 7, day), issuer, "base", MATURE_AT_ONCE), points)


def test_earliest_expiry_first_then_issuer() -> None:
    lots = [lot(31, "a", 5), lot(30, "b", 5), lot(30, "a", 5)]
    assert burn(lots, 12) == [lot(30, "a", 5), lot(30, "b", 5), lot(31, "a", 2)]


def test_empty_lots_are_passed_over() -> None:
    assert burn([lot(1, "a", 0), lot(2, "a", 3)], 3) == [lot(2, "a", 3)]


def test_too_few_points_take_nothing() -> None:
    assert burn([lot(1, "a", 3)], 4) is None
    assert burn([], 1) is None


@given(LOTS, st.integers(1, 200))
def test_what_is_taken_adds_up_and_no_lot_gives_more_than_it_has(lots: list[Lot], points: int) -> None:
    taken = burn(lots, points)
    have = {one.key: one.points for one in lots}
    if sum(have.values()) < points:
        assert taken is None
        return
    assert taken is not None
    assert sum(one.points for one in taken) == points
    assert [one.key for one in taken] == sorted(one.key for one in taken)
    assert all(0 < one.points <= have[one.key] for one in taken)
    spared = [one for one in lots if one.points and one.key not in {part.key for part in taken}]
    assert all(one.key > taken[-1].key for one in spared)
    assert all(one.points == have[one.key] for one in taken[:-1])


@given(LOTS, st.integers(1, 200), st.randoms())
def test_the_order_of_the_lots_makes_no_difference(lots: list[Lot], points: int, chance: random.Random) -> None:
    shuffled = list(lots)
    chance.shuffle(shuffled)
    assert burn(shuffled, points) == burn(lots, points)
