"""All that is stored of one event and of what it rests on, gathered before anything is explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.core import ledger
from hub.core.errors import Refused
from hub.core.ledger import Transfer
from hub.core.point_kinds import is_spendable
from hub.core.terms import ReimbursementPrice
from hub.services.context import Configuration, Moment, Partner
from hub.store import events, facts, holds, members
from hub.store.accounts import survivor
from hub.store.database import Connection
from hub.store.events import OwedLine
from hub.store.facts import Owed
from hub.store.holds import Held
from settlement.core.parties import REIMBURSEMENT

UNMOVED = ("hold", "void", "pool", "exchange", "exchange-failure", "quarantine")
"""Kinds of events that move nothing, whatever points they state."""
HOW = "Write PARTNER/EVENT_ID, for instance grocer/till-1-0001; the operator's own events are coalition/EVENT_ID."


@dataclass(frozen=True, slots=True)
class Facts:
    """One event, as it is stored."""

    moment: Moment
    event: Any
    partner: Partner | None
    """Who reported it; None for the coalition."""
    transfers: Sequence[Transfer]
    owed: Sequence[Owed]
    original: Any
    """The event that it refers to, or None."""
    original_owed: Sequence[OwedLine]
    later: Sequence[Any]
    """The events that refer to it."""
    hold: Held | None
    """What it reserved, or what the hold reserved that it ended."""
    jurisdiction: str | None
    """The member's, as it is now."""
    signed: tuple[str, datetime] | None

    @property
    def name(self) -> str:
        """What an operator types to find it."""
        return f"{self.event.partner_id}/{self.event.event_id}"

    @property
    def details(self) -> Mapping[str, Any]:
        """What else its decision rested on."""
        return self.event.details or {}

    @property
    def redeemed(self) -> Sequence[int]:
        """The points of each line that was redeemed, in order."""
        return [one.points for one in self.transfers if one.credit_account.startswith("redeemed:")]

    @property
    def reimbursed_minor(self) -> int:
        """What is owed for them, by issuers and the fund together."""
        return sum(one.amount_minor for one in self.owed if one.kind == REIMBURSEMENT)

    @property
    def price(self) -> tuple[Partner, ReimbursementPrice] | None:
        """The price version that it was valued at, and whose it is; None where it was not."""
        partner = self.moment.configuration.partners.get(self.event.priced_by or self.event.partner_id)
        versions = partner.prices.versions if partner else []
        found = next((price for price in versions if price.version == self.event.rate_version), None)
        return (partner, found) if partner and found else None


def gather(connection: Connection, moment: Moment, name: str) -> Facts:
    """Return the facts of an event named ``PARTNER/EVENT_ID``, or by its id alone where one partner has it.

    Raises:
        Refused: ``unknown_event``; the message says what to write.
    """
    partner_id, event_id = _found(connection, moment.configuration, name)
    event = facts.event(connection, partner_id, event_id)
    original = facts.event(connection, partner_id, event.refers_to) if event and event.refers_to else None
    assert event is not None
    return Facts(
        moment,
        event,
        moment.configuration.partners.get(partner_id),
        _transfers(connection, event, original),
        facts.owed(connection, partner_id, event_id),
        original,
        events.owed_lines(connection, partner_id, original.event_id) if original else [],
        facts.later(connection, partner_id, event_id),
        holds.find(
            connection, partner_id, event.refers_to if event.kind in ("capture", "void", "release") else event_id
        ),
        members.jurisdiction(connection, survivor(connection, event.member_id)),
        facts.signed(connection, partner_id, event.evidence_id),
    )


def _found(connection: Connection, configuration: Configuration, name: str) -> tuple[str, str]:
    if not name.isprintable():
        raise Refused("unknown_event", f"There is no such event. {HOW}")
    everybody = [*sorted(configuration.partners), ledger.COALITION]
    partner_id, slash, event_id = name.partition("/")
    if slash and facts.reporters(connection, [partner_id], event_id):
        return partner_id, event_id
    reporters = facts.reporters(connection, everybody, name)
    if len(reporters) == 1:
        return reporters[0], name
    if reporters:
        several = " or ".join(f"{one}/{name}" for one in reporters)
        raise Refused("unknown_event", f"Several partners have an event {name!r}: write {several}.")
    raise Refused("unknown_event", f"There is no event {name!r}. {HOW}")


def _transfers(connection: Connection, event: Any, original: Any) -> list[Transfer]:
    """Return an event's transfers: by the members that its row names, or by a look at all if some are missing."""
    if event.status != "posted":
        return []
    named = {ledger.NO_MEMBER, event.member_id, *_numbers(event.details)}
    if original is not None:
        named |= {original.member_id, *_numbers(original.details)}
    found = events.transfers_of(connection, event.partner_id, event.event_id, sorted(named))
    if _is_whole(event, found):
        return found
    return facts.all_transfers(connection, event.partner_id, event.event_id)


def _numbers(details: Any) -> Iterator[int]:
    """Yield every whole number in an event's details; those of members are among them."""
    if type(details) is int:
        yield details
    elif isinstance(details, list | dict):
        for one in details.values() if isinstance(details, dict) else details:
            yield from _numbers(one)


def _is_whole(event: Any, transfers: Sequence[Transfer]) -> bool:
    """Tell whether transfers move all that their event states, and what is on its way arrives."""
    on_its_way = sum(
        one.points * ((one.credit_account == ledger.TRANSIT) - (one.debit_account == ledger.TRANSIT))
        for one in transfers
    )
    moved = sum(one.points for one in transfers if _counts(one))
    return on_its_way == 0 and moved == (0 if event.kind in UNMOVED else event.points)


def _counts(one: Transfer) -> bool:
    """Tell whether a transfer is among the points that its event states, as `hub.store.checks` has it."""
    debt_passed_on = one.debit_account == ledger.DEBT and one.credit_account == ledger.TRANSIT
    unexpired = one.debit_account == ledger.BREAKAGE and one.credit_account == ledger.issued(one.issuer)
    arriving = one.debit_account == ledger.TRANSIT or one.credit_account == ledger.DEBT
    return is_spendable(one.kind) and not (debt_passed_on or unexpired or arriving)
