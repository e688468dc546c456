"""Multilateral netting: what each partner pays or receives once, through the operator, in each currency.

Each partner's net is what all others owe it less what it owes them, so the nets of a currency add up to zero
and the operator, as everybody's counterparty, keeps nothing. On-us positions take no part. A position below zero, in
which corrections outweigh the rest, lessens what its redeemer receives and what its issuer pays, by its sign alone.

The explanation shows for each pair what netting between the two alone would have left, and for each currency what
netting among all saved. Its gross is what would be paid if each position were paid by itself; one below zero would be
paid as well, from redeemer to issuer. So gross is the sum of the positions without their signs, never less than what
is paid after netting, and a saving is never below zero.

A currency's saving is told apart by pair: to each what setting its two debts against each other saves, and of the rest,
which only netting among all could save, a part in proportion to what the pair has left. The parts add up to the saving
to the last unit, and none is above its pair's gross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from settlement.core.positions import Position
from settlement.core.pricing import split_minor


class Net(NamedTuple):
    """A partner's net in one currency; `net_minor` is receive less pay, positive when it is to receive.

    `receive_minor` and `pay_minor` are the sums of its positions as redeemer and as issuer, so they may be below zero.
    """

    partner: str
    currency: str
    receive_minor: int
    pay_minor: int
    net_minor: int


class PairExplanation(NamedTuple):
    """Two partners' gross debts, before any netting, and what setting them against each other leaves.

    `first_owes_minor` is what `first` owes `second`, the position between them with its sign; `net_minor` is what it
    still owes then, negative the other way; `saving_minor` is how much less moves between the two, which is nothing
    when a debt and the correction of one in the other direction are to be paid by the same partner.
    `share_minor` is the pair's part of what netting among all saved in the currency.
    """

    first: str
    second: str
    currency: str
    first_owes_minor: int
    second_owes_minor: int
    net_minor: int
    saving_minor: int
    share_minor: int


class Saving(NamedTuple):
    """A currency's gross debts, each without its sign, and what is paid after netting, on-us positions left out.

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


def explain_pairs(positions: Sequence[Position]) -> list[PairExplanation]:
    """The gross both ways of each two partners, sorted by first, second (first < second) and currency."""
    owed: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for position in positions:
        if not position.on_us:
            first, second = sorted((position.issuer, position.redeemer))
            owed[first, second, position.currency][position.issuer == second] += position.amount_minor
    pairs = [
        PairExplanation(*pair, one, other, one - other, saving := abs(one) + abs(other) - abs(one - other), saving)
        for pair, (one, other) in sorted(owed.items())
    ]
    return _with_shares(pairs, {net.currency: net.paid_minor for net in savings(positions)})


def savings(positions: Sequence[Position]) -> list[Saving]:
    """What netting saved in each currency, sorted by currency."""
    gross: defaultdict[str, int] = defaultdict(int)
    paid: defaultdict[str, int] = defaultdict(int)
    for position in positions:
        gross[position.currency] += 0 if position.on_us else abs(position.amount_minor)
    for net in multilateral_nets(positions):
        paid[net.currency] += max(net.net_minor, 0)
    return [
        Saving(currency, minor, paid[currency], (minor - paid[currency]) * 1000 // (minor or 1))
        for currency, minor in sorted(gross.items())
    ]


def _with_shares(pairs: Sequence[PairExplanation], paid_minor: Mapping[str, int]) -> list[PairExplanation]:
    """The pairs with the part of each in what netting among all saved beyond what the two saved between them."""
    left: defaultdict[str, list[int]] = defaultdict(list)
    for pair in pairs:
        if pair.net_minor:
            left[pair.currency].append(abs(pair.net_minor))
    parts = {
        currency: iter(split_minor(sum(minors) - paid_minor[currency], minors)) for currency, minors in left.items()
    }
    return [
        pair._replace(share_minor=pair.saving_minor + next(parts[pair.currency])) if pair.net_minor else pair
        for pair in pairs
    ]
