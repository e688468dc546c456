"""What partners and the operator argue about: lines of a published statement, purchases that brought no points."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from partner_sdk.model.values import Money, Readable


@dataclass(frozen=True, slots=True)
class DisputedLine(Readable):
    """A line by its partner, event and number, and how many `minor` units of it are disputed, and were accepted."""

    partner: str
    event_id: str
    line: int
    minor: int
    accepted_minor: int = 0

    def to_wire(self) -> dict[str, Any]:
        """{"partner", "event_id", "line", "minor"}."""
        return {"partner": self.partner, "event_id": self.event_id, "line": self.line, "minor": self.minor}


@dataclass(frozen=True, slots=True)
class DisputeMove(Readable):
    """One move: into which state, when, what was said, and what it accepted."""

    state: str
    at: datetime
    reason: str = ""
    text: str = ""
    evidence: Mapping[str, Any] | None = None
    accepted_minor: int = 0


@dataclass(frozen=True, slots=True)
class Dispute(Readable):
    """A dispute as it stands; whose turn it is must act up to and on the day `due_on`.

    `state` is opened, escalated or arbitration while the operator is to answer, rejected or rejected_again while you
    may take it further, and in the end accepted, decided, lapsed or withdrawn. On a statement it has no `moves`.
    """

    partner: str
    dispute_id: str
    cycle: str
    currency: str
    state: str
    disputed_minor: int
    accepted_minor: int
    lines: tuple[DisputedLine, ...]
    due_on: date | None = None
    moves: tuple[DisputeMove, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld(Readable):
    """What of the dues in a currency waits for disputes: you need not pay it yet, or below zero do not get it yet."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class ClaimMove(Readable):
    """A move into a state: by a partner, an operator or `@deadline`, and what was said."""

    state: str
    by: str
    at: datetime
    text: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class FoundEvent(Readable):
    """What was reported that may be the claimed purchase, and why it gave what it gave."""

    event_id: str
    status: str
    points: int
    occurred_at: datetime
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim(Readable):
    """A claim of `partner` about a purchase `at` a partner; silence up to `due_on` means `outcome`.

    `state` is open, needs_more, granted (by `event_id`), declined or withdrawn; `found` is of a claim looked at alone.
    """

    partner: str
    claim_id: str
    at: str
    occurred_at: datetime
    amount: Money
    reason: str
    state: str
    moves: tuple[ClaimMove, ...]
    reference: str = ""
    due_on: date | None = None
    outcome: str = ""
    event_id: str = ""
    points: int | None = None
    found: tuple[FoundEvent, ...] = ()
