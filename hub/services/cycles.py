"""Settlement cycles: closing a month, and the transfers that settle its points.

Settlement itself lives in the package `settlement`; the hub adds what only it knows: the lines as its ledger
has them, and the transfers that bring the settled points home to their issuers, in the transaction that
publishes the cycle.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Posting, Transfer
from hub.services import webhooks
from hub.services.context import Hub, Moment
from hub.store import posting
from hub.store.database import Connection, expect_whole_tables
from hub.store.redemption_lines import LEDGER
from settlement import cycles, statements
from settlement import export as settlement_export
from settlement.core.periods import Period, period
from settlement.core.positions import Position
from settlement.errors import SettlementRefused


def close(hub: Hub, cycle: str, author: str, progress: Callable[[str], None] = lambda step: None) -> dict[str, Any]:
    """Cut off, calculate, check and publish a cycle; return it as `show` does.

    All of it is one transaction: a cycle that does not add up stays open, with nothing written. ``progress``
    is told each step before it begins.

    Raises:
        settlement.errors.SettlementRefused: a self-check found something; the message names the rows.
        Refused: ``not_allowed`` if the cycle is not over.
    """
    hub.database.transact(lambda connection: _close(hub, connection, cycle, author, progress))
    return show(hub, cycle)


def _close(hub: Hub, connection: Connection, cycle: str, author: str, progress: Callable[[str], None]) -> None:
    moment = hub.moment(connection)
    _check_over(moment, period(cycle))
    expect_whole_tables(connection)
    progress(f"{cycle}: cutting off")
    cycles.cut_off(connection, cycle, author=author, at=moment.now)
    progress(f"{cycle}: calculating positions, nets and statements")
    cycles.calculate(connection, cycle, author=author, at=moment.now)
    progress(f"{cycle}: checking every line against the ledger")
    findings = cycles.check(connection, cycle, LEDGER)
    if findings:
        raise SettlementRefused(f"cycle {cycle} does not add up and was not published", findings)
    cycles.publish(connection, cycle, author=author, at=moment.now)
    positions = cycles.show(connection, cycle).positions
    partners = sorted({partner for one in positions for partner in (one.issuer, one.redeemer)})
    webhooks.announce_statements(connection, moment, cycle, partners)
    progress(f"{cycle}: settling the points")
    moved = [settled(cycle, moment, one) for one in positions if one.points]
    events, transfers = [event for event, _ in moved], [transfer for _, transfer in moved]
    posting.post_new(connection, Posting(ledger.COALITION, moment.now, moment.day, events, transfers))


def settled(cycle: str, moment: Moment, position: Position) -> tuple[Event, Transfer]:
    """Return the event and the transfer that bring the points of a position, any but none, home to their issuer."""
    event_id = f"settlement-{cycle}-{position.issuer}-{position.redeemer}-{position.currency}"
    event = Event(
        event_id,
        "settlement",
        ledger.NO_MEMBER,
        "posted",
        abs(position.points),
        moment.now,
        content_digest("settlement", {"event_id": event_id, "points": position.points}),
        position.amount_minor,
        position.currency,
    )
    return event, _homewards(event_id, position)


def _homewards(event_id: str, position: Position) -> Transfer:
    """From the redeemer to the issuer; the other way where corrections took back more than was redeemed."""
    accounts = ledger.redeemed(position.redeemer), ledger.issued(position.issuer)
    debit, credit = accounts if position.points > 0 else accounts[::-1]
    return Transfer(
        event_id,
        1,
        ledger.NO_MEMBER,
        debit,
        credit,
        ledger.NEVER_EXPIRES,
        position.issuer,
        ledger.BASE,
        ledger.MATURE_AT_ONCE,
        abs(position.points),
    )


def _check_over(moment: Moment, wanted: Period) -> None:
    """Refuse to close a cycle whose days are not over; a sandbox may close the current one."""
    if moment.environment == "sandbox" and wanted.first_day <= moment.day:
        return
    if wanted.last_day >= moment.day:
        raise Refused("not_allowed", f"{wanted.cycle} is not over; business time is {moment.now}.")


def show(hub: Hub, cycle: str) -> dict[str, Any]:
    """Return a cycle with its moves, gross matrix, nets and explanation."""
    with hub.database.snapshot() as connection:
        return dict(_plain(cycles.show(connection, cycle)))


def audit(hub: Hub, cycle: str) -> list[str]:
    """Do every self-check of a published cycle again, against what was published; return what differs."""
    with hub.database.snapshot() as connection:
        expect_whole_tables(connection)
        return [str(finding) for finding in cycles.audit(connection, cycle, LEDGER)]


def export(hub: Hub, cycle: str, path: Path) -> None:
    """Write a published cycle with all its lines to ``path`` (.jsonl or .parquet), for anyone to recompute."""
    with hub.database.snapshot() as connection:
        settlement_export.write(connection, cycle, path)


def write_statement(hub: Hub, cycle: str, partner_id: str, path: Path) -> None:
    """Write a partner's statement with all its lines to ``path`` (.json or .csv)."""
    with hub.database.snapshot() as connection:
        statements.write(connection, cycle, partner_id, path)


def listing(hub: Hub) -> list[dict[str, Any]]:
    """Return all cycles in order, each with its state."""
    with hub.database.snapshot() as connection:
        return [_plain(one) for one in cycles.listing(connection)]


def _plain(value: Any) -> Any:
    """Turn settlement's records into what JSON and tables can hold."""
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
