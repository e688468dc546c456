"""The operator's hand on business time, in a sandbox only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hub.core.content import instant
from hub.core.errors import Refused
from hub.services.context import Hub
from hub.store import configuration


def show(hub: Hub) -> dict[str, Any]:
    """Return business time and environment."""
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
    return {"business_time": instant(moment.now), "environment": moment.environment}


def move(hub: Hub, at: datetime) -> dict[str, Any]:
    """Move the clock forward to ``at``, where it stands until it is moved again.

    Raises:
        Refused: ``not_allowed`` in a live hub, or backwards.
    """
    if not hub.database.transact(lambda connection: configuration.set_clock(connection, at)):
        raise Refused("not_allowed", "The clock moves forward only, and only in a sandbox.")
    return show(hub)
