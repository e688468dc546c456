"""Amounts that are counted over purchases: for caps of rates, for bonuses, and refunds that had no purchase.

They are counters of the member, locked and changed in the posting transaction. Each event keeps what it counted, so
that a return counts it back, and the ledger's check adds them up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from hub.core.periods import name_of
from hub.core.rules import Counted

CAP, SPEND, CREDIT = "cap", "spend", "credit"
COUNTED = "counted"
"""The detail of an event that says what it changed of which counter."""


def of_cap(counted: Counted, day: date) -> str:
    """Return the counter of a cap on a day."""
    return f"{CAP}/{counted.cap.name}/{name_of(counted.cap.period, day)}"


def of_bonus(name: str, line: str) -> str:
    """Return the counter of what was spent towards a bonus of a card line."""
    return f"{SPEND}/{name}/{line}"


def of_credit(line: str, day: date) -> str:
    """Return the counter of refunds of a card line that had no purchase in the month of a day."""
    return f"{CREDIT}/{name_of('month', day)}/{line}"


def returned(counted: Mapping[str, int], minor: int) -> dict[str, int]:
    """Return by how much the counters of a purchase change when so much of it comes back, or again (below zero)."""
    return {name: -minor for name in counted if not name.startswith(CREDIT)}


def added(changes: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return several changes as one."""
    sums: dict[str, int] = {}
    for change in changes:
        for name, minor in change.items():
            sums[name] = sums.get(name, 0) + minor
    return sums
