"""What a reconciliation with the bank says of payments that partners were to make: those that came in are settled.

Only where reference and amount are equal to the last unit; what was matched by amount and date, or with a tolerance, is
for a person to say. A payment that is settled already, by whatever entry, is left alone, so a run that is looked at
again, and a statement that was taken in as a message about payments as well, change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from settlement.core.payment_ids import RECEIVE
from settlement.core.payment_moves import PAYABLE, Standing
from settlement.core.reconciliation import Match
from settlement.core.reconciliation.model import EXACT
from settlement.payments import payments
from settlement.store.payments import named, standings


def settle(connection: Connection, matches: Iterable[Match], *, author: str, at: datetime) -> list[Standing]:
    """Settle the payments that these matches found at the bank, and return them; the bank's line is the source."""
    entries = {one.left[0]: one for one in matches if _is_certain(one)}
    waiting = standings(connection, named(entries), hold=True) if entries else []
    return [
        _received(connection, one, entries[one.payment.payment], author, at)
        for one in waiting
        if one.payment.direction == RECEIVE and one.state == PAYABLE
    ]


def _received(connection: Connection, one: Standing, match: Match, author: str, at: datetime) -> Standing:
    what, [entry] = one.payment, match.right
    return payments.received(
        connection, what.payment, match.right_minor, match.currency, author=author, at=at, source=f"bank {entry}"
    )


def _is_certain(match: Match) -> bool:
    one_each = len(match.left) == len(match.right) == 1
    return match.by == EXACT and one_each and match.left_minor == match.right_minor > 0
