"""What leads from a statement's opening to its closing balance, in one currency, and that it does.

Opening balance, movements and charges give the closing balance, which is what is due now and what is carried to the
next cycle. The figures come from different tables: the opening balance and the closing one from the dues, movements
from the partner's lines, charges from its contract. So the equation can fail, and a statement in which it does is
refused. All amounts are signed minor units, positive when the partner is to receive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from settlement.core.dues import Due
from settlement.core.lines import Obligation
from settlement.core.netting import Net
from settlement.errors import NotBalanced

NOBODY = ""
"""The party of a due that there is not, though there are lines or charges in its currency."""


class Movement(NamedTuple):
    """The lines of one kind; those that correct earlier events stand apart. `on_us_minor` is not cleared."""

    currency: str
    kind: str
    corrects: bool
    lines: int
    points: int
    receive_minor: int
    pay_minor: int
    on_us_minor: int


class PairMovement(NamedTuple):
    """The lines of one kind between an issuer and a redeemer, for points of one partner where the fund owes.

    Those that correct earlier events stand apart.
    """

    issuer: str
    redeemer: str
    currency: str
    kind: str
    corrects: bool
    points_of: str
    lines: int
    points: int
    amount_minor: int


class PartnerMovement(NamedTuple):
    """A movement with the partner on whose statement it is."""

    partner: str
    currency: str
    kind: str
    corrects: bool
    lines: int
    points: int
    receive_minor: int
    pay_minor: int
    on_us_minor: int


class Charged(NamedTuple):
    """What a partner is charged by a version of its contract; `amount_minor` is above zero where it pays."""

    currency: str
    kind: str
    contract_version: int
    amount_minor: int


class Balance(NamedTuple):
    """How the opening balance of a currency becomes the closing one, `due_minor` and `carried_minor` together."""

    currency: str
    opening_minor: int
    movements: Sequence[Movement]
    charges: Sequence[Charged]
    due_minor: int
    carried_minor: int

    @property
    def movements_minor(self) -> int:
        """What the partner receives for its lines less what it pays."""
        return sum(one.receive_minor - one.pay_minor for one in self.movements)

    @property
    def charges_minor(self) -> int:
        """What the charges change in the balance; below zero where the partner pays."""
        return -sum(one.amount_minor for one in self.charges)

    @property
    def closing_minor(self) -> int:
        """What the partner receives now and later."""
        return self.due_minor + self.carried_minor


class MovementTally:
    """Adds a partner's lines up by currency and kind as they come in."""

    def __init__(self, partner: str) -> None:
        self._partner = partner
        self._sums: defaultdict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0] * 5)

    def add(self, line: Obligation) -> None:
        """Take in the next line."""
        sums = self._sums[line.currency, line.kind, bool(line.origin)]
        sums[0] += 1
        sums[1] += line.points
        sums[4 if line.issuer == line.redeemer else 2 if line.redeemer == self._partner else 3] += line.amount_minor

    def movements(self) -> list[Movement]:
        """What the lines so far come to, sorted."""
        return [Movement(*key, *sums) for key, sums in sorted(self._sums.items())]


def movements_of(pairs: Iterable[PairMovement]) -> list[PartnerMovement]:
    """The movements of every partner's statement, sorted."""
    sums: defaultdict[tuple[str, str, str, bool], list[int]] = defaultdict(lambda: [0] * 5)
    for pair in pairs:
        for partner in {pair.issuer, pair.redeemer}:
            figures = sums[partner, pair.currency, pair.kind, pair.corrects]
            figures[0] += pair.lines
            figures[1] += pair.points
            figures[4 if pair.issuer == pair.redeemer else 2 if partner == pair.redeemer else 3] += pair.amount_minor
    return [PartnerMovement(*key, *figures) for key, figures in sorted(sums.items())]


def balances(
    nets: Iterable[Net], dues: Iterable[Due], movements: Iterable[Movement], charges: Iterable[Charged]
) -> list[Balance]:
    """A partner's balances, sorted by currency.

    Without a due in a currency, as in cycles from before there were dues, its net is due and nothing is carried.
    Raises `NotBalanced` where movements are not the net, charges not those of the due, or the equation does not hold.
    """
    drawn = _drawn(nets, dues, movements, charges)
    for due, balance in drawn:
        _expect_balanced(due, balance)
    return [balance for _, balance in drawn]


def unproved_balances(
    nets: Iterable[Net], dues: Iterable[Due], movements: Iterable[Movement], charges: Iterable[Charged]
) -> list[Balance]:
    """The same as they are kept, whether they add up or not: for whoever checks that himself."""
    return [balance for _, balance in _drawn(nets, dues, movements, charges)]


def expect_same(stated: Iterable[Balance], found: Iterable[Movement]) -> None:
    """Raise `NotBalanced` unless the lines that were written come to the movements that are stated."""
    movements = [movement for balance in stated for movement in balance.movements]
    if movements != [*found]:
        raise NotBalanced("the lines of the statement do not come to the movements above them")


def _drawn(
    nets: Iterable[Net], dues: Iterable[Due], movements: Iterable[Movement], charges: Iterable[Charged]
) -> list[tuple[Due, Balance]]:
    known = {due.currency: due for due in dues}
    for net in nets:
        known.setdefault(net.currency, Due(net.partner, net.currency, net.net_minor, 0, 0, net.net_minor, 0))
    moved, charged = list(movements), list(charges)
    for currency in {one.currency for one in moved} | {one.currency for one in charged}:
        known.setdefault(currency, Due(NOBODY, currency, 0, 0, 0, 0, 0))
    return [(known[currency], _balance(known[currency], moved, charged)) for currency in sorted(known)]


def _balance(due: Due, movements: Iterable[Movement], charges: Iterable[Charged]) -> Balance:
    own = [one for one in movements if one.currency == due.currency]
    charged = [one for one in charges if one.currency == due.currency]
    return Balance(due.currency, due.brought_minor, own, charged, due.due_minor, due.carried_minor)


def _expect_balanced(due: Due, balance: Balance) -> None:
    if due.party == NOBODY:
        raise NotBalanced(f"there are lines or charges in {due.currency}, but no net and no due")
    for what, found, stated in (
        ("movements", balance.movements_minor, due.net_minor),
        ("charges", balance.charges_minor, due.charges_minor),
        (
            "opening balance, movements and charges",
            balance.opening_minor + balance.movements_minor + balance.charges_minor,
            balance.closing_minor,
        ),
    ):
        if found != stated:
            raise NotBalanced(
                f"the statement does not add up: {what} in {balance.currency} come to {found} minor units,"
                f" {stated} are stated"
            )
