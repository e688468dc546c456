"""Dues: what of a cycle is to be paid now, and what is carried to the next one.

A partner's total is its net, its charges and what earlier cycles carried. It is due when the partner's own calendar
period ends with the cycle and the total, whichever way, is at least its minimum payment; otherwise all of it is
carried. Never a part: a partner pays or receives one amount, or none.

The operator is everybody's counterparty, so it advances what is carried: its own due is what the dues of all others
leave. Dues and carried amounts therefore each add up to zero in every currency, whoever waits, and what somebody
carries stands against the operator until it is paid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from settlement.core.contracts import Terms
from settlement.core.netting import Net
from settlement.core.parties import OPERATOR
from settlement.core.periods import period_of
from settlement.errors import NotBalanced

Account = tuple[str, str]
"""A party and a currency."""
Figures = tuple[int, int, int]
"""Net, charges and what is brought forward, in minor units."""
Least = Callable[[str, str], int | None]
"""The least amount that a party pays or is paid in a currency; None when its period does not end with the cycle."""


class Due(NamedTuple):
    """What `party`, a partner or the fund or the operator, is due in one currency; positive when it is to receive.

    `net_minor + charges_minor + brought_minor == due_minor + carried_minor`, and at least one of the last two is zero
    for everybody but the operator.
    """

    party: str
    currency: str
    net_minor: int
    charges_minor: int
    brought_minor: int
    due_minor: int
    carried_minor: int


def dues(
    nets: Mapping[Account, int], charges: Mapping[Account, int], brought: Mapping[Account, int], least_minor: Least
) -> list[Due]:
    """The dues of every party that has anything in a cycle, sorted by party and currency.

    Each of the three adds up to zero in every currency, the operator and the fund included.
    Raises `NotBalanced` when one does not.
    """
    for title, minors in (("nets", nets), ("charges", charges), ("amounts brought forward", brought)):
        _refuse_unbalanced(title, minors)
    accounts = {*nets, *charges, *brought}
    operators = {(OPERATOR, currency) for _, currency in accounts}
    figures = {
        account: (nets.get(account, 0), charges.get(account, 0), brought.get(account, 0))
        for account in accounts | operators
    }
    others = [
        _due(account, minors, least_minor(*account))
        for account, minors in sorted(figures.items())
        if account not in operators
    ]
    own = [_of_operator(account, figures[account], others) for account in operators]
    return sorted(due for due in [*others, *own] if any(due[2:]) or due.party != OPERATOR)


def least_of(terms_of: Callable[[str], Terms | None], ends_on: date) -> Least:
    """By each partner's terms: its minimum in its own currency, and whether its period ends on this day."""

    def least_minor(partner: str, currency: str) -> int | None:
        terms = terms_of(partner)
        if terms is None:
            return 0
        if period_of(ends_on, terms.cycle).last_day != ends_on:
            return None
        return terms.minimum_payment_minor if terms.currency == currency else 0

    return least_minor


def dues_of_nets(nets: Iterable[Net]) -> list[Due]:
    """The dues of a cycle from before there were any: its nets, all of them due."""
    return [Due(net.partner, net.currency, net.net_minor, 0, 0, net.net_minor, 0) for net in nets]


def carried(rows: Iterable[Due]) -> dict[Account, int]:
    """What these dues bring to the next cycle; amounts of zero are left out."""
    return {(row.party, row.currency): row.carried_minor for row in rows if row.carried_minor}


def _due(account: Account, minors: Figures, least_minor: int | None) -> Due:
    total = sum(minors)
    pays = least_minor is not None and abs(total) >= least_minor
    return Due(*account, *minors, total if pays else 0, 0 if pays else total)


def _of_operator(account: Account, minors: Figures, others: Iterable[Due]) -> Due:
    due = -sum(other.due_minor for other in others if other.currency == account[1])
    return Due(*account, *minors, due, sum(minors) - due)


def _refuse_unbalanced(title: str, minors: Mapping[Account, int]) -> None:
    sums: dict[str, int] = {}
    for (_, currency), minor in minors.items():
        sums[currency] = sums.get(currency, 0) + minor
    for currency, total in sums.items():
        if total:
            raise NotBalanced(f"the {title} in {currency} add up to {total}, and not to zero")
