"""Quotes of exchanges: what an amount gives now, in a text that the partner brings back to have just that.

A quote is a sealed text (`hub.services.seals`), for one partner and one member; so nothing is stored until it is
taken, and it holds at its own rate whatever is published meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hub.core.content import instant
from hub.core.errors import AmountNotExchangeable, Refused
from hub.core.terms import Contract
from hub.services import exchange_rates, members, reimbursement, seals, spending
from hub.services.context import Hub, Moment, Partner
from hub.store.database import Connection


class Quote(NamedTuple):
    """What was quoted; amounts are points on one side and own units of the partner on the other."""

    direction: str
    unit: str
    source: int
    target: int
    rate_version: int
    valid_until: str
    """The instant (business time) from which it can no longer be taken, as RFC 3339."""
    nonce: str
    """Tells two quotes of the same from each other."""

    def is_over(self, now: datetime) -> bool:
        """Tell whether it can no longer be taken at business time ``now``."""
        return now >= datetime.fromisoformat(self.valid_until)


def give(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a quote for ``amount`` of the source, which is points or own units by the direction.

    Raises:
        Refused: ``no_rate``, ``no_contract``, ``amount_not_exchangeable``, ``unknown_member``, ``member_in_debt``.
    """
    rate = exchange_rates.rate_on(partner, moment.day, asked["direction"], asked["unit"])
    try:
        target = rate.give(asked["amount"])
    except AmountNotExchangeable as error:
        raise Refused("amount_not_exchangeable", f"{error}.") from error
    member_id = members.require(hub, connection, asked["member"], moment)
    until = instant(moment.now + timedelta(seconds=rate.quote_seconds))
    quote = Quote(
        rate.direction, rate.unit, asked["amount"], target, rate.version, until, secrets.token_urlsafe(12)
    )  # fmt: skip
    answer = {"quote_id": seals.write(hub.keyring.blind, _scope(partner, member_id), list(quote)), **quote._asdict()}
    del answer["nonce"]
    if rate.direction == "in":
        contract_on(partner, moment)
        return answer
    return answer | _covered(connection, moment, partner, member_id, quote.source)


def _covered(connection: Connection, moment: Moment, partner: Partner, member_id: int, points: int) -> dict[str, Any]:
    """Return whether the member has the points that would go out."""
    reimbursement.price_on(partner, moment)
    available = sum(spending.look(connection, moment, member_id, {}).available(partner.partner_id))
    return {"available": available, "enough": available >= points}


def read(hub: Hub, partner: Partner, member_id: int, quote_id: str) -> Quote:
    """Return a quote that was given to a partner for a member, valid or not any more.

    Raises:
        Refused: ``quote_invalid``.
    """
    content = seals.read(hub.keyring.blind, _scope(partner, member_id), quote_id)
    if content is None:
        raise Refused("quote_invalid", "This is no quote that the hub gave this partner for this member.")
    return Quote(*content)


def contract_on(partner: Partner, moment: Moment) -> Contract:
    """Return the contract that gives points which come in their life.

    Raises:
        Refused: ``no_contract``.
    """
    contract = partner.contracts.on(moment.day)
    if contract is None:
        raise Refused("no_contract", f"The partner has no contract in force on {moment.day}.")
    return contract


def _scope(partner: Partner, member_id: int) -> str:
    return f"quote {partner.partner_id} {member_id}"
