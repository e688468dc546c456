"""Points that are spent, held, or given back."""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.values import Money, Readable


@dataclass(frozen=True, slots=True)
class Lot(Readable):
    """The points that a redemption took of one issuer, and what that issuer owes for them (minor units)."""

    issuer: str
    points: int
    minor: int


@dataclass(frozen=True, slots=True)
class Redemption(Readable):
    """A redemption that was posted, or with `held_until` a hold; `value` is what the partner will be reimbursed."""

    redemption_id: str
    points: int
    value: Money
    lots: tuple[Lot, ...]
    duplicate: bool = False
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Capture(Readable):
    """What was burnt of a hold, and how many points were `released`."""

    redemption_id: str
    points: int
    released: int
    value: Money
    lots: tuple[Lot, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Voided(Readable):
    """A hold that was voided, and the points it released."""

    redemption_id: str
    points: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Reversal(Readable):
    """What a reversal gave back to the member, lot by lot, the last taken first; `value` is no longer reimbursed."""

    redemption_id: str
    reversal_id: str
    points: int
    value: Money
    lots: tuple[Lot, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class RedemptionQuote(Readable):
    """What a redemption would give now; `value` and `lots` only when the member has `enough`."""

    points: int
    available: int
    enough: bool
    value: Money | None = None
    lots: tuple[Lot, ...] = ()
