"""What a redeeming partner is owed: points priced once, split over their lots, handed to settlement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.core.errors import Refused
from hub.core.ledger import Event
from hub.core.terms import ReimbursementPrice
from hub.services.context import Moment, Partner
from hub.store.database import Connection
from settlement import intake
from settlement.core.pricing import split_minor, value_minor
from settlement.intake import Obligation


class Burnt(NamedTuple):
    """One line of a redemption: points of an issuer, and where the line stands in its event."""

    line: int
    issuer: str
    points: int


def price_on(partner: Partner, moment: Moment) -> ReimbursementPrice:
    """Return the price a partner is reimbursed at today.

    Raises:
        Refused: ``no_rate``.
    """
    price = partner.prices.on(moment.day)
    if price is None:
        raise Refused("no_rate", f"The partner has no reimbursement price in force on {moment.day}.")
    return price


def price_of(partner: Partner, version: int | None) -> ReimbursementPrice:
    """Return a version of a partner's price, in force or not."""
    return next(price for price in partner.prices.versions if price.version == version)


def valued(price: ReimbursementPrice, points: Sequence[int]) -> tuple[int, list[int]]:
    """Return the value of points and its split over their lots, in minor units."""
    value = value_minor(sum(points), price.numerator, price.denominator)
    return value, shares(value, points)


def shares(value: int, points: Sequence[int]) -> list[int]:
    """Return the split of a value over lots, in minor units."""
    return split_minor(value, points) if points else []


def owe(
    connection: Connection,
    moment: Moment,
    reporter: str,
    event: Event,
    redeemer: str,
    price: ReimbursementPrice,
    lines: Sequence[Burnt],
    origin: str = "",
) -> list[int]:
    """Record that each line's issuer owes the redeemer; return the minor units of each line.

    ``origin`` is the earlier event, ``partner_id/event_id``, that the lines go back to, if any.
    """
    owed = obligations(moment, reporter, event, redeemer, price, lines, origin)
    intake.record(connection, owed)
    return [one.amount_minor for one in owed]


def obligations(
    moment: Moment,
    reporter: str,
    event: Event,
    redeemer: str,
    price: ReimbursementPrice,
    lines: Sequence[Burnt],
    origin: str = "",
) -> list[Obligation]:
    """Return what each line's issuer owes the redeemer; see `owe`."""
    _, parts = valued(price, [line.points for line in lines])
    return [
        Obligation(
            partner_id=reporter,
            event_id=event.event_id,
            line=line.line,
            issuer=line.issuer,
            redeemer=redeemer,
            points=line.points,
            amount_minor=minor,
            currency=price.currency,
            price_version=price.version,
            price_numerator=price.numerator,
            price_denominator=price.denominator,
            business_date=moment.day,
            origin=origin,
        )
        for line, minor in zip(lines, parts, strict=True)
    ]
