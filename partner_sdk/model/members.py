"""Members and their points."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from partner_sdk.model.values import Failure, Readable, Wire, optional


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A member to enrol, with further identifiers that shall mean the same member."""

    member: str
    identifiers: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The element of POST /v1/members."""
        if not self.identifiers:
            return {"member": self.member}
        return {"member": self.member, "identifiers": list(self.identifiers)}


@dataclass(frozen=True, slots=True)
class EnrolmentResult:
    """What became of one enrolment: `status` is enrolled or rejected."""

    member: str
    status: str
    duplicate: bool = False
    error: Failure | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "EnrolmentResult":
        """Read one element of the answer to POST /v1/members."""
        error = optional(Failure.from_wire, wire.get("error"))
        return cls(wire["member"], wire["status"], wire.get("duplicate", False), error)


@dataclass(frozen=True, slots=True)
class Expiring(Readable):
    """Points that are lost at the end of a day, unless they are spent before."""

    points: int
    expires_on: date


@dataclass(frozen=True, slots=True)
class CardBonus(Readable):
    """A bonus that you promised for a card: `points` for `spend_minor` before `until`, of which `spent_minor` is there.

    `state` is `open`, `given`, `undone` (given, and taken back) or `missed`; `card` is the event of the first link.
    """

    name: str
    points: int
    spend_minor: int
    spent_minor: int
    until: datetime
    card: str
    state: str


@dataclass(frozen=True, slots=True)
class MemberView(Readable):
    """What this partner may see of a member's points.

    `available` can be spent; `pending` will be; `held` is reserved; `debt` is owed and paid first by what comes in;
    `qualifying` counts for status only. `expiring` lists what is available by its last day, soonest first.
    """

    member: str
    available: int
    pending: int
    next_to_expire: Expiring | None
    held: int = 0
    debt: int = 0
    qualifying: int = 0
    expiring: tuple[Expiring, ...] = ()
    bonuses: tuple[CardBonus, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending(Readable):
    """Points of one kind that this partner issued and that end on one day, and how many members have them."""

    expires_on: date
    kind: str
    members: int
    points: int
