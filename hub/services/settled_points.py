"""The transfers that bring settled points home: from those who redeemed them to those who issued them.

They are posted in the transaction that publishes the cycle, so points are settled exactly when their money is.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.core import ledger
from hub.core.content import content_digest
from hub.core.ledger import Event, Posting, Transfer
from hub.services.context import Moment
from hub.store import posting
from hub.store.database import Connection
from settlement.core.positions import Position


def bring_home(connection: Connection, moment: Moment, cycle: str, positions: Sequence[Position]) -> None:
    """Post an event and a transfer for each position of a cycle that has points."""
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
