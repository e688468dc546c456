"""The waterfall bears all that it has the means for, layer after layer, and nobody more than it has."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.waterfall import Backer, Borne, Layer, run_down
from settlement.errors import WaterfallRefused

EXAMPLE = [
    Layer("own_collateral", [Backer("late", 4000, 1)]),
    Layer("own_fund", [Backer("late", 1500, 1)]),
    Layer("operator_capital", [Backer("@operator", 1000, 1)]),
    Layer("survivors_fund", [Backer("a", 6000, 6000), Backer("b", 3000, 3000), Backer("c", 1000, 1000)]),
]
BACKERS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=5).map(
    lambda pairs: [Backer(f"p{place}", *pair) for place, pair in enumerate(pairs)]
)
LAYERS = st.lists(BACKERS, max_size=5).map(
    lambda layers: [Layer(f"layer-{place}", backers) for place, backers in enumerate(layers)]
)


def test_the_example_of_a_failed_partner() -> None:
    found = run_down(10000, EXAMPLE)
    assert [one.amount_minor for one in found.borne] == [4000, 1500, 1000, 2100, 1050, 350]
    assert found.uncovered_minor == 0


def test_a_capped_assessment_comes_last_and_what_it_cannot_bear_is_said() -> None:
    assessments = Layer("assessment", [Backer("a", 300, 6000), Backer("b", 5000, 3000), Backer("c", 5000, 1000)])
    found = run_down(6500 + 10000 + 1300, [*EXAMPLE, assessments])
    assert found.borne[-3:] == [
        Borne("assessment", "a", 300),
        Borne("assessment", "b", 750),
        Borne("assessment", "c", 250),
    ]
    assert run_down(99999, [*EXAMPLE, assessments]).uncovered_minor == 99999 - 6500 - 10000 - 10300


@given(st.integers(0, 400), LAYERS)
def test_a_shortfall_is_borne_once_and_in_order(shortfall: int, layers: list[Layer]) -> None:
    found = run_down(shortfall, layers)
    means = {layer.name: sum(backer.available_minor for backer in layer.backers if backer.weight) for layer in layers}
    borne = {name: sum(one.amount_minor for one in found.borne if one.layer == name) for name in means}
    assert sum(borne.values()) + found.uncovered_minor == shortfall
    left = shortfall
    for name, most in means.items():
        assert borne[name] == min(left, most)
        left -= borne[name]
    caps = {(layer.name, backer.party): backer.available_minor for layer in layers for backer in layer.backers}
    assert all(0 < one.amount_minor <= caps[one.layer, one.party] for one in found.borne)


@given(st.integers(0, 400), BACKERS)
def test_within_a_layer_who_has_more_left_bears_its_part(shortfall: int, backers: list[Backer]) -> None:
    """Those who keep something bear in proportion to their weights, to within a unit for each time it is shared."""
    found = {one.party: one.amount_minor for one in run_down(shortfall, [Layer("fund", backers)]).borne}
    keeping = [one for one in backers if one.weight and found.get(one.party, 0) < one.available_minor]
    for one, other in pairwise(keeping):
        apart = found.get(one.party, 0) * other.weight - found.get(other.party, 0) * one.weight
        assert abs(apart) <= (one.weight + other.weight) * len(backers)


@pytest.mark.parametrize(
    ("shortfall", "layers"),
    [
        (-1, EXAMPLE),
        (1, [*EXAMPLE, EXAMPLE[0]]),
        (1, [Layer("", [])]),
        (1, [Layer("fund", [Backer("a", 1, 1), Backer("a", 2, 1)])]),
        (1, [Layer("fund", [Backer("a", -1, 1)])]),
        (1, [Layer("fund", [Backer("a", 1, -1)])]),
    ],
)
def test_what_makes_no_sense_is_refused(shortfall: int, layers: list[Layer]) -> None:
    with pytest.raises(WaterfallRefused):
        run_down(shortfall, layers)
