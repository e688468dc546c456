"""Multilateral netting: what each partner pays or receives once, through the operator, in each currency.

Each partner's net is what all others owe it less what it owes them, so the nets of a currency add up to zero
and the operator, as everybody's counterparty, keeps nothing. On-us positions take no part. The explanation
shows for each pair what netting between the two alone would have left, and for each currency what netting
among all saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from settlement.core.positions import Position


class Net(NamedTuple):
    """A partner's net in one currency; `net_minor` is receive less pay, positive when it is to receive."""

    partner: str
    currency: str
    receive_minor: int
    pay_minor: int
    net_minor: int


class PairExplanation(NamedTuple):
    """Two partners' gross debts, before any netting, and what setting them against each other leaves.

    `first_owes_minor` is what `first` owes `second`; `net_minor` is what it still owes then, negative the other way;
    `saving_minor` is how much less moves between the two.
    """

    first: str
    second: str
    currency: str
    first_owes_minor: int
    second_owes_minor: int
    net_minor: int
    saving_minor: int


class Saving(NamedTuple):
    """A currency's gross debts and what is paid after netting among all, on-us positions left out.

    `saved_permille` is the part of the gross that need not be paid, in thousandths, rounded down; 0 without gross.
    """

    currency: str
    gross_minor: int
    paid_minor: int
    saved_permille: int


def multilateral_nets(positions: Iterable[Position]) -> list[Net]:
    """Each partner's net in each currency in which it takes part, sorted by partner and currency.

    A partner with on-us positions only is listed with zeros.
    """
    receive: defaultdict[tuple[str, str], int] = defaultdict(int)
    pay: defaultdict[tuple[str, str], int] = defaultdict(int)
    for position in positions:
        cleared_minor = 0 if position.on_us else position.amount_minor
        receive[position.redeemer, position.currency] += cleared_minor
        pay[position.issuer, position.currency] += cleared_minor
    return [
        Net(
            partner,
            currency,
            received := receive[partner, currency],
            paid := pay[partner, currency],
            received - paid,
        )
        for partner, currency in sorted({*receive, *pay})
    ]


def explain_pairs(positions: Iterable[Position]) -> list[PairExplanation]:
    """The gross both ways of each two partners, sorted by first, second (first < second) and currency."""
    owed: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for position in positions:
        if not position.on_us:
            first, second = sorted((position.issuer, position.redeemer))
            owed[first, second, position.currency][position.issuer == second] += position.amount_minor
    return [
        PairExplanation(*pair, first_owes, second_owes, first_owes - second_owes, 2 * min(first_owes, second_owes))
        for pair, (first_owes, second_owes) in sorted(owed.items())
    ]


def savings(nets: Iterable[Net]) -> list[Saving]:
    """What netting saved in each currency, sorted by currency."""
    gross: defaultdict[str, int] = defaultdict(int)
    paid: defaultdict[str, int] = defaultdict(int)
    for net in nets:
        gross[net.currency] += net.pay_minor
        paid[net.currency] += max(net.net_minor, 0)
    return [
        Saving(currency, minor, paid[currency], (minor - paid[currency]) * 1000 // (minor or 1))
        for currency, minor in sorted(gross.items())
    ]
