"""What partners and the operator put up, and what happens when a partner does not pay: the operator's side of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.core.notes import note
from hub.services import exposure
from hub.services.context import Hub
from hub.store.database import Connection
from settlement import security
from settlement.core.security import USUAL_LAYERS
from settlement.store.security import Order

Rules = Sequence[Mapping[str, Any]]


def balances(hub: Hub) -> list[dict[str, Any]]:
    """Return what is on each account of security by currency."""
    with hub.database.snapshot() as connection:
        found = security.balances(connection)
    return [
        {"account": account, "currency": currency, "balance_minor": minor}
        for (account, currency), minor in sorted(found.items())
    ]


def move(
    hub: Hub,
    kind: str,
    account: tuple[str, str],
    amount: tuple[str, int],
    author: str,
    order_id: str | None = None,
) -> dict[str, Any]:
    """Order a deposit or a withdrawal, which a second operator approves; return the order.

    ``account`` is a kind and a partner, ``amount`` a currency and minor units.

    Raises:
        Refused: ``unknown_partner``, ``invalid_request``.
        settlement.errors.SecurityRefused: it makes no sense, or the id is another order's.
    """
    maker = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        if account[1]:
            moment.configuration.partner(account[1])
        chosen = order_id or f"{kind}-{secrets.token_hex(6)}"
        made = security.move(connection, chosen, kind, account, amount, author=maker, at=moment.now)
        return _plain(connection, made)

    return hub.database.transact(work)


def approve(hub: Hub, order_id: str, digest: str, author: str) -> dict[str, Any]:
    """Approve an order by the digest that was shown (in hexadecimal), book it, and renew the credit lines.

    Raises:
        Refused: ``invalid_request``.
        settlement.errors.ApprovalRefused: as `settlement.approvals.approve`.
        settlement.errors.SecurityRefused: there is no such order, or too little to withdraw.
    """
    approver = note(author, "author")
    try:
        stated = bytes.fromhex(digest.strip())
    except ValueError as error:
        raise Refused("invalid_request", "A digest is written in hexadecimal.") from error

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        found, _ = security.approve(connection, order_id, stated, author=approver, at=moment.now)
        exposure.renewed(connection, moment)
        return _plain(connection, found)

    return hub.database.transact(work)


def orders(hub: Hub) -> list[dict[str, Any]]:
    """Return all orders with their states, in the order in which they were made."""
    with hub.database.snapshot() as connection:
        return [_plain(connection, one) for one in security.orders(connection)]


def declare(hub: Hub, partner_id: str, cycle: str, author: str, rules: Rules = USUAL_LAYERS) -> dict[str, Any]:
    """Order that a partner's failure to pay a cycle is booked; return the order with what each layer bears.

    Raises:
        Refused: ``unknown_partner``, ``invalid_request``.
        settlement.errors.SettlementError: as `settlement.security.declare`.
    """
    maker = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        moment.configuration.partner(partner_id)
        return _plain(connection, security.declare(connection, partner_id, cycle, rules, author=maker, at=moment.now))

    return hub.database.transact(work)


def default_of(hub: Hub, partner_id: str, cycle: str) -> list[dict[str, Any]]:
    """Return what was ordered and booked about a partner's default in a cycle."""
    with hub.database.snapshot() as connection:
        return [_plain(connection, one) for one in security.default_of(connection, partner_id, cycle)]


def simulate(hub: Hub, cycle: str, partner_id: str, rules: Rules = USUAL_LAYERS) -> dict[str, Any]:
    """Return what becomes of a calculated cycle if a partner does not pay: unwound, and shared by the waterfall.

    Raises:
        settlement.errors.SettlementError: as `settlement.security.simulate`.
    """
    with hub.database.snapshot() as connection:
        found = security.simulate(connection, cycle, partner_id, rules)
    return {
        "partner": found.partner,
        "unwound": [row._asdict() for row in found.unwound],
        "shared": [
            {
                "currency": one.currency,
                "shortfall_minor": one.waterfall.shortfall_minor,
                "borne": [row._asdict() for row in one.waterfall.borne],
                "uncovered_minor": one.waterfall.uncovered_minor,
            }
            for one in found.shared
        ],
    }


def _plain(connection: Connection, one: Order) -> dict[str, Any]:
    decision = security.state_of(connection, one.order_id)
    return {
        "order": one.order_id,
        "kind": one.kind,
        **one.content,
        "author": one.author,
        "ordered_at": instant(one.at),
        "state": decision.state if decision else "open",
        **({"decided_by": decision.decided_by} if decision and decision.decided_by else {}),
        "digest": one.digest.hex(),
    }
