"""What the operator settles about one member: whose law applies to it, and whether it is a charity."""

from __future__ import annotations

import re
from typing import Any

from hub.core.errors import Refused
from hub.services import members
from hub.services.context import Hub
from hub.store import accounts
from hub.store import members as stored
from hub.store.database import Connection

NO_COUNTRY = "none"
_COUNTRY = re.compile("[A-Z]{2}")


def amend(hub: Hub, name: str, *, jurisdiction: str | None = None, charity: bool | None = None) -> dict[str, Any]:
    """Set a member's jurisdiction (``none`` for an unknown one) or whether it is a charity; None leaves it alone.

    Of a member that was merged it is the survivor's. Points keep the life they were given with.

    Raises:
        Refused: ``unknown_member``, or ``invalid_request`` for what is no country.
    """
    if jurisdiction is not None and jurisdiction != NO_COUNTRY and not _COUNTRY.fullmatch(jurisdiction):
        raise Refused("invalid_request", 'A jurisdiction is two capital letters such as DE (ISO 3166-1), or "none".')

    def work(connection: Connection) -> dict[str, Any]:
        named = members.named(hub, connection, name, hub.moment(connection))
        member_id = accounts.survivor(connection, named)
        if jurisdiction is not None:
            stored.set_jurisdiction(connection, member_id, None if jurisdiction == NO_COUNTRY else jurisdiction)
        if charity is not None:
            stored.set_charity(connection, member_id, charity)
        found = stored.record(connection, member_id)
        return {"member": member_id, "jurisdiction": found.jurisdiction, "charity": found.charity}

    return hub.database.transact(work)
