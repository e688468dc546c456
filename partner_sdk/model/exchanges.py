"""Exchanges between a partner's own currency and coalition points.

`direction` is "in" when own units become points, "out" the other way round; `source` is what the member gives,
`target` what it gets.
"""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.spending import Lot
from partner_sdk.model.values import Money, Wire, each, optional


@dataclass(frozen=True, slots=True)
class ExchangeTerms:
    """The terms of an exchange rate. `rate`, `spread` and `sold_at` are exact: text such as 0.49 or 5/4.

    An amount of at least `minimum`, in multiples of `step`, gives amount x rate x (1 - spread), rounded once.
    """

    direction: str
    unit: str
    rate: str
    spread: str
    minimum: int
    step: int
    rounding: str
    quote_seconds: int
    sold_at: str | None = None
    currency: str | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "ExchangeTerms":
        """Read the `exchange` of an element of GET /v1/rates."""
        return cls(
            direction=wire["direction"],
            unit=wire["unit"],
            rate=wire["rate"],
            spread=wire["spread"],
            minimum=wire["minimum"],
            step=wire["step"],
            rounding=wire["rounding"],
            quote_seconds=wire["quote_seconds"],
            sold_at=wire.get("sold_at"),
            currency=wire.get("currency"),
        )


@dataclass(frozen=True, slots=True)
class ExchangeQuote:
    """What an exchange gives if its `quote_id` is taken before `valid_until`.

    For the direction out, `available` are the points that the member could spend here now.
    """

    quote_id: str
    direction: str
    unit: str
    source: int
    target: int
    rate_version: int
    valid_until: datetime
    available: int | None = None
    enough: bool = True

    @classmethod
    def from_wire(cls, wire: Wire) -> "ExchangeQuote":
        """Read the `exchange` of the answer to POST /v1/quotes."""
        return cls(
            quote_id=wire["quote_id"],
            direction=wire["direction"],
            unit=wire["unit"],
            source=wire["source"],
            target=wire["target"],
            rate_version=wire["rate_version"],
            valid_until=datetime.fromisoformat(wire["valid_until"]),
            available=wire.get("available"),
            enough=wire.get("enough", True),
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange: `state` is open, confirmed, failed or reversed.

    For the direction out, `value` and `lots` say what the points are worth to the partner, and what each issuer
    owes of it once the exchange is confirmed; a list leaves them out.
    """

    exchange_id: str
    state: str
    direction: str
    unit: str
    source: int
    target: int
    rate_version: int
    opened_at: datetime
    changed_at: datetime
    value: Money | None = None
    lots: tuple[Lot, ...] = ()
    duplicate: bool = False

    @classmethod
    def from_wire(cls, wire: Wire) -> "Exchange":
        """Read the answer to POST and GET /v1/exchanges, or one element of the list."""
        return cls(
            exchange_id=wire["exchange_id"],
            state=wire["state"],
            direction=wire["direction"],
            unit=wire["unit"],
            source=wire["source"],
            target=wire["target"],
            rate_version=wire["rate_version"],
            opened_at=datetime.fromisoformat(wire["opened_at"]),
            changed_at=datetime.fromisoformat(wire["changed_at"]),
            value=optional(Money.from_wire, wire.get("value")),
            lots=each(Lot.from_wire, wire.get("lots", ())),
            duplicate=wire.get("duplicate", False),
        )
