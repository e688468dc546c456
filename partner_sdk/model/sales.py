"""Sales, what becomes of them, and returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from partner_sdk.model.values import Failure, Item, Money, Readable, Wire, each, optional


def earning_to_wire(
    event_id: str,
    member: str,
    occurred_at: datetime,
    amount: Money,
    store: str | None,
    terminal: str | None,
    channel: str | None,
    items: Sequence[Item],
    points: int | None,
    sequence: int | None = None,
    category: str | None = None,
    partner: str | None = None,
) -> dict[str, Any]:
    """What an `Earning` of these is on the wire; for who makes so many that one more object each counts."""
    _check_zone(occurred_at)
    wire: dict[str, Any] = {
        "event_id": event_id,
        "member": member,
        "occurred_at": occurred_at.isoformat(),
        "amount": amount.to_wire(),
    }
    if store is not None:
        wire["store"] = store
    if terminal is not None:
        wire["terminal"] = terminal
    if channel is not None:
        wire["channel"] = channel
    if points is not None:
        wire["points"] = points
    if sequence is not None:
        wire["sequence"] = sequence
    if category is not None:
        wire["category"] = category
    if partner is not None:
        wire["partner"] = partner
    if items:
        wire["items"] = [item.to_wire() for item in items]
    return wire


def _check_zone(occurred_at: datetime) -> None:
    if occurred_at.tzinfo is None:
        raise ValueError("occurred_at must know its time zone")


@dataclass(frozen=True, slots=True)
class Earning:
    """One purchase to report. `event_id` is yours, and yours for ever: it makes a repetition harmless.

    `member` is `scheme:value`, such as "card:1234". `occurred_at` must know its time zone (else ValueError).
    `points`, when given, must be what the hub's rule gives, or the event is rejected (`points_mismatch`).
    `sequence` is the number of the event among all of its terminal, from 1; `Client.gaps` tells of missing ones.
    An issuer of cards says the `category` of the merchant (ISO 18245), and at which `partner` it was.
    """

    event_id: str
    member: str
    occurred_at: datetime
    amount: Money
    store: str | None = None
    terminal: str | None = None
    channel: str | None = None
    items: tuple[Item, ...] = ()
    points: int | None = None
    sequence: int | None = None
    category: str | None = None
    partner: str | None = None

    def __post_init__(self) -> None:
        _check_zone(self.occurred_at)

    def to_wire(self) -> dict[str, Any]:
        """The element of POST /v1/earnings; members without a value are left out."""
        return earning_to_wire(
            self.event_id, self.member, self.occurred_at, self.amount, self.store, self.terminal, self.channel,
            self.items, self.points, self.sequence, self.category, self.partner,
        )  # fmt: skip

    @classmethod
    def from_wire(cls, wire: Wire) -> "Earning":
        """Read what `EarningSchema` loads: the wire's members, `occurred_at` already a datetime."""
        return cls(
            event_id=wire["event_id"],
            member=wire["member"],
            occurred_at=wire["occurred_at"],
            amount=Money.from_wire(wire["amount"]),
            store=wire.get("store"),
            terminal=wire.get("terminal"),
            channel=wire.get("channel"),
            items=each(lambda item: Item(**item), wire.get("items", ())),
            points=wire.get("points"),
            sequence=wire.get("sequence"),
            category=wire.get("category"),
            partner=wire.get("partner"),
        )


@dataclass(frozen=True, slots=True)
class EarningResult(Readable):
    """What became of one earning. A rejected one was not stored and may be sent again."""

    event_id: str
    status: str
    points: int
    available_at: datetime | None = None
    expires_on: date | None = None
    duplicate: bool = False
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A returned purchase to report; `refunds` is the event id of the sale.

    Without `amount` and `items` all that is left of the sale is returned. `occurred_at` must know its time zone
    (else ValueError). `terminal` and `sequence` are as in an `Earning`.
    """

    event_id: str
    refunds: str
    occurred_at: datetime
    amount: Money | None = None
    items: tuple[Item, ...] = ()
    terminal: str | None = None
    sequence: int | None = None

    def __post_init__(self) -> None:
        _check_zone(self.occurred_at)

    def to_wire(self) -> dict[str, Any]:
        """The element of POST /v1/refunds; members without a value are left out."""
        wire: dict[str, Any] = {
            "event_id": self.event_id,
            "refunds": self.refunds,
            "occurred_at": self.occurred_at.isoformat(),
        }
        if self.amount is not None:
            wire["amount"] = self.amount.to_wire()
        if self.items:
            wire["items"] = [item.to_wire() for item in self.items]
        for name in ("terminal", "sequence"):
            if getattr(self, name) is not None:
                wire[name] = getattr(self, name)
        return wire

    @classmethod
    def from_wire(cls, wire: Wire) -> "Refund":
        """Read what `RefundSchema` loads: the wire's members, `occurred_at` already a datetime."""
        return cls(
            event_id=wire["event_id"],
            refunds=wire["refunds"],
            occurred_at=wire["occurred_at"],
            amount=optional(Money.from_wire, wire.get("amount")),
            items=each(lambda item: Item(**item), wire.get("items", ())),
            terminal=wire.get("terminal"),
            sequence=wire.get("sequence"),
        )


@dataclass(frozen=True, slots=True)
class RefundResult(Readable):
    """What became of one refund. `points` is what the returned part had earned; it is the sum of what was `taken`
    from the member's lots, is `owed` by the member from now on, is `borne` by the issuer, and had `expired`.
    """

    event_id: str
    status: str
    points: int
    amount: Money | None = None
    taken: int = 0
    owed: int = 0
    borne: int = 0
    expired: int = 0
    duplicate: bool = False
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A sale that stands: its `points` can be spent from `available_at` on."""

    event_id: str
    points: int
    available_at: datetime
    duplicate: bool = False

    @classmethod
    def from_wire(cls, wire: Wire) -> "Confirmation":
        """Read the answer to POST /v1/earnings/{event_id}/confirm."""
        available_at = datetime.fromisoformat(wire["available_at"])
        return cls(wire["event_id"], wire["points"], available_at, wire.get("duplicate", False))


@dataclass(frozen=True, slots=True)
class EarningQuote(Readable):
    """What an earning would give now; without `available_at` the points wait for your confirmation."""

    points: int
    expires_on: date
    rate_version: int
    available_at: datetime | None = None
