"""The waterfall: who bears the loss when a partner does not pay what it owes, layer after layer.

The order is data: a list of layers, each with those who stand behind it and how much each has there. A layer bears what
those before it could not, up to what it holds, and a layer is spent whole before the next is touched. Within a layer
each bears in proportion to its weight, rounded by largest remainder; who has no more than its part gives all it has,
and the others bear the rest in the same proportion.

The usual order, which central counterparties keep too (CPMI-IOSCO, Principles for financial market infrastructures,
principle 4): the defaulter's collateral, its share of the default fund, the operator's own capital, the survivors'
shares of the fund, and then assessments of the survivors up to a cap. What is left after the last layer is borne by no
layer, and is said as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from settlement.core.pricing import split_minor
from settlement.errors import WaterfallRefused


class Backer(NamedTuple):
    """One who stands behind a layer, with at most `available_minor`, and in proportion to `weight`."""

    party: str
    available_minor: int
    weight: int


class Layer(NamedTuple):
    """One step of the waterfall, by name."""

    name: str
    backers: Sequence[Backer]


class Borne(NamedTuple):
    """What `party` bears in a layer, above zero."""

    layer: str
    party: str
    amount_minor: int


class Waterfall(NamedTuple):
    """How a shortfall is borne; `uncovered_minor` is what no layer had the means for."""

    shortfall_minor: int
    borne: Sequence[Borne]
    uncovered_minor: int


def run_down(shortfall_minor: int, layers: Sequence[Layer]) -> Waterfall:
    """Lay a shortfall, not below zero, on the layers in their order.

    Raises `WaterfallRefused` for a shortfall or a layer that cannot be.
    """
    _refuse_senseless(shortfall_minor, layers)
    left, borne = shortfall_minor, []
    for layer in layers:
        parts = _shared(left, layer.backers)
        borne += [
            Borne(layer.name, backer.party, part) for backer, part in zip(layer.backers, parts, strict=True) if part
        ]
        left -= sum(parts)
    return Waterfall(shortfall_minor, borne, left)


def _shared(amount: int, backers: Sequence[Backer]) -> list[int]:
    """What each backer bears of an amount, or of as much as they all have."""
    parts = [0] * len(backers)
    open_places = [place for place, backer in enumerate(backers) if backer.available_minor and backer.weight]
    amount = min(amount, sum(backers[place].available_minor for place in open_places))
    while amount:
        shares = dict(zip(open_places, split_minor(amount, [backers[at].weight for at in open_places]), strict=True))
        spent = [place for place, share in shares.items() if share >= backers[place].available_minor]
        for place in spent or open_places:
            parts[place] = min(shares[place], backers[place].available_minor)
            amount -= parts[place]
        open_places = [place for place in open_places if place not in spent] if spent else []
    return parts


def _refuse_senseless(shortfall_minor: int, layers: Sequence[Layer]) -> None:
    if shortfall_minor < 0:
        raise WaterfallRefused("a shortfall is not below zero")
    names = [layer.name for layer in layers]
    for layer in layers:
        parties = [backer.party for backer in layer.backers]
        if not layer.name or names.count(layer.name) > 1 or len(set(parties)) < len(parties):
            raise WaterfallRefused(f"layer {layer.name!r}: a layer has a name of its own, and each party once")
        if any(min(backer[1:]) < 0 for backer in layer.backers):
            raise WaterfallRefused(f"layer {layer.name!r}: means and weights are not below zero")
