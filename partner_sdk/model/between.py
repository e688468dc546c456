"""What members do among themselves: gifts, household pools, merged accounts."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from partner_sdk.model.values import Readable, Wire, each


@dataclass(frozen=True, slots=True)
class MovedLot(Readable):
    """Points of one issuer and kind that changed hands, with the day until which they can be spent."""

    issuer: str
    kind: str
    points: int
    expires_on: date


@dataclass(frozen=True, slots=True)
class Transfer:
    """Points that went from one member to another; `kind` is transfer, gift or donation."""

    transfer_id: str
    kind: str
    points: int
    lots: tuple[MovedLot, ...]
    duplicate: bool = False

    @classmethod
    def from_wire(cls, wire: Wire) -> "Transfer":
        """Read the answer to POST /v1/transfers."""
        lots = each(MovedLot.from_wire, wire["lots"])
        return cls(wire["transfer_id"], wire["kind"], wire["points"], lots, wire.get("duplicate", False))


@dataclass(frozen=True, slots=True)
class PoolMember:
    """A member of a household pool. What the pool pays is split by `share`; who `may_spend` spends from all."""

    member: str
    share: int = 1
    may_spend: bool = True

    def to_wire(self) -> dict[str, Any]:
        """The element of POST /v1/pools."""
        return {"member": self.member, "share": self.share, "may_spend": self.may_spend}


@dataclass(frozen=True, slots=True)
class Pool(Readable):
    """A pool as it was set."""

    event_id: str
    pool_id: str
    members: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Merge(Readable):
    """What went over with a merged account, or back with one that was undone: points, status points, debt."""

    event_id: str
    points: int
    qualifying: int
    debt: int
    duplicate: bool = False
