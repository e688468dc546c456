"""Operators and their roles, as settlement keeps them."""

from __future__ import annotations

from typing import Any

from hub.core.content import instant
from hub.services.context import Hub
from hub.store.database import Connection
from settlement import operators
from settlement.operators import Grant


def add(hub: Hub, name: str, role: str, author: str) -> list[dict[str, Any]]:
    """Give an operator a role; return all that are held.

    Raises:
        settlement.errors.SettlementRefused: he has it already.
    """

    def work(connection: Connection) -> None:
        operators.grant(connection, name, role, author=author, at=hub.real_time())

    hub.database.transact(work)
    return listing(hub)


def revoke(hub: Hub, name: str, role: str, author: str) -> list[dict[str, Any]]:
    """Take a role from an operator; return all that are still held.

    Raises:
        settlement.errors.SettlementRefused: he does not have it.
    """

    def work(connection: Connection) -> None:
        operators.revoke(connection, name, role, author=author, at=hub.real_time())

    hub.database.transact(work)
    return listing(hub)


def listing(hub: Hub, *, everything: bool = False) -> list[dict[str, Any]]:
    """Return the roles that are held, or all that ever were."""
    with hub.database.connect() as connection:
        return [_plain(one) for one in operators.listing(connection, everything=everything)]


def _plain(grant: Grant) -> dict[str, Any]:
    times = {"granted_at": instant(grant.granted_at)}
    if grant.revoked_at is not None:
        times["revoked_at"] = instant(grant.revoked_at)
    return {name: value for name, value in (grant._asdict() | times).items() if value is not None}
