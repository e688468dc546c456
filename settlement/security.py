"""Security is put up, taken back, and used when a partner fails; each time two operators agree, and entries are booked.

One operator orders, which books nothing; a second one approves the order by its digest, and in the same transaction it
is booked. The order of a default names what each layer of the waterfall bears; it is worked out again when it is
approved, and if balances have changed by then, there is another digest and nothing is booked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from settlement import approvals
from settlement.approvals import Approval
from settlement.core.dues import Account
from settlement.core.moves import PUBLISHED
from settlement.core.positions import Position
from settlement.core.security import (
    ASSESSMENT,
    CAPITAL,
    COLLATERAL,
    DEFAULT,
    DEPOSIT,
    FUND_SHARE,
    GATHERED,
    PREPAID_BALANCE,
    SUBJECT,
    WITHDRAWAL,
    Entry,
    entries_ordered,
    layers_of,
    order_digest,
)
from settlement.core.simulation import Simulation, without
from settlement.core.waterfall import Waterfall, run_down
from settlement.errors import NotPublished, SecurityRefused
from settlement.store.dues import load_dues
from settlement.store.history import moves_of
from settlement.store.results import load_claims
from settlement.store.security import Order, add_order, balances, book, booked, find_order, orders
from settlement.store.window import window_of

__all__ = ["approve", "balances", "booked", "declare", "default_of", "move", "orders", "shortfalls", "simulate"]

KINDS = {
    "collateral": COLLATERAL,
    "fund": FUND_SHARE,
    "prepaid": PREPAID_BALANCE,
    "assessment": ASSESSMENT,
    "capital": CAPITAL,
    "gathered": GATHERED,
}
"""What can be withdrawn, and all but what was gathered deposited; all but the capital are a partner's."""
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('settlement.security'))")
_Rules = Sequence[Mapping[str, Any]]


def move(
    connection: Connection,
    order_id: str,
    kind: str,
    account: tuple[str, str],
    amount: tuple[str, int],
    *,
    author: str,
    at: datetime,
    registered: bool = False,
) -> Order:
    """Order a deposit to, or a withdrawal from, an account of a kind and a partner ("" for the capital).

    `amount` is a currency and minor units above zero. The same order again is the same. Raises `SecurityRefused` and
    `ApprovalRefused`.
    """
    if account[0] not in KINDS or (account[0] == "capital") is bool(account[1]):
        raise SecurityRefused(f"an account is one of {', '.join(KINDS)}; each but the capital belongs to a partner")
    if (kind, account[0]) == (DEPOSIT, "gathered"):
        raise SecurityRefused(
            "what was gathered for a failed partner comes from its default alone; it can be withdrawn"
        )
    if kind not in {DEPOSIT, WITHDRAWAL} or not 0 < amount[1] < 2**63 or len(amount[0]) != 3:
        raise SecurityRefused("a deposit or withdrawal is of an amount above zero, in a currency of three letters")
    content = {"account": KINDS[account[0]] + account[1], "currency": amount[0], "amount_minor": amount[1]}
    return _order(connection, Order(order_id, kind, content, b"", author, at), registered)


def declare(
    connection: Connection,
    partner: str,
    cycle: str,
    rules: _Rules,
    *,
    author: str,
    at: datetime,
    registered: bool = False,
) -> Order:
    """Order that a partner's failure to pay a published cycle is booked, by these rules of the waterfall.

    Raises `SecurityRefused` when it owes nothing in it or its default was booked before, `WaterfallRefused` and
    `NotPublished`.
    """
    connection.execute(_ONE_AT_A_TIME)
    before = [state_of(connection, one.order_id) for one in _defaults(connection, partner, cycle)]
    if any(one and one.state == approvals.APPROVED for one in before):
        raise SecurityRefused(f"the default of {partner} in {cycle} was booked before")
    content = _default(connection, partner, cycle, rules)
    if not content["shortfalls"]:
        raise SecurityRefused(f"{partner} owes nothing in {cycle}")
    order_id = f"default-{partner}-{cycle}-{len(before) + 1}"
    return _order(connection, Order(order_id, DEFAULT, content, b"", author, at), registered)


def approve(
    connection: Connection, order_id: str, digest: bytes, *, author: str, at: datetime, registered: bool = False
) -> tuple[Order, list[Entry]]:
    """Approve an order by the digest that was shown, and book it.

    Raises `SecurityRefused` when there is none or an account has too little, and `ApprovalRefused`.
    """
    connection.execute(_ONE_AT_A_TIME)
    found = find_order(connection, order_id)
    if found is None:
        raise SecurityRefused(f"there is no order {order_id[:60]!r}")
    present = _present(connection, found)
    approvals.approve(
        connection, SUBJECT, order_id, stated=digest, present=order_digest(present),
        approver=author, at=at, registered=registered,
    )  # fmt: skip
    entries = _entries(connection, found)
    book(connection, order_id, entries)
    return found, entries


