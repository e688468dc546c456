"""What a redeeming partner is owed: points priced once, split over their lots, handed to settlement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from hub.core.errors import Refused
from hub.core.ledger import Event
from hub.core.terms import ReimbursementPrice
from hub.services import funding
from hub.services.context import Moment, Partner
from hub.store.database import Connection
from settlement import intake, limits
from settlement.core.funding import parted_line
from settlement.core.pricing import split_minor, value_minor
from settlement.disputes import given_back
from settlement.errors import LimitReached
from settlement.intake import Obligation
from settlement.limits import Promised


class OverLimit(Refused):
    """An issuer may owe the others no more, or not so much more: ``credit_limit_reached``."""

    def __init__(self, issuer: str, currency: str) -> None:
        super().__init__(
            "credit_limit_reached",
            f"Points of {issuer} cannot be accepted for so much now: it may owe the others no more.",
        )
        self.issuer, self.currency = issuer, currency

    def raised_by(self, owed: Iterable[Obligation]) -> frozenset[tuple[str, str]]:
        """Return the events, by reporter and id, by which the issuer would owe others more."""
        return frozenset(
            (line.partner_id, line.event_id)
            for line in owed
            if (line.issuer, line.currency) == (self.issuer, self.currency) and line.redeemer != self.issuer
        )


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
    *,
    authorise: bool = False,
    reserved: Mapping[tuple[str, str], int] | None = None,
) -> None:
    """Record that each line's issuer, or the fund for it, owes the redeemer.

    ``origin`` is the earlier event, ``partner_id/event_id``, that the lines go back to, if any. The rest is as in
    `record`.
    """
    owed = obligations(moment, reporter, event, redeemer, price, lines, origin)
    record(connection, moment, owed, authorise=authorise, reserved=reserved)


def record(
    connection: Connection,
    moment: Moment,
    owed: Sequence[Obligation],
    *,
    authorise: bool = False,
    reserved: Mapping[tuple[str, str], int] | None = None,
) -> None:
    """Hand obligations to settlement and count them, less what was reserved for them, against credit lines.

    What a dispute has moved before of lines that are corrected here is not given back a second time.

    Raises:
        OverLimit: the caller asks to ``authorise``, and an issuer may not owe so much.
    """
    intake.record(connection, owed)
    owed = [*owed, *given_back.after_corrections(connection, owed)]
    if moment.configuration.credit_lines:
        with _told():
            limits.count(connection, owed, moment.configuration.credit_lines, authorise=authorise, reserved=reserved)


def reserve(connection: Connection, moment: Moment, holds: Sequence[Promised]) -> None:
    """Reserve what holds would come to of the credit lines of their issuers.

    Raises:
        OverLimit: an issuer may not owe so much.
    """
    if moment.configuration.credit_lines:
        with _told():
            limits.reserve(connection, holds, moment.configuration.credit_lines)


def release(
    connection: Connection, moment: Moment, holds: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], int]:
    """Take back what holds, by their reporters and ids, have reserved and return it, for `record` or `give_back`."""
    return limits.release(connection, holds) if moment.configuration.credit_lines else {}


def give_back(connection: Connection, moment: Moment, reserved: Mapping[tuple[str, str], int]) -> None:
    """Give back what was reserved and is not needed."""
    if reserved:
        limits.count(connection, [], moment.configuration.credit_lines, authorise=False, reserved=reserved)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except LimitReached as reached:
        raise OverLimit(reached.partner, reached.currency) from reached


def obligations(
    moment: Moment,
    reporter: str,
    event: Event,
    redeemer: str,
    price: ReimbursementPrice,
    lines: Sequence[Burnt],
    origin: str = "",
) -> list[Obligation]:
    """Return what each line's issuer, or the fund for it, owes the redeemer; see `owe`."""
    _, parts = valued(price, [line.points for line in lines])
    wholes = [
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
    if not moment.configuration.funded:
        return wholes
    return [part for whole in wholes for part in parted_line(whole, funding.share_of(moment, whole.issuer))]
