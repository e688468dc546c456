"""What if a partner does not pay: a cycle's nets without it, told in two ways, with nothing stored.

*Unwound*: as if the partner had taken no part. Whoever is owed by it loses that, whoever owes it pays it no more; for
some that is a gain. It is the plain answer, and the harsh one: it reaches those who did business with the partner, by
chance, in full.

*Shared*: everybody is paid as the nets say, and what the partner does not pay is borne by the waterfall. Only a partner
that is to pay leaves a shortfall; one that is to receive gets its money, and nobody loses anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from settlement.core.netting import multilateral_nets
from settlement.core.positions import Position
from settlement.core.waterfall import Layer, Waterfall, run_down


class Unwound(NamedTuple):
    """A partner's net as it is and without the missing one, in minor units; `change_minor` below zero is a loss."""

    partner: str
    currency: str
    net_minor: int
    without_minor: int
    change_minor: int


class Shared(NamedTuple):
    """How the shortfall of one currency is borne, the other nets being paid as they are."""

    currency: str
    waterfall: Waterfall


class Simulation(NamedTuple):
    """What becomes of a cycle when `partner` does not pay."""

    partner: str
    unwound: Sequence[Unwound]
    shared: Sequence[Shared]


def without(
    positions: Sequence[Position], partner: str, owes_minor: Mapping[str, int], layers: Mapping[str, Sequence[Layer]]
) -> Simulation:
    """Both answers for a partner that owes `owes_minor` by currency, with the layers of each currency."""
    shared = [
        Shared(currency, run_down(minor, layers.get(currency, ())))
        for currency, minor in sorted(owes_minor.items())
        if minor > 0
    ]
    return Simulation(partner, unwound(positions, partner), shared)


def unwound(positions: Sequence[Position], partner: str) -> list[Unwound]:
    """The nets of all others as they are and without all positions of `partner`, sorted by partner and currency."""
    left = [position for position in positions if partner not in position[:2]]
    after = {(net.partner, net.currency): net.net_minor for net in multilateral_nets(left)}
    return [
        Unwound(net.partner, net.currency, net.net_minor, new := after.get(net[:2], 0), new - net.net_minor)
        for net in multilateral_nets(positions)
        if net.partner != partner
    ]
