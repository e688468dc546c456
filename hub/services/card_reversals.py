"""Taking back single records of a card issuer, as the operator does when a whole file of them was wrong.

A purchase comes back, so far as it is left, and a chargeback stands again, by the rules for records that say so. A
refund stays, since nobody can tell whether the customer has the money; so does what was presented again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.core.errors import Refused
from hub.services.card_answers import Record
from hub.services.card_returns import Back
from hub.services.context import Hub, Moment, Partner
from hub.services.reporting import Reporter
from hub.services.representments import OUTSTANDING, Again
from hub.store import card_records
from hub.store.database import Connection
from partner_sdk.wire.card_records import AGAIN


def take_back(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, by: Reporter, record: Record, own: str
) -> None:
    """Undo a record that was posted, by an event with the id ``own``; one that moved nothing needs none.

    Raises:
        Refused: ``not_reversible`` for a record that stays, ``exceeds_original`` where nothing of the purchase is left,
            and what returns and presentments are refused for.
    """
    kind = record["kind"]
    if kind == "refund":
        raise Refused("not_reversible", "A refund stays; if there was none, report the purchase as one more clearing.")
    if kind in AGAIN:
        raise Refused("not_reversible", "What stands again stays; if it does not, report one more chargeback.")
    if kind in OUTSTANDING:
        again = _record(own, "chargeback_reversal", record, record["amount"], moment.now)
        _done(Again(hub, connection, moment, partner, by, again).post())
    elif kind == "clearing":
        left = _left(connection, partner, record["event_id"])
        if left:
            amount = {**record["amount"], "minor": left}
            back = _record(own, "refund", record, amount, moment.now)
            _done(Back(hub, connection, moment, partner, by, back).post())


def _left(connection: Connection, partner: Partner, event_id: str) -> int:
    """Return the minor units of a purchase that are left, in all its parts; 0 for what earned nothing.

    Raises:
        Refused: ``exceeds_original`` if it earned and all of it came back.
    """
    parts = card_records.parts_of(connection, partner.partner_id, event_id)
    left = sum(part.left_minor for part in parts)
    if parts and not left:
        raise Refused("exceeds_original", "Nothing of the purchase is left.")
    return left


def _record(own: str, kind: str, of: Record, amount: Mapping[str, Any], at: datetime) -> Record:
    return {
        "event_id": own, "kind": kind, "card": of["card"], "occurred_at": at, "amount": amount,
        "refers_to": of["event_id"],
    }  # fmt: skip


def _done(result: Mapping[str, Any]) -> None:
    if result["status"] == "rejected":
        raise Refused(result["error"]["code"], result["error"]["detail"])
