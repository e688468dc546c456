"""Points about to expire, by day, issuer and kind: what a partner plans by, and what the operator extends.

Days are those on which points end if nothing happens; where idleness ends them, activity moves their end later.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.services.context import Hub
from hub.store import lots

MOST = 1_000
"""Rows that a list has at most."""


def listing(hub: Hub, until: date, issuer: str | None = None) -> list[dict[str, Any]]:
    """Return what ends from today to ``until``, the soonest first: points and how many members have them."""
    with hub.database.connect() as connection:
        today = hub.moment(connection).day
        rows = lots.ending(connection, today, until, issuer, MOST)
    return [one._asdict() | {"expires_on": str(one.expires_on)} for one in rows]
