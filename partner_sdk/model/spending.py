"""Points that are spent, held, or given back."""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.values import Money, Wire, each, optional


@dataclass(frozen=True, slots=True)
class Lot:
    """The points that a redemption took of one issuer, and what that issuer owes for them (minor units)."""

    issuer: str
    points: int
    minor: int

    @classmethod
    def from_wire(cls, wire: Wire) -> "Lot":
        """Read {"issuer", "points", "minor"}."""
        return cls(wire["issuer"], wire["points"], wire["minor"])


@dataclass(frozen=True, slots=True)
class Redemption:
    """A redemption that was posted, or with `held_until` a hold; `value` is what the partner will be reimbursed."""

    redemption_id: str
    points: int
    value: Money
    lots: tuple[Lot, ...]
    duplicate: bool = False
    held_until: datetime | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Redemption":
        """Read the answer to POST /v1/redemptions."""
        return cls(
            redemption_id=wire["redemption_id"],
            points=wire["points"],
            value=Money.from_wire(wire["value"]),
            lots=each(Lot.from_wire, wire["lots"]),
            duplicate=wire.get("duplicate", False),
            held_until=optional(datetime.fromisoformat, wire.get("held_until")),
        )


@dataclass(frozen=True, slots=True)
class Capture:
    """What was burnt of a hold, and how many points were `released`."""

    redemption_id: str
    points: int
    released: int
    value: Money
    lots: tuple[Lot, ...]
    duplicate: bool = False

    @classmethod
    def from_wire(cls, wire: Wire) -> "Capture":
        """Read the answer to POST /v1/redemptions/{redemption_id}/capture."""
        return cls(
            redemption_id=wire["redemption_id"],
            points=wire["points"],
            released=wire["released"],
            value=Money.from_wire(wire["value"]),
            lots=each(Lot.from_wire, wire["lots"]),
            duplicate=wire.get("duplicate", False),
        )


@dataclass(frozen=True, slots=True)
class Voided:
    """A hold that was voided, and the points it released."""

    redemption_id: str
    points: int
    duplicate: bool = False

    @classmethod
    def from_wire(cls, wire: Wire) -> "Voided":
        """Read the answer to POST /v1/redemptions/{redemption_id}/void."""
        return cls(wire["redemption_id"], wire["points"], wire.get("duplicate", False))


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a reversal gave back to the member, lot by lot, the last taken first; `value` is no longer reimbursed."""

    redemption_id: str
    reversal_id: str
    points: int
    value: Money
    lots: tuple[Lot, ...]
    duplicate: bool = False

    @classmethod
    def from_wire(cls, wire: Wire) -> "Reversal":
        """Read the answer to POST /v1/redemptions/{redemption_id}/reverse."""
        return cls(
            redemption_id=wire["redemption_id"],
            reversal_id=wire["reversal_id"],
            points=wire["points"],
            value=Money.from_wire(wire["value"]),
            lots=each(Lot.from_wire, wire["lots"]),
            duplicate=wire.get("duplicate", False),
        )


@dataclass(frozen=True, slots=True)
class RedemptionQuote:
    """What a redemption would give now; `value` and `lots` only when the member has `enough`."""

    points: int
    available: int
    enough: bool
    value: Money | None = None
    lots: tuple[Lot, ...] = ()

    @classmethod
    def from_wire(cls, wire: Wire) -> "RedemptionQuote":
        """Read the `redemption` of the answer to POST /v1/quotes."""
        return cls(
            points=wire["points"],
            available=wire["available"],
            enough=wire["enough"],
            value=optional(Money.from_wire, wire.get("value")),
            lots=each(Lot.from_wire, wire.get("lots", ())),
        )
