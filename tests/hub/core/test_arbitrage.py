"""Gaining cycles: found exactly when a brute-force search finds one, and no amount gains where none is found."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from math import ceil, prod
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.core.arbitrage import Edge, describe, edges_of, gaining_cycle
from hub.core.errors import TermsRefused
from hub.core.exchange import ExchangeRate
from hub.core.rounding import ROUNDINGS, number_text
from hub.core.terms import ReimbursementPrice

JANUARY = date(2017, 1, 1)
RATES = st.one_of(
    st.sampled_from([Fraction(1, 2), Fraction(2), Fraction(2, 3), Fraction(3, 2), Fraction(1)]),
    st.fractions(min_value="1/3", max_value=2, max_denominator=12),
)
NODES = st.sampled_from("abcde")
GRAPHS = st.lists(st.builds(Edge, NODES, NODES, RATES, st.sampled_from(["one", "two"])), max_size=9)


def product(cycle: Sequence[Edge]) -> Fraction:
    return prod((edge.rate for edge in cycle), start=Fraction(1))


def simple_cycles(edges: Sequence[Edge], walk: tuple[Edge, ...] = ()) -> Iterator[tuple[Edge, ...]]:
    """The plain model: every walk from every edge that passes no node twice and comes back."""
    for edge in edges:
        if walk and (edge.source != walk[-1].target or edge.source in {one.source for one in walk}):
            continue
        if edge.target == (walk[0] if walk else edge).source:
            yield (*walk, edge)
        else:
            yield from simple_cycles(edges, (*walk, edge))


@given(GRAPHS, st.randoms(use_true_random=False))
def test_a_gain_is_found_exactly_when_the_model_finds_one(edges: list[Edge], shuffler: random.Random) -> None:
    cycle = gaining_cycle(edges)
    assert (cycle is not None) == any(product(one) > 1 for one in simple_cycles(edges))
    if cycle is not None:
        assert product(cycle) > 1
        assert tuple(cycle) in set(simple_cycles(edges))
        assert cycle[0].source == min(edge.source for edge in cycle)
    shuffler.shuffle(edges)
    assert gaining_cycle(edges) == cycle


def ring(rates: Sequence[Fraction]) -> list[Edge]:
    names = [f"n{place:04}" for place in range(len(rates))]
    return [Edge(names[i], names[(i + 1) % len(rates)], rate, "ring") for i, rate in enumerate(rates)]


def test_exactly_one_is_no_gain_and_the_least_more_is() -> None:
    even = ring([Fraction(10**12, 10**12 - 7), Fraction(10**12 - 7, 3), Fraction(3, 10**12)])
    assert gaining_cycle(even) is None
    more = [even[0]._replace(rate=even[0].rate + Fraction(1, 10**60)), *even[1:]]
    assert gaining_cycle(more) == more


def test_the_best_of_parallel_edges_decides() -> None:
    rates = {"low": 1, "zeta": 3, "alpha": 3, "mid": 2}
    there = [Edge("a", "b", Fraction(rate), label) for label, rate in rates.items()]
    back = Edge("b", "a", Fraction(2, 5), "back")
    assert gaining_cycle([*there, back]) == [there[2], back]
    assert gaining_cycle([there[3], there[0], back]) is None


def test_a_loop_and_a_graph_without_edges() -> None:
    loop = Edge("a", "a", Fraction(11, 10), "loop")
    assert gaining_cycle([loop]) == [loop]
    assert gaining_cycle([loop._replace(rate=Fraction(1))]) is None
    assert gaining_cycle([]) is None


def test_a_long_ring_is_followed_all_the_way() -> None:
    rates = [Fraction(place + 2, place + 1) for place in range(59)]
    closing = Fraction(1, 60)
    assert gaining_cycle(ring([*rates, closing])) is None
    assert gaining_cycle(ring([*rates, closing + Fraction(1, 10**30)])) is not None


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(-1)])
def test_a_rate_that_is_not_above_zero_is_refused(rate: Fraction) -> None:
    with pytest.raises(TermsRefused, match="from a to b"):
        gaining_cycle([Edge("a", "b", rate, "none")])


def exchange(direction: str, rate: Fraction, version: int = 1, **fields: Any) -> ExchangeRate:
    usual = {"spread": "0", "minimum": 1, "step": 1, "rounding": "down", "quote_seconds": 60}
    terms = {"direction": direction, "unit": "MILES", "rate": number_text(rate)} | usual | fields
    return ExchangeRate.of(version, JANUARY, "air", terms)


def price(numerator: int, denominator: int) -> tuple[str, ReimbursementPrice]:
    return "shop", ReimbursementPrice.of(7, JANUARY, "USD", {"numerator": numerator, "denominator": denominator})


def test_edges_name_their_nodes_and_terms() -> None:
    bought = exchange("in", Fraction(2), 4, sold_at="5/2", currency="USD")
    assert edges_of([bought, exchange("out", Fraction(1, 2), 5, minimum=10)], [price(9, 10)]) == [
        Edge("unit:air:MILES", "points", Fraction(2), "exchange in of air, version 4"),
        Edge("money:USD", "unit:air:MILES", Fraction(2, 5), "sale of MILES by air, version 4"),
        Edge("points", "unit:air:MILES", Fraction(1, 2), "exchange out of air, version 5"),
        Edge("points", "money:USD", Fraction(9, 10), "reimbursement of shop, version 7"),
    ]


@pytest.mark.parametrize(
    ("fields", "rate"),
    [
        ({"rounding": "down"}, Fraction(1, 3)),
        ({"rounding": "half-up"}, Fraction(1, 3) + Fraction(1, 60)),
        ({"rounding": "half-even", "minimum": 300}, Fraction(1, 3) + Fraction(1, 600)),
        ({"rounding": "half-up", "step": 3}, Fraction(1, 3)),
        ({"rounding": "half-up", "step": 2}, Fraction(1, 3) + Fraction(1, 60)),
    ],
)
def test_an_exchange_edge_bounds_what_rounding_adds(fields: dict[str, Any], rate: Fraction) -> None:
    found = exchange("out", Fraction(1, 3), **({"minimum": 30} | fields))
    assert edges_of([found], [])[0].rate == rate


def test_a_cheap_sale_before_a_dear_redemption_is_shown() -> None:
    bought = exchange("in", Fraction(3, 2), 4, sold_at="1.25", currency="USD")
    assert gaining_cycle(edges_of([bought], [price(5, 6)])) is None
    cycle = gaining_cycle(edges_of([bought], [price(9, 10)]))
    assert cycle is not None
    assert describe(cycle) == (
        "money:USD -> unit:air:MILES at 4/5 (sale of MILES by air, version 4); "
        "unit:air:MILES -> points at 3/2 (exchange in of air, version 4); "
        "points -> money:USD at 9/10 (reimbursement of shop, version 7); "
        "together 1.080000 (27/25)"
    )


def test_a_gain_by_rounding_alone_is_seen_unless_the_minimum_outweighs_it() -> None:
    """Points bought back one by one: 2 points give 1 + 1 miles, which give 3 points, at rates of 3/5 and 3/2."""
    back = exchange("in", Fraction(3, 2))
    small = exchange("out", Fraction(3, 5), rounding="half-up")
    assert back.give(small.give(1) + small.give(1)) == 3
    assert gaining_cycle(edges_of([small, back], [])) is not None
    large = exchange("out", Fraction(3, 5), rounding="half-up", minimum=100)
    assert gaining_cycle(edges_of([large, back], [])) is None


@st.composite
def exchanges(draw: st.DrawFn, direction: str, around: Fraction, most: int) -> ExchangeRate:
    step = draw(st.integers(1, most))
    rate = around * draw(st.sampled_from([Fraction(1), Fraction(9, 10), Fraction(4, 5), Fraction(21, 20)]))
    spread = draw(st.sampled_from(["0", "1/50", "1/9"]))
    rounding = draw(st.sampled_from(sorted(ROUNDINGS)))
    steps_for_one = ceil(1 / (rate * (1 - Fraction(spread)) * step))
    minimum = step * max(draw(st.integers(1, most)), steps_for_one)
    return exchange(direction, rate, minimum=minimum, step=step, rounding=rounding, spread=spread)


@st.composite
def markets(draw: st.DrawFn, most: int) -> list[ExchangeRate]:
    """One to two rates each way, near a parity, with steps and minimums up to a few times ``most``."""
    parity = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2, 3), Fraction(5, 2)]))
    inward = draw(st.lists(exchanges("in", parity, most), min_size=1, max_size=2))
    outward = draw(st.lists(exchanges("out", 1 / parity, most), min_size=1, max_size=2))
    return [*inward, *outward]


@given(markets(9))
def test_no_amount_gives_more_than_its_edge_says(rates: list[ExchangeRate]) -> None:
    for rate, edge in zip(rates, edges_of(rates, []), strict=True):
        for amount in range(rate.minimum, rate.minimum + 40 * rate.step, rate.step):
            assert rate.give(amount) <= edge.rate * amount


def after_one_exchange(rates: Sequence[ExchangeRate], points: int, units: int) -> Iterator[tuple[int, int]]:
    for rate in rates:
        coming_in = rate.direction == "in"
        for amount in range(rate.minimum, (units if coming_in else points) + 1, rate.step):
            given = rate.give(amount)
            yield (points + given, units - amount) if coming_in else (points - amount, units + given)


def most_points(rates: Sequence[ExchangeRate], start: int) -> int:
    """The plain model of a clever member: try every sequence of exchanges, in every split, until one gains."""
    seen, waiting, most = {(start, 0)}, [(start, 0)], start
    while waiting and most == start:
        for holding in after_one_exchange(rates, *waiting.pop()):
            if holding not in seen:
                seen.add(holding)
                waiting.append(holding)
                most = max(most, holding[0])
    return most


@given(markets(3), st.integers(1, 25))
def test_where_no_cycle_gains_no_member_ends_with_more_points(rates: list[ExchangeRate], start: int) -> None:
    assert gaining_cycle(edges_of(rates, [])) is not None or most_points(rates, start) == start


@given(markets(60), st.integers(1, 10**6), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**4)), max_size=30))
def test_neither_do_large_amounts(rates: list[ExchangeRate], start: int, moves: list[tuple[int, int]]) -> None:
    assume(gaining_cycle(edges_of(rates, [])) is None)
    points, units = start, 0
    for which, steps in moves:
        rate = rates[which % len(rates)]
        amount = rate.minimum + steps * rate.step
        if rate.direction == "in" and amount <= units:
            points, units = points + rate.give(amount), units - amount
        elif rate.direction == "out" and amount <= points:
            points, units = points - amount, units + rate.give(amount)
        assert points <= start
