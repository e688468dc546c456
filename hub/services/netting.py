"""What a cycle's nets come to in payments."""

from __future__ import annotations

from typing import Any

from hub.services.context import Hub
from settlement.payments.ways_to_pay import ways_to_pay


def payments(hub: Hub, cycle: str, *, direct: bool) -> list[dict[str, Any]]:
    """Return the payments of a calculated cycle by currency, through the operator or from partner to partner.

    Raises:
        settlement.errors.UnknownCycle: there is none, or it has not been calculated.
    """
    with hub.database.snapshot() as connection:
        ways = ways_to_pay(connection, cycle, direct=direct)
    return [way._asdict() | {"payments": [one._asdict() for one in way.payments]} for way in ways]
