"""What the hub has on record for a partner: rates, events, statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from partner_sdk.model.exchanges import ExchangeTerms
from partner_sdk.model.values import Failure, Money, Wire, each, optional


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
    """One version of a rate of this partner: `rules` for earning, `price` for reimbursement, or `exchange`.

    The first two are in a `currency`.
    """

    kind: str
    version: int
    valid_from: date
    currency: str | None = None
    rules: tuple[Rule, ...] = ()
    price: Price | None = None
    exchange: ExchangeTerms | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Rate":
        """Read one element of the answer to GET /v1/rates."""
        return cls(
            kind=wire["kind"],
            version=wire["version"],
            valid_from=date.fromisoformat(wire["valid_from"]),
            currency=wire.get("currency"),
            rules=each(Rule.from_wire, wire.get("rules", ())),
            price=optional(Price.from_wire, wire.get("price")),
            exchange=optional(ExchangeTerms.from_wire, wire.get("exchange")),
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a terminal, `first` to `last`: none of them came (`missing`), or two events bear one (`repeated`).

    `since` is the hub's business time at which it showed; `event_ids` are the two events of a repeated number.
    """

    kind: str
    terminal: str
    first: int
    last: int
    since: datetime
    event_ids: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, wire: Wire) -> "Gap":
        """Read an element of GET /v1/events/gaps."""
        since = datetime.fromisoformat(wire["since"])
        return cls(
            wire["kind"], wire["terminal"], wire["first"], wire["last"], since, tuple(wire.get("event_ids", ()))
        )  # fmt: skip


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
            amount=optional(Money.from_wire, wire.get("amount")),
            value=optional(Money.from_wire, wire.get("value")),
            expires_on=optional(date.fromisoformat, wire.get("expires_on")),
            error=optional(Failure.from_wire, wire.get("error")),
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
            nets=each(Net.from_wire, wire["nets"]),
            positions=each(Position.from_wire, wire["positions"]),
            pairs_of_cycle=each(Pair.from_wire, wire["pairs_of_cycle"]),
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
            origin=optional(_event_name, wire.get("origin")) or "",
        )


def _event_name(wire: Wire) -> str:
    """Read {"partner", "event_id"} as the text `partner/event_id`."""
    return f"{wire['partner']}/{wire['event_id']}"