def state_of(connection: Connection, order_id: str) -> Approval | None:
    """The last proposal about an order."""
    proposals = approvals.of_subject(connection, SUBJECT, order_id)
    return proposals[-1] if proposals else None


def shortfalls(connection: Connection, partner: str, cycle: str) -> dict[str, int]:
    """What a partner has to pay in a calculated cycle, by currency, above zero."""
    dues = load_dues(connection, cycle)
    return {due.currency: -due.due_minor for due in dues if due.party == partner and due.due_minor < 0}


def simulate(connection: Connection, cycle: str, partner: str, rules: _Rules) -> Simulation:
    """What becomes of a calculated cycle if a partner does not pay; nothing is stored.

    Raises `UnknownCycle`, `WaterfallRefused`, and `SecurityRefused` for a partner that has no part in it.
    """
    positions = load_claims(connection, window_of(connection, cycle)).positions
    owes = shortfalls(connection, partner, cycle)
    if not owes and not any(_takes_part(position, partner) for position in positions):
        raise SecurityRefused(f"{partner[:40]!r} has no part in {cycle}")
    put_up = balances(connection)
    return without(positions, partner, owes, {one: layers_of(rules, partner, one, put_up) for one in owes})


def default_of(connection: Connection, partner: str, cycle: str) -> list[Order]:
    """The orders about a partner's default in a cycle, in order."""
    return _defaults(connection, partner, cycle)


def _order(connection: Connection, wanted: Order, registered: bool) -> Order:
    wanted = wanted._replace(digest=order_digest({"kind": wanted.kind, **wanted.content}))
    if not add_order(connection, wanted):
        known = find_order(connection, wanted.order_id)
        if known is None or known.digest != wanted.digest:
            raise SecurityRefused(f"there is another order {wanted.order_id[:60]!r}; choose a new id")
        return known
    approvals.propose(
        connection, SUBJECT, wanted.order_id, wanted.digest, maker=wanted.author, at=wanted.at, registered=registered
    )
    return wanted


def _present(connection: Connection, found: Order) -> Mapping[str, Any]:
    """What the order would be if it were made now; that of a default follows balances and dues."""
    if found.kind != DEFAULT:
        return {"kind": found.kind, **found.content}
    stated = found.content
    return {"kind": DEFAULT, **_default(connection, stated["partner"], stated["cycle"], stated["layers"])}


def _entries(connection: Connection, found: Order) -> list[Entry]:
    """The entries of an order; raises `SecurityRefused` when an account has too little for a withdrawal."""
    if found.kind == WITHDRAWAL:
        account: Account = (found.content["account"], found.content["currency"])
        has = balances(connection).get(account, 0)
        if has < found.content["amount_minor"]:
            raise SecurityRefused(f"{account[0]} has {has} minor units of {account[1]}, less than is withdrawn")
    return entries_ordered(found.kind, found.content)


def _default(connection: Connection, partner: str, cycle: str, rules: _Rules) -> dict[str, Any]:
    if not any(one.state == PUBLISHED for one in moves_of(connection, cycle)):
        raise NotPublished(f"cycle {cycle} is not published, so nobody has failed to pay it")
    owes, put_up = shortfalls(connection, partner, cycle), balances(connection)
    run = {currency: _waterfall(partner, currency, minor, rules, put_up) for currency, minor in sorted(owes.items())}
    return {
        "partner": partner,
        "cycle": cycle,
        "layers": [dict(rule) for rule in rules],
        "shortfalls": owes,
        "borne": [{"currency": currency, **one._asdict()} for currency, found in run.items() for one in found.borne],
        "uncovered": {currency: found.uncovered_minor for currency, found in run.items()},
    }


def _waterfall(partner: str, currency: str, minor: int, rules: _Rules, put_up: Mapping[Account, int]) -> Waterfall:
    return run_down(minor, layers_of(rules, partner, currency, put_up))


def _defaults(connection: Connection, partner: str, cycle: str) -> list[Order]:
    return [
        one for one in orders(connection, DEFAULT) if (one.content["partner"], one.content["cycle"]) == (partner, cycle)
    ]


def _takes_part(position: Position, partner: str) -> bool:
    return partner in position[:2]
