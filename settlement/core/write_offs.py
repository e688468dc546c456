"""What a write-off posts: the difference of a break, from one account to another.

Whoever is right, the operator bears what it does not pursue. Where the other side has less than we have, that much is
lost: `write_off` is debited and `clearing` credited. Where it has more, the other way round. An entry has one amount
and two accounts, so it cannot be out of balance; a break of two currencies has an entry in each.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from settlement.core.reconciliation import Break

CLEARING, WRITE_OFF = "clearing", "write_off"
SUBJECT = "write_off"
"""The kind of all approvals of write-offs."""


class Entry(NamedTuple):
    """`amount_minor`, above zero, from `credit_account` to `debit_account`."""

    currency: str
    debit_account: str
    credit_account: str
    amount_minor: int


def entries_of(found: Break) -> list[Entry]:
    """The entries that make a break's difference nothing, by currency; none where it has none."""
    more: Counter[str] = Counter()
    more[found.left_currency] -= found.left_minor
    more[found.right_currency] += found.right_minor
    return [_entry(currency, minor) for currency, minor in sorted(more.items()) if minor]


def write_off_digest(name: str, entries: Sequence[Entry], reason: str) -> bytes:
    """SHA-256 that names what is approved: the break, each entry, and the reason."""
    rows = (" ".join(map(str, entry)) for entry in entries)
    return hashlib.sha256("\n".join(["hansa-settlement-write-off-1", name, *rows, reason]).encode()).digest()


def _entry(currency: str, minor: int) -> Entry:
    accounts = (WRITE_OFF, CLEARING) if minor < 0 else (CLEARING, WRITE_OFF)
    return Entry(currency, *accounts, abs(minor))
