"""Deadlines of a cycle: when each step is due, counted in days from the cycle's last day and from its publication.

    last day --cut_off--> cut off --published--> published --disputes--> window over --final--> final ...

Cut-off and publication are due so many days after the last day. Publication fixes what follows: the last day on which a
line may be disputed, and from there each step so many days after the one before. Days are calendar days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from settlement.core.moves import CLOSED, CUT_OFF, FINAL, PAID_IN, PAID_OUT, PUBLISHED, STATES

DISPUTES = "disputes"
"""The step that ends with the last day on which a line may be disputed."""


class Days(NamedTuple):
    """How many days each step has: `cut_off` and `published` from the last day of the cycle, `disputes` from the
    publication, each later one from the deadline before."""

    cut_off: int = 3
    published: int = 7
    disputes: int = 10
    final: int = 3
    paid_in: int = 5
    paid_out: int = 2
    closed: int = 5


def before_publication(ends_on: date, days: Days) -> dict[str, date]:
    """When a cycle with this last day is due to be cut off and to be published."""
    return {CUT_OFF: ends_on + timedelta(days.cut_off), PUBLISHED: ends_on + timedelta(days.published)}


def from_publication(published_on: date, days: Days) -> dict[str, date]:
    """The deadlines that a publication on this day fixes."""
    due, found = published_on, {}
    for step in (DISPUTES, FINAL, PAID_IN, PAID_OUT, CLOSED):
        due += timedelta(getattr(days, step))
        found[step] = due
    return found


def next_deadline(state: str, deadlines: Mapping[str, date]) -> tuple[str, date] | None:
    """The next step of a cycle in this state that has a deadline, and that; None after the last one."""
    later = STATES[STATES.index(state) + 1 :]
    return next(((step, deadlines[step]) for step in later if step in deadlines), None)
