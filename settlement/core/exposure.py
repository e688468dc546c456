"""Exposure: how far a partner is in debt for what is not paid yet, line by line as it is posted.

It is the net debit position: what the partner owes as issuer less what it is owed as redeemer, which is what it will
have to pay when the cycle is netted. What a partner has with itself does not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from settlement.core.dues import Account
from settlement.core.lines import Obligation

OPEN, ALERT, STOPPED = "open", "alert", "stopped"


class CreditLine(NamedTuple):
    """How far a partner may owe in a currency, by its contract or by what it has paid in.

    From `alert_minor` of exposure on the operator is told (None: never); a `hard` line is never exceeded, the other
    kind only counted.
    """

    partner: str
    currency: str
    limit_minor: int
    alert_minor: int | None
    hard: bool

    def state(self, left_minor: int) -> str:
        """`open`, `alert`, or `stopped` when nothing is left, which stops a hard line."""
        if left_minor <= 0:
            return STOPPED if self.hard else ALERT
        exposure_minor = self.limit_minor - left_minor
        return ALERT if self.alert_minor is not None and exposure_minor >= self.alert_minor else OPEN


def changes(lines: Iterable[Obligation], watched: Collection[Account]) -> dict[Account, int]:
    """By how much these lines raise (or, below zero, lower) the exposure of watched partners; zeros are left out."""
    found: defaultdict[Account, int] = defaultdict(int)
    for line in lines:
        if line.issuer != line.redeemer:
            found[line.issuer, line.currency] += line.amount_minor
            found[line.redeemer, line.currency] -= line.amount_minor
    return {account: minor for account, minor in found.items() if minor and account in watched}


def spread(minor: int, parts: int) -> list[int]:
    """An amount over so many stripes: evenly, and all of it on the first when it is below zero."""
    if minor < 0:
        return [minor] + [0] * (parts - 1)
    return [minor // parts + (place < minor % parts) for place in range(parts)]


def less(one: Mapping[Account, int], other: Mapping[Account, int]) -> dict[Account, int]:
    """The one less the other, zeros left out."""
    both = {account: one.get(account, 0) - other.get(account, 0) for account in {**one, **other}}
    return {account: minor for account, minor in both.items() if minor}
