"""Retro claims: purchases that brought no points."""

from dataclasses import dataclass
from datetime import date, datetime

from partner_sdk.model.values import Money, Readable


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

    `state` is open, needs_more (the claimant is to answer), granted (by `event_id`), declined or withdrawn. `found` is
    there when one claim is looked at.
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
