"""What partners ask of the hub, asked of its services directly, with made-up evidence."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from hub.core.ledger import Evidence
from hub.services import earnings, redemptions
from hub.services.context import Hub, Partner
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.support.network import sale


def partner(hub: Hub, partner_id: str) -> Partner:
    """A partner as it is configured now."""
    with hub.database.connect() as connection:
        return hub.moment(connection).configuration.partner(partner_id)


def evidence() -> Evidence:
    """Evidence of a request that nobody sent."""
    received_at = datetime(2017, 1, 1, tzinfo=UTC)
    return Evidence(secrets.token_bytes(16), "test.key", received_at, b"base", b"signature", b"sealed")


def post(hub: Hub, partner_id: str, *sales: dict[str, Any]) -> list[dict[str, Any]]:
    """Report sales as the wire would hand them over."""
    loaded = validate(EarningsRequest, {"earnings": list(sales)})["earnings"]
    return earnings.post(hub, partner(hub, partner_id), evidence(), loaded)


def earn(hub: Hub, partner_id: str, event_id: str, member: str, minor: int) -> int:
    """Report one sale and return its points."""
    result = post(hub, partner_id, sale(event_id, member, minor))[0]
    assert result["status"] == "posted", result
    return int(result["points"])


def redeem(hub: Hub, partner_id: str, redemption_id: str, member: str, points: int) -> dict[str, Any]:
    """Redeem points."""
    asked = {"redemption_id": redemption_id, "member": member, "points": points}
    return redemptions.redeem(hub, partner(hub, partner_id), evidence(), asked)
