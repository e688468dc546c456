"""Bonuses of card lines: those that stand, and how one comes back whole when its condition is undone.

The condition is undone when so much of what was spent for it came back that the rest does not suffice, or when the
account is closed within the days that the contract names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.core.ledger import Event
from hub.services import accounts, counting, refunds, sales
from hub.services.card_answers import digest
from hub.services.context import Moment, Partner
from hub.services.refunds import Return
from hub.services.reporting import Reporter
from hub.services.taking_back import Sums
from hub.store import card_records, cards, events
from hub.store.database import Connection


class Standing(NamedTuple):
    """A bonus that a member has: its name, the part of it that is left, and what had to be spent."""

    name: str
    event_id: str
    spend_minor: int


def standing(connection: Connection, partner: Partner, line: str) -> list[Standing]:
    """Return the bonuses of a card line that were given and are not back."""
    given = card_records.bonuses(connection, partner.partner_id, [line]).values()
    return [
        Standing(one.name, part.event_id, one.spend_minor)
        for one in given
        for part in card_records.parts_of(connection, partner.partner_id, one.event_id)
        if part.left_minor
    ]


def undone(
    connection: Connection, partner: Partner, line: str, spent: Mapping[str, int], changed: Iterable[str]
) -> list[Standing]:
    """Return the bonuses for which what is spent now, by counter, does not suffice any more."""
    touched = set(changed)
    if not any(name.startswith(counting.SPEND) for name in touched):
        return []
    return [
        one
        for one in standing(connection, partner, line)
        if (name := counting.of_bonus(one.name, line)) in touched and spent[name] < one.spend_minor
    ]


def closed_early(connection: Connection, partner: Partner, line: str, at: datetime) -> list[Standing]:
    """Return the bonuses that come back when the account of a card line is closed at an instant."""
    start = cards.starts(connection, partner.partner_id, [line])[line]
    contract = partner.contracts.on(start.date())
    days = contract.cards.closed_early_days if contract and contract.cards else 0
    return standing(connection, partner, line) if at < start + timedelta(days=days) else []


def take_back(
    connection: Connection,
    moment: Moment,
    partner: Partner,
    reporter: Reporter,
    bonuses: Iterable[Standing],
    cause: str,
    at: datetime,
) -> None:
    """Take bonuses back whole because of the event ``cause``, each by an event of its own, ``cause/NAME``."""
    for one in bonuses:
        own = f"{cause}/{one.name}"
        said = {"record": "bonus", "bonus": one.name, "because": cause}
        back = Return(own, at, digest({"event_id": own}), one.spend_minor, None, said)
        give_back(connection, moment, partner, reporter, one.event_id, back)


def give_back(
    connection: Connection, moment: Moment, partner: Partner, reporter: Reporter, event_id: str, back: Return
) -> tuple[Event, Sums]:
    """Post what comes back of one part of a purchase, or of a bonus; return the event and where points were found."""
    original = sales.sale_of(connection, partner, event_id)
    sales.refuse_quarantined(connection, original)
    held = accounts.lock(connection, moment, [original.member_id])[original.member_id]
    following = events.referring(connection, partner.partner_id, event_id)
    return refunds.give_back(connection, moment, partner, reporter, original, held, following, back)
