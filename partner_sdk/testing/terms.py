"""What a partner of the local hub agreed to: one contract, one earning rate, one price, and its exchange rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from partner_sdk.testing.arithmetic import instant, months_end, split_minor, value_minor

AT_ONCE, WHEN_CONFIRMED = date.min, date.max
REFUND_POLICIES = ("within_balance", "debt", "issuer_bears")


@dataclass(frozen=True, slots=True)
class Terms:
    """A partner's terms, which are in force from `valid_from` on.

    A sale earns `points` for each full `per_minor` minor units of `currency`. A redeemed point is worth `price`
    (a fraction) minor units. Points live to the end of the month `life_months` after the sale's; they can be spent
    after `pending_days`, or with `confirmed` once the sale is confirmed. `refunds` says what happens when points
    that a refund wants back are spent. `enrols_unknown`: sales enrol members whom nobody has named before.
    What is reported more than `late_days` after it happened is quarantined; None for no limit.
    `exchanges` are terms as in GET /v1/rates: {"direction", "unit", "rate", "spread", "minimum", "step",
    "rounding", "quote_seconds"}.
    """

    points: int = 1
    per_minor: int = 100
    currency: str = "USD"
    price: tuple[int, int] = (1, 1)
    life_months: int = 6
    pending_days: int = 0
    confirmed: bool = False
    refunds: str = "within_balance"
    enrols_unknown: bool = True
    late_days: int | None = None
    valid_from: date = date(2017, 1, 1)
    exchanges: Sequence[Mapping[str, Any]] = field(default=())

    def __post_init__(self) -> None:
        if self.refunds not in REFUND_POLICIES:
            raise ValueError(f"refunds is one of {', '.join(REFUND_POLICIES)}")

    def points_of(self, minor: int) -> int:
        """The points of a sale."""
        return self.points * (minor // self.per_minor)

    def expires_on(self, day: date) -> date:
        """The last day of points that a day gives."""
        return months_end(day, self.life_months)

    def matures_on(self, day: date) -> date:
        """The day from which the points of a day's sale can be spent."""
        if self.confirmed:
            return WHEN_CONFIRMED
        return day + timedelta(days=self.pending_days) if self.pending_days else AT_ONCE

    def valued(self, points: Sequence[int]) -> list[int]:
        """The minor units of each of these parts; all of them are priced once, together."""
        return split_minor(value_minor(sum(points), *self.price), points) if points else []

    def rates(self) -> list[dict[str, Any]]:
        """The rates as GET /v1/rates shows them."""
        dated = {"version": 1, "valid_from": str(self.valid_from)}
        rule = {"rule": "linear", "points": self.points, "per_minor": self.per_minor}
        price = dict(zip(("numerator", "denominator"), self.price, strict=True))
        exchanges = sorted(self.exchanges, key=lambda terms: (terms["direction"], terms["unit"]))
        return [
            {"kind": "earning", **dated, "currency": self.currency, "rules": [rule]},
            {"kind": "reimbursement", **dated, "currency": self.currency, "price": price},
            *({"kind": "exchange", **dated, "exchange": dict(terms)} for terms in exchanges),
        ]


def available_at(matures_on: date, posted_at: datetime) -> dict[str, str]:
    """What an answer says of when points can be spent: nothing while that is for their partner to say."""
    if matures_on == WHEN_CONFIRMED:
        return {}
    if matures_on <= posted_at.date():
        return {"available_at": instant(posted_at)}
    return {"available_at": instant(datetime.combine(matures_on, time(), UTC))}
