"""Whether some cycle of exchanges, sales and redemptions gains value, worked out exactly.

The search relaxes all edges round by round, as Bellman and Ford do, but multiplies fractions instead of adding
logarithms, so that a cycle whose product is exactly one is never taken for a gain nor a tiny gain overlooked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from hub.core.errors import TermsRefused
from hub.core.exchange import ExchangeRate
from hub.core.rounding import MOST_ADDED, convert
from hub.core.terms import ReimbursementPrice

POINTS = "points"
_DECIMALS = 6


class Edge(NamedTuple):
    """One unit of the source can become ``rate`` units of the target; the label says by whose terms."""

    source: str
    target: str
    rate: Fraction
    label: str


Round = Mapping[str, tuple[Fraction, Edge]]
"""What one round of the search found: nodes that can be worth more than before, how much, and by which last edge."""


def edges_of(exchange_rates: Iterable[ExchangeRate], prices: Iterable[tuple[str, ReimbursementPrice]]) -> list[Edge]:
    """Return what can become what under these rates and prices, each price with the id of its partner.

    The nodes are ``points``, ``unit:<partner>:<UNIT>`` and ``money:<CUR>``. Give all versions that can be used
    at the same time, as an old rate can while its quotes last.

    An exchange edge bounds what rounding adds. Rounding to nearest can give half a unit of the target more than
    the exact amount, which counts most on the least amount that is taken; so the edge's rate is the effective rate
    plus ``1 / (2 * minimum)``, unless every amount that is taken converts to a whole number (then nothing is
    rounded) or the rule rounds down. Whatever is taken then gives at most the edge's rate times the amount. If no
    cycle of edges gains, each node has a value such that no edge raises the value of what passes it; so whoever
    starts with points alone never holds more of them, however they split and combine amounts.

    Prices and sales count at their exact rate; the at most half a minor unit by which the value of one redemption
    is rounded up is left out.
    """
    edges: list[Edge] = []
    for rate in exchange_rates:
        edges += _exchange_edges(rate)
    for partner_id, price in prices:
        label = f"reimbursement of {partner_id}, version {price.version}"
        per_point = Fraction(price.numerator, price.denominator)
        edges.append(Edge(POINTS, f"money:{price.currency}", per_point, label))
    return edges


def gaining_cycle(edges: Iterable[Edge]) -> list[Edge] | None:
    """Return a simple cycle whose rates multiply to more than one, or None if there is none.

    The same edges, in whatever order, give the same cycle; it starts at its smallest node.

    A node reached by a better walk than in all rounds before was reached by one edge more than they had. If that
    walk passes a node twice, the cycle between gains: without it the walk is shorter, so it was not better. A walk
    with as many edges as there are nodes passes some node twice, so the search ends.

    Raises:
        TermsRefused: a rate is not above zero.
    """
    useful = _best_of_parallel(edges)
    worth = {node: Fraction(1) for edge in useful for node in (edge.source, edge.target)}
    rounds: list[Round] = []
    while True:
        improved = _relax(useful, worth)
        if not improved:
            return None
        rounds.append(improved)
        worth.update({node: value for node, (value, _) in improved.items()})
        for node in sorted(improved):
            if cycle := _cycle_before(node, rounds):
                return _from_smallest(cycle)


def describe(cycle: Sequence[Edge]) -> str:
    """Write a cycle in one line: each step with its rate and label, then the product."""
    steps = "; ".join(f"{edge.source} -> {edge.target} at {edge.rate} ({edge.label})" for edge in cycle)
    product = prod((edge.rate for edge in cycle), start=Fraction(1))
    digits = str(convert(10**_DECIMALS, product, "half-even")).zfill(_DECIMALS + 1)
    return f"{steps}; together {digits[:-_DECIMALS]}.{digits[-_DECIMALS:]} ({product})"


def _exchange_edges(rate: ExchangeRate) -> list[Edge]:
    unit = f"unit:{rate.partner_id}:{rate.unit}"
    ends = (unit, POINTS) if rate.direction == "in" else (POINTS, unit)
    label = f"exchange {rate.direction} of {rate.partner_id}, version {rate.version}"
    edges = [Edge(*ends, _most_given(rate), label)]
    if rate.sold_at is not None:
        label = f"sale of {rate.unit} by {rate.partner_id}, version {rate.version}"
        edges.append(Edge(f"money:{rate.currency}", unit, 1 / rate.sold_at, label))
    return edges


def _most_given(rate: ExchangeRate) -> Fraction:
    """Return what one unit of the source gives at most, whatever amount is taken."""
    always_whole = (rate.effective * rate.step).denominator == 1
    return rate.effective if always_whole else rate.effective + MOST_ADDED[rate.rounding] / rate.minimum


def _best_of_parallel(edges: Iterable[Edge]) -> list[Edge]:
    """Keep the best edge between two nodes, of equal ones that with the first label; order them by their nodes."""
    best: dict[tuple[str, str], Edge] = {}
    for edge in sorted(edges, key=lambda one: (one.source, one.target, -one.rate, one.label)):
        if edge.rate <= 0:
            raise TermsRefused(f"the rate from {edge.source} to {edge.target} must be greater than zero")
        best.setdefault((edge.source, edge.target), edge)
    return list(best.values())


def _relax(edges: Iterable[Edge], worth: Mapping[str, Fraction]) -> Round:
    """Return the nodes that one more edge makes worth more; all of them from what was known before this round."""
    improved: dict[str, tuple[Fraction, Edge]] = {}
    for edge in edges:
        value = worth[edge.source] * edge.rate
        known = improved[edge.target][0] if edge.target in improved else worth[edge.target]
        if value > known:
            improved[edge.target] = (value, edge)
    return improved


def _cycle_before(node: str, rounds: Sequence[Round]) -> list[Edge] | None:
    """Follow the walk that reached ``node`` in the last round backwards until it repeats a node."""
    walk: list[Edge] = []
    passed = {node: 0}
    for improved in reversed(rounds):
        _, edge = improved[node]
        walk.append(edge)
        node = edge.source
        if node in passed:
            return walk[passed[node] :][::-1]
        passed[node] = len(walk)
    return None


def _from_smallest(cycle: Sequence[Edge]) -> list[Edge]:
    start = min(range(len(cycle)), key=lambda place: cycle[place].source)
    return [*cycle[start:], *cycle[:start]]
