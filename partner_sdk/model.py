"""What a partner says to the hub and hears from it, as frozen values.

Money is in minor units, points are whole numbers, instants carry a time zone, days do not. `to_wire` writes the
JSON form of `docs/protocol.md`; `from_wire` reads it, ignoring members that it does not know, so that a newer
hub can say more to an older SDK.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Wire = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's minor units, such as cents; `currency` as in ISO 4217."""

    minor: int
    currency: str

    def to_wire(self) -> dict[str, Any]:
        """{"minor", "currency"}."""
        return {"minor": self.minor, "currency": self.currency}

    @classmethod
    def from_wire(cls, wire: Wire) -> "Money":
        """Read what `to_wire` writes."""
        return cls(wire["minor"], wire["currency"])


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a basket; `minor` is the whole line's amount."""

    sku: str
    category: str
    quantity: int
    minor: int

    def to_wire(self) -> dict[str, Any]:
        """{"sku", "category", "quantity", "minor"}."""
        return {"sku": self.sku, "category": self.category, "quantity": self.quantity, "minor": self.minor}


@dataclass(frozen=True, slots=True)
class Earning:
    """One purchase to report. `event_id` is yours, and yours for ever: it makes a repetition harmless.

    `member` is `scheme:value`, such as "card:1234". `occurred_at` must know its time zone (else ValueError).
    `points`, when given, must be what the hub's rule gives, or the event is rejected (`points_mismatch`).
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

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise ValueError("occurred_at must know its time zone")

    def to_wire(self) -> dict[str, Any]:
        """The element of POST /v1/earnings; members without a value are left out."""
        wire: dict[str, Any] = {
            "event_id": self.event_id,
            "member": self.member,
            "occurred_at": self.occurred_at.isoformat(),
            "amount": self.amount.to_wire(),
        }
        for name in ("store", "terminal", "channel", "points"):
            if getattr(self, name) is not None:
                wire[name] = getattr(self, name)
        if self.items:
            wire["items"] = [item.to_wire() for item in self.items]
        return wire

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
            items=_each(lambda item: Item(**item), wire.get("items", ())),
            points=wire.get("points"),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one event of a batch was not posted; `code` is a code of the wire."""

    code: str
    detail: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "Failure":
        """Read {"code", "detail"}."""
        return cls(wire["code"], wire["detail"])


@dataclass(frozen=True, slots=True)
class EarningResult:
    """What became of one earning. A rejected one was not stored and may be sent again."""

    event_id: str
    status: str
    points: int
    available_at: datetime | None = None
    expires_on: date | None = None
    duplicate: bool = False
    error: Failure | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "EarningResult":
        """Read one element of the answer to POST /v1/earnings."""
        return cls(
            event_id=wire["event_id"],
            status=wire["status"],
            points=wire["points"],
            available_at=_optional(datetime.fromisoformat, wire.get("available_at")),
            expires_on=_optional(date.fromisoformat, wire.get("expires_on")),
            duplicate=wire.get("duplicate", False),
            error=_optional(Failure.from_wire, wire.get("error")),
        )


@dataclass(frozen=True, slots=True)
class Refund:
    """A returned purchase to report; `refunds` is the event id of the sale.

    Without `amount` and `items` all that is left of the sale is returned. `occurred_at` must know its time zone
    (else ValueError).
    """

    event_id: str
    refunds: str
    occurred_at: datetime
    amount: Money | None = None
    items: tuple[Item, ...] = ()

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None:
            raise ValueError("occurred_at must know its time zone")

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
        return wire


@dataclass(frozen=True, slots=True)
class RefundResult:
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

    @classmethod
    def from_wire(cls, wire: Wire) -> "RefundResult":
        """Read one element of the answer to POST /v1/refunds."""
        return cls(
            event_id=wire["event_id"],
            status=wire["status"],
            points=wire["points"],
            amount=_optional(Money.from_wire, wire.get("amount")),
            taken=wire.get("taken", 0),
            owed=wire.get("owed", 0),
            borne=wire.get("borne", 0),
            expired=wire.get("expired", 0),
            duplicate=wire.get("duplicate", False),
            error=_optional(Failure.from_wire, wire.get("error")),
        )


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
            lots=_each(Lot.from_wire, wire["lots"]),
            duplicate=wire.get("duplicate", False),
            held_until=_optional(datetime.fromisoformat, wire.get("held_until")),
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
            lots=_each(Lot.from_wire, wire["lots"]),
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
            lots=_each(Lot.from_wire, wire["lots"]),
            duplicate=wire.get("duplicate", False),
        )


