"""What partners may owe and owe: their credit lines, renewed from contracts and balances."""

from __future__ import annotations

from typing import Any

from hub.services.context import Hub, Moment
from hub.store import configuration
from hub.store.database import Connection
from settlement import limits


def view(hub: Hub, partner_id: str | None = None) -> list[dict[str, Any]]:
    """Return every credit line, or a partner's, with what it owes, what is left, and whether it is time to act."""
    with hub.database.snapshot() as connection:
        lines = [one._asdict() for one in limits.view(connection)]
    return [one for one in lines if partner_id in (None, one["partner"])]


def renew(hub: Hub) -> list[dict[str, Any]]:
    """Bring the credit lines to what contracts and balances say today, count all exposure anew, and return them."""
    hub.database.transact(lambda connection: renewed(connection, hub.moment(connection)))
    return view(hub)


def renewed(connection: Connection, moment: Moment) -> None:
    """Do the same in the caller's transaction; other processes learn of new lines with their next request."""
    if limits.renew(connection, moment.day, moment.now):
        configuration.announce(connection)
