"""What disputes were decided to in a cycle, line by line, and the adjustments that this gives.

A decision posts one adjustment for each line of which it accepts something, in the cycle in which it was made: money
alone, between the parties of the line, with the line as its origin. So decisions and adjustments are the same list
twice, and either can be held against the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from settlement.core.disputes import Case, DisputeMove, LineKey, adjustment_event, favoured
from settlement.core.findings import Finding
from settlement.core.given_back import is_given_back
from settlement.core.lines import Obligation, event_name, row_name
from settlement.core.parties import OPERATOR


class DecidedLine(NamedTuple):
    """How much a decision accepted of one line that is disputed.

    `event` and `place` are the adjustment's, (`partner_id`, `event_id`, `line`) are the disputed line's, of the
    statement of `cycle`.
    """

    event: str
    place: int
    partner: str
    dispute_id: str
    state: str
    decided_on: date
    cycle: str
    currency: str
    partner_id: str
    event_id: str
    line: int
    disputed_minor: int
    accepted_minor: int


def decided_lines(case: Case, move: DisputeMove, day: date) -> list[DecidedLine]:
    """The lines of a dispute as one of its moves decided on them, on a day."""
    return [
        DecidedLine(
            adjustment_event(move), place, move.partner, move.dispute_id, move.state, day, case.dispute.cycle,
            case.dispute.currency, *line.key, line.minor, minor,
        )
        for place, (line, minor) in enumerate(zip(case.lines, move.accepted, strict=True))
    ]  # fmt: skip


class Adjusting:
    """Holds the adjustments of a cycle against what was decided in it, as they come in."""

    def __init__(self, decided: Iterable[DecidedLine]) -> None:
        self._due: dict[LineKey, DecidedLine] = {}
        self.findings: list[Finding] = []
        for one in decided:
            key = (OPERATOR, one.event, one.place)
            if not 0 <= one.accepted_minor <= one.disputed_minor:
                detail = f"{one.accepted_minor} of the {one.disputed_minor} that were disputed are accepted"
                self.findings.append(Finding("dispute", row_name(*key), detail))
            if one.accepted_minor:
                self._due[key] = one

    def why_wrong(self, line: Obligation) -> str:
        """What is wrong with an adjustment; "" if a decision gives it.

        What is given back follows from several cycles and is not held against one, see `settlement.core.given_back`.
        """
        if is_given_back(line):
            return ""
        due = self._due.pop(line[:3], None)
        if due is None:
            return "no decision of a dispute in this cycle gives it"
        if due.partner not in (line.issuer, line.redeemer):
            return f"{due.partner}, who disputed, takes no part in it"
        owed = (
            favoured(line, due.partner, due.accepted_minor), due.currency, due.decided_on,
            event_name(due.partner_id, due.event_id),
        )  # fmt: skip
        if (line.amount_minor, line.currency, line.business_date, line.origin) != owed:
            return f"{line.amount_minor} posted, the decision gives {owed[0]}, or another currency, day or origin"
        return ""

    def missing(self) -> list[Finding]:
        """Findings for what was decided and did not come in."""
        detail = "{} was decided and is not posted"
        return [
            Finding("adjustment", row_name(*key), detail.format(one.accepted_minor)) for key, one in self._due.items()
        ]
