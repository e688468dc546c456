"""Exchanges between a partner's own currency and coalition points.

`direction` is "in" when own units become points, "out" the other way round; `source` is what the member gives,
`target` what it gets.
"""

from dataclasses import dataclass
from datetime import datetime

from partner_sdk.model.spending import Lot
from partner_sdk.model.values import Money, Readable


@dataclass(frozen=True, slots=True)
class ExchangeTerms(Readable):
    """The terms of an exchange rate. `rate`, `spread` and `sold_at` are exact: text such as 0.49 or 5/4.

    An amount of at least `minimum`, in multiples of `step`, gives amount x rate x (1 - spread), rounded once. `most` is
    for one exchange, the others for one member; with `payment` each exchange names one.
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
    most: int | None = None
    most_a_day: int | None = None
    most_a_year: int | None = None
    payment: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeQuote(Readable):
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


@dataclass(frozen=True, slots=True)
class Exchange(Readable):
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
    payment: str | None = None
    duplicate: bool = False
