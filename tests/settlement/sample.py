"""A small coalition to settle: redemptions priced as the sample coalition prices them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine, Select, column, insert, select, table, text

from settlement import cycles
from settlement.core.lines import event_name
from settlement.core.moves import SETTLED
from settlement.core.pricing import split_minor, value_minor
from settlement.intake import Obligation, record

AT = datetime(2017, 2, 1, 0, 30, tzinfo=UTC)
AUTHOR, APPROVER = "olga", "otto"
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
    "kind",
    "points_of",
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


def correction(
    event_id: str, lines: Sequence[Obligation], points: int, day: date = date(2017, 2, 10), before: int = 0
) -> list[Obligation]:
    """The lines that take `points` of a redemption's `lines` back, the last first, after `before` were taken back.

    A line gives back its amount in proportion to its points, so that all corrections together give all of it back.
    """
    taken: list[Obligation] = []
    later = 0
    for line in reversed(lines):
        start, end = (max(0, min(line.points, place - later)) for place in (before, before + points))
        later += line.points
        if end > start:
            minor = [value_minor(part, line.amount_minor, line.points) for part in (start, end)]
            back = line._replace(points=start - end, amount_minor=minor[0] - minor[1], business_date=day)
            taken.append(back._replace(event_id=event_id, origin=event_name(line.partner_id, line.event_id)))
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
CORRECTIONS: Sequence[Obligation] = [
    *correction("b4-fuel-r/back", JANUARY[7:8], 100),
    *correction("b5-fuel-r/back", JANUARY[8:9], 15),
    *correction("b3-pharmacy-r/back", JANUARY[4:7], 10),
    *correction("b6-grocer-r/back", FEBRUARY[:1], 15),
]
"""February's: of January's redemptions in part, so that pairs are below zero, and of one of its own to nothing."""


def post(connection: Connection, obligations: Sequence[Obligation]) -> None:
    """Record obligations as the posting function does, beside the ledger's side of them."""
    record(connection, obligations)
    rows = [{name: getattr(line, name) for name in _COLUMNS} for line in obligations]
    connection.execute(insert(_SIDE), rows)


def close(connection: Connection, cycle: str = "2017-01") -> cycles.CycleView:
    """Close a cycle and publish it, as two operators do."""
    digest = cycles.close(connection, cycle, LEDGER, author=AUTHOR, at=AT).digest
    cycles.publish(connection, cycle, LEDGER, digest=digest, author=APPROVER, at=AT)
    return cycles.show(connection, cycle)


def wait_for_lock(engine: Engine, backend: int) -> None:
    """Return when this backend waits for a lock of another one."""
    blocked = text("SELECT cardinality(pg_blocking_pids(:backend)) > 0")
    with engine.connect() as connection:
        while not connection.execute(blocked, {"backend": backend}).scalar_one():
            connection.rollback()


def meanwhile(
    engine: Engine, first: Callable[[Connection], object], second: Callable[[Connection], object]
) -> Callable[[], object]:
    """Begin the second while the transaction of the first is open, then commit the first; what the second gives."""
    with ThreadPoolExecutor(1) as other_operator, engine.connect() as one, engine.connect() as other:
        waiting = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
        first(one)
        later = other_operator.submit(second, other)
        wait_for_lock(engine, waiting)
        one.commit()
        later.exception()
        other.commit()
        return later.result


def to_the_end(connection: Connection, cycle: str = "2017-01") -> None:
    """Move a published cycle on until it is closed, the day after its lines could last be disputed."""
    for state in SETTLED:
        cycles.advance(connection, cycle, state, author=AUTHOR, at=AT + timedelta(days=11))


CREATE_LEDGER_SIDE = text(
    """
    CREATE TABLE ledger_side (
        partner_id text, event_id text, line int, issuer text, redeemer text, points bigint, amount_minor bigint,
        currency text, business_date date, origin text, kind text, points_of text,
        tx xid8 DEFAULT pg_current_xact_id()
    )
    """
)
