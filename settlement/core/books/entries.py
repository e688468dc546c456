"""Journal entries, which cannot be out of balance, and what they add up to.

An entry is made of postings, each one amount above zero from a credit to a debit account. There is no way to write
down one side only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple


class Posting(NamedTuple):
    """`amount_minor`, above zero, is debited to one account and credited to another."""

    debit_account: str
    credit_account: str
    amount_minor: int


class Entry(NamedTuple):
    """What one event posts on a day, in one currency; `name` says what it comes from and is unique."""

    day: date
    name: str
    words: str
    currency: str
    postings: Sequence[Posting]


class Total(NamedTuple):
    """A line of the trial balance; `balance_minor` is debits less credits."""

    currency: str
    account: str
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        """Debits less credits."""
        return self.debit_minor - self.credit_minor


def posting(debit_account: str, credit_account: str, amount_minor: int) -> list[Posting]:
    """The posting of an amount; below zero it goes the other way, of nothing there is none."""
    if amount_minor < 0:
        return [Posting(credit_account, debit_account, -amount_minor)]
    return [Posting(debit_account, credit_account, amount_minor)] if amount_minor else []


def trial_balance(entries: Iterable[Entry]) -> list[Total]:
    """Debits and credits of every account, sorted by currency and account."""
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        for one in entry.postings:
            sums[entry.currency, one.debit_account][0] += one.amount_minor
            sums[entry.currency, one.credit_account][1] += one.amount_minor
    return [Total(*key, *figures) for key, figures in sorted(sums.items())]


def balances(entries: Iterable[Entry]) -> Mapping[tuple[str, str], int]:
    """The balance, debits less credits, of every account that was posted to, by account and currency."""
    return {(one.account, one.currency): one.balance_minor for one in trial_balance(entries)}