@dataclass(frozen=True, slots=True)
class EarningQuote:
    """What an earning would give now; without `available_at` the points wait for your confirmation."""

    points: int
    available_at: datetime | None
    expires_on: date
    rate_version: int

    @classmethod
    def from_wire(cls, wire: Wire) -> "EarningQuote":
        """Read the `earning` of the answer to POST /v1/quotes."""
        return cls(
            points=wire["points"],
            available_at=_optional(datetime.fromisoformat, wire.get("available_at")),
            expires_on=date.fromisoformat(wire["expires_on"]),
            rate_version=wire["rate_version"],
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
            value=_optional(Money.from_wire, wire.get("value")),
            lots=_each(Lot.from_wire, wire.get("lots", ())),
        )


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
        error = _optional(Failure.from_wire, wire.get("error"))
        return cls(wire["member"], wire["status"], wire.get("duplicate", False), error)


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points that are lost at the end of a day, unless they are spent before."""

    points: int
    expires_on: date

    @classmethod
    def from_wire(cls, wire: Wire) -> "Expiring":
        """Read {"points", "expires_on"}."""
        return cls(wire["points"], date.fromisoformat(wire["expires_on"]))


@dataclass(frozen=True, slots=True)
class MemberView:
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

    @classmethod
    def from_wire(cls, wire: Wire) -> "MemberView":
        """Read the answer to GET /v1/members/{member}."""
        return cls(
            member=wire["member"],
            available=wire["available"],
            pending=wire["pending"],
            next_to_expire=_optional(Expiring.from_wire, wire["next_to_expire"]),
            held=wire.get("held", 0),
            debt=wire.get("debt", 0),
            qualifying=wire.get("qualifying", 0),
            expiring=_each(Expiring.from_wire, wire.get("expiring", ())),
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """An earning rule; `linear` gives `points` for each full `per_minor` minor units, of the kind that it `gives`."""

    rule: str
    points: int
    per_minor: int
    gives: Mapping[str, Any] | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Rule":
        """Read {"rule", "points", "per_minor", "gives"?}."""
        return cls(wire["rule"], wire["points"], wire["per_minor"], wire.get("gives"))


@dataclass(frozen=True, slots=True)
class Price:
    """Minor units for one point, as a fraction; `version` is the contract price it came from, when known."""

    numerator: int
    denominator: int
    version: int | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Price":
        """Read {"numerator", "denominator", "version"?}."""
        return cls(wire["numerator"], wire["denominator"], wire.get("version"))


@dataclass(frozen=True, slots=True)
class Rate:
    """One version of a rate of this partner: `rules` for earning, `price` for reimbursement."""

    kind: str
    version: int
    valid_from: date
    currency: str
    rules: tuple[Rule, ...] = ()
    price: Price | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Rate":
        """Read one element of the answer to GET /v1/rates."""
        return cls(
            kind=wire["kind"],
            version=wire["version"],
            valid_from=date.fromisoformat(wire["valid_from"]),
            currency=wire["currency"],
            rules=_each(Rule.from_wire, wire.get("rules", ())),
            price=_optional(Price.from_wire, wire.get("price")),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """An event of this partner as the hub recorded it; `refers_to` is the event that it follows, if any."""

    event_id: str
    kind: str
    status: str
    points: int
    occurred_at: datetime
    posted_at: datetime
    amount: Money | None = None
    value: Money | None = None
    expires_on: date | None = None
    error: Failure | None = None
    refers_to: str | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Event":
        """Read one element of the answer to GET /v1/events."""
        return cls(
            event_id=wire["event_id"],
            kind=wire["kind"],
            status=wire["status"],
            points=wire["points"],
            occurred_at=datetime.fromisoformat(wire["occurred_at"]),
            posted_at=datetime.fromisoformat(wire["posted_at"]),
            amount=_optional(Money.from_wire, wire.get("amount")),
            value=_optional(Money.from_wire, wire.get("value")),
            expires_on=_optional(date.fromisoformat, wire.get("expires_on")),
            error=_optional(Failure.from_wire, wire.get("error")),
            refers_to=wire.get("refers_to"),
        )


@dataclass(frozen=True, slots=True)
class StatementHead:
    """A statement in the list; `net_minor` is positive when the partner is to receive."""

    cycle: str
    state: str
    currency: str
    net_minor: int
    published_at: datetime
    digest: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "StatementHead":
        """Read one element of the answer to GET /v1/statements."""
        return cls(
            cycle=wire["cycle"],
            state=wire["state"],
            currency=wire["currency"],
            net_minor=wire["net_minor"],
            published_at=datetime.fromisoformat(wire["published_at"]),
            digest=wire["digest"],
        )


@dataclass(frozen=True, slots=True)
class Net:
    """What the partner receives and pays in one currency, in minor units; corrections may bring each below zero."""

    currency: str
    receive_minor: int
    pay_minor: int
    net_minor: int

    @classmethod
    def from_wire(cls, wire: Wire) -> "Net":
        """Read {"currency", "receive_minor", "pay_minor", "net_minor"}."""
        return cls(wire["currency"], wire["receive_minor"], wire["pay_minor"], wire["net_minor"])


@dataclass(frozen=True, slots=True)
class Pair:
    """The digest of all lines between one issuer and one redeemer, a SHA-256 in hexadecimal."""

    issuer: str
    redeemer: str
    currency: str
    digest: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "Pair":
        """Read {"issuer", "redeemer", "currency", "digest"}."""
        return cls(wire["issuer"], wire["redeemer"], wire["currency"], wire["digest"])


@dataclass(frozen=True, slots=True)
class Position:
    """What one issuer owes one redeemer in a cycle: `lines` obligations, `points`, `minor` units.

    Where corrections outweigh the rest, both are below zero and the redeemer owes that back.
    """

    issuer: str
    redeemer: str
    currency: str
    lines: int
    points: int
    minor: int
    digest: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "Position":
        """Read one element of a statement's positions."""
        return cls(
            issuer=wire["issuer"],
            redeemer=wire["redeemer"],
            currency=wire["currency"],
            lines=wire["lines"],
            points=wire["points"],
            minor=wire["minor"],
            digest=wire["digest"],
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A partner's statement of one cycle; `digest` is the cycle's, over the pairs of all partners."""

    cycle: str
    partner: str
    state: str
    digest: str
    published_at: datetime
    nets: tuple[Net, ...]
    positions: tuple[Position, ...]
    pairs_of_cycle: tuple[Pair, ...]

    @classmethod
    def from_wire(cls, wire: Wire) -> "Statement":
        """Read the answer to GET /v1/statements/{cycle}."""
        return cls(
            cycle=wire["cycle"],
            partner=wire["partner"],
            state=wire["state"],
            digest=wire["digest"],
            published_at=datetime.fromisoformat(wire["published_at"]),
            nets=_each(Net.from_wire, wire["nets"]),
            positions=_each(Position.from_wire, wire["positions"]),
            pairs_of_cycle=_each(Pair.from_wire, wire["pairs_of_cycle"]),
        )


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One obligation: `issuer` owes `redeemer` `minor` for `points`, by the event that `partner` reported.

    `origin` is "", or of a correction `partner/event_id` of the event that it corrects, as the text has it that its
    digest is over; only a correction's `points` and `minor` may be below zero.
    """

    partner: str
    event_id: str
    line: int
    issuer: str
    redeemer: str
    points: int
    minor: int
    currency: str
    price: Price
    business_date: date
    digest: str
    origin: str = ""

    @classmethod
    def from_wire(cls, wire: Wire) -> "StatementLine":
        """Read one element of the answer to GET /v1/statements/{cycle}/lines."""
        return cls(
            partner=wire["partner"],
            event_id=wire["event_id"],
            line=wire["line"],
            issuer=wire["issuer"],
            redeemer=wire["redeemer"],
            points=wire["points"],
            minor=wire["minor"],
            currency=wire["currency"],
            price=Price.from_wire(wire["price"]),
            business_date=date.fromisoformat(wire["business_date"]),
            digest=wire["digest"],
            origin=_optional(_event_name, wire.get("origin")) or "",
        )


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as the hub recorded it; `thumbprint` is what the operator compares with you out of band."""

    partner: str
    keyid: str
    state: str
    thumbprint: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "KeyRecord":
        """Read the answer to POST /v1/keys."""
        return cls(wire["partner"], wire["keyid"], wire["state"], wire["thumbprint"])


@dataclass(frozen=True, slots=True)
class Ping:
    """Who the hub takes you for. `environment` is live or sandbox; only a sandbox moves its business time."""

    partner: str
    keyid: str
    key_state: str
    server_time: datetime
    business_time: datetime
    environment: str

    @classmethod
    def from_wire(cls, wire: Wire) -> "Ping":
        """Read the answer to GET /v1/ping."""
        return cls(
            partner=wire["partner"],
            keyid=wire["keyid"],
            key_state=wire["key_state"],
            server_time=datetime.fromisoformat(wire["server_time"]),
            business_time=datetime.fromisoformat(wire["business_time"]),
            environment=wire["environment"],
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; keep `next_cursor` to go on from here another day."""

    items: tuple[T, ...]
    next_cursor: str
    more: bool


def _optional(read: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else read(value)


def _event_name(wire: Wire) -> str:
    """Read {"partner", "event_id"} as the text `partner/event_id`."""
    return f"{wire['partner']}/{wire['event_id']}"


def _each(read: Callable[[Any], T], values: Any) -> tuple[T, ...]:
    return tuple(read(value) for value in values)
