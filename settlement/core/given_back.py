"""What corrections and won disputes give back of one line: together never more than the line came to.

A correction follows points: the ledger takes back what was owed for them and knows of no dispute. A dispute moves money
of the same line. So whichever comes second may give back what is gone already. What is too much is moved the other way
at once, by an adjustment of its own; how much that is follows from three sums, whatever came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from settlement.core.disputes import LineKey
from settlement.core.lines import Obligation, event_name
from settlement.core.parties import ADJUSTMENT, OPERATOR

_EVENT = "given-back:"


def too_much(line_minor: int, corrected_minor: int, moved_minor: int) -> int:
    """What is to be moved the other way, of the sign opposite to `moved_minor`; 0 where nothing is too much.

    A line came to `line_minor`, of which corrections took back `corrected_minor` (not below zero) by points, and
    disputes moved `moved_minor` (below zero where its issuer won). That may be at most what corrections left.
    """
    left = max(abs(line_minor) - corrected_minor, 0)
    over = max(abs(moved_minor) - left, 0)
    return -over if moved_minor > 0 else over


def corrected_key(line: Obligation) -> LineKey | None:
    """The line that a correction takes back from, None for any other line."""
    if not line.origin or line.kind == ADJUSTMENT or line.amount_minor >= 0:
        return None
    partner_id, _, event_id = line.origin.partition("/")
    return partner_id, event_id, line.line


def adjustment(line: Obligation, minor: int, number: int, day: date) -> Obligation:
    """The line by which so much of `line` is moved the other way, the `number`-th about its event."""
    origin = event_name(line.partner_id, line.event_id)
    return line._replace(
        partner_id=OPERATOR,
        event_id=f"{_EVENT}{number}:{origin}",
        points=0,
        amount_minor=minor,
        business_date=day,
        origin=origin,
        kind=ADJUSTMENT,
    )


def is_given_back(line: Obligation) -> bool:
    """Whether a line is such an adjustment."""
    return line.kind == ADJUSTMENT and line.event_id.startswith(_EVENT)


def following(numbers: Sequence[str]) -> int:
    """The number after those in these event ids."""
    return max((int(event_id.removeprefix(_EVENT).partition(":")[0]) for event_id in numbers), default=0) + 1
