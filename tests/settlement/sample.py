"""A small coalition to settle: redemptions priced as the sample coalition prices them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Select, column, insert, select, table, text

from settlement import cycles
from settlement.core.lines import event_name
from settlement.core.pricing import split_minor, value_minor
from settlement.intake import Obligation, record

AT = datetime(2017, 2, 1, 0, 30, tzinfo=UTC)
AUTHOR = "olga"
PRICES = {"grocer": (9, 10), "pharmacy": (4, 5)}

_COLUMNS = (
    "partner_id",
    "event_id",
    "line",
    "issuer",
    "redeemer",
    "points",
    "amount_minor",
    "currency",
    "business_date",
    "origin",
)
_SIDE = table("ledger_side", *map(column, (*_COLUMNS, "tx")))
LEDGER: Select[tuple[object, ...]] = select(_SIDE)
"""The ledger's side of the same lines, which the hub derives from its transfers."""


def redemption(
    event_id: str,
    redeemer: str,
    points: Mapping[str, int],
    day: date = date(2017, 1, 10),
    currency: str = "USD",
) -> list[Obligation]:
    """The obligations of one redemption: `points` burnt of each issuer, in that order."""
    numerator, denominator = PRICES.get(redeemer, (1, 1))
    shares = split_minor(value_minor(sum(points.values()), numerator, denominator), [*points.values()])
    return [
        Obligation(redeemer, event_id, line, issuer, redeemer, part, share, currency, 1, numerator, denominator, day)
        for line, (issuer, part), share in zip(range(1, 100), points.items(), shares, strict=False)
    ]


def correction(event_id: str, lines: Sequence[Obligation], day: date, points: int | None = None) -> list[Obligation]:
    """The lines that take `points` of `lines` back (all of them by default), the last one first.

    What a line gives back is the difference of what it comes to before and after.
    """
    taken: list[Obligation] = []
    missing = sum(line.points for line in lines) if points is None else points
    for number, line in enumerate(reversed(lines), 1):
        part = min(line.points, missing)
        missing -= part
        back = line.amount_minor - line.amount_minor * (line.points - part) // line.points
        signed = {"points": -part, "amount_minor": -back, "business_date": day}
        if part:
            origin = event_name(line.partner_id, line.event_id)
            taken.append(line._replace(event_id=event_id, line=number, origin=origin, **signed))
    return taken


JANUARY: Sequence[Obligation] = [
    *redemption("b1-grocer-r", "grocer", {"bank": 5, "fuel": 5, "grocer": 7}),
    *redemption("b2-grocer-r", "grocer", {"fuel": 120}, date(2017, 1, 3)),
    *redemption("b3-pharmacy-r", "pharmacy", {"bank": 33, "grocer": 11, "pharmacy": 8}, date(2017, 1, 31)),
    *redemption("b4-fuel-r", "fuel", {"bank": 250}, date(2017, 1, 20)),
    *redemption("b5-fuel-r", "fuel", {"grocer": 40}, date(2017, 1, 20)),
]
FEBRUARY: Sequence[Obligation] = [
    *redemption("b6-grocer-r", "grocer", {"bank": 15}, date(2017, 2, 1)),
    *redemption("b7-fuel-r", "fuel", {"pharmacy": 19, "bank": 1}, date(2017, 2, 28)),
]


def post(connection: Connection, obligations: Sequence[Obligation]) -> None:
    """Record obligations as the posting function does, beside the ledger's side of them."""
    record(connection, obligations)
    rows = [{name: getattr(line, name) for name in _COLUMNS} for line in obligations]
    connection.execute(insert(_SIDE), rows)


def close(connection: Connection, cycle: str = "2017-01") -> cycles.CycleView:
    """Close a cycle as an operator does."""
    return cycles.close(connection, cycle, LEDGER, author=AUTHOR, at=AT)


CREATE_LEDGER_SIDE = text(
    """
    CREATE TABLE ledger_side (
        partner_id text, event_id text, line int, issuer text, redeemer text, points bigint, amount_minor bigint,
        currency text, business_date date, origin text, tx xid8 DEFAULT pg_current_xact_id()
    )
    """
)
