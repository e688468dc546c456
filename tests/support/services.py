"""What partners ask of the hub, asked of its services directly, with made-up evidence."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from hub.core.ledger import Event, Evidence, Posting
from hub.services import captures, confirmations, earnings, redemptions, refunds, reversals
from hub.services.context import Hub, Partner
from hub.store import posting
from hub.store.database import Connection
from partner_sdk.wire.returns import RefundsRequest
from partner_sdk.wire.schemas import EarningsRequest, validate
from tests.support.coalition import NOON
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


def post_bare(connection: Connection, partner_id: str, *event_ids: str) -> None:
    """Post events of a kind that moves nothing."""
    events = [Event(event_id, "pool", 0, "posted", 0, NOON, event_id.encode()) for event_id in event_ids]
    posting.post(connection, Posting(partner_id, NOON, NOON.date(), events, []))


def post_alone(hub: Hub, partner_id: str, *event_ids: str) -> None:
    """Post such events in a transaction of their own."""
    hub.database.transact(lambda connection: post_bare(connection, partner_id, *event_ids))


def earn(hub: Hub, partner_id: str, event_id: str, member: str, minor: int) -> int:
    """Report one sale and return its points."""
    result = post(hub, partner_id, sale(event_id, member, minor))[0]
    assert "error" not in result, result
    return int(result["points"])


def redeem(hub: Hub, partner_id: str, redemption_id: str, member: str, points: int, **more: Any) -> dict[str, Any]:
    """Redeem points, or with ``hold`` reserve them for so many seconds."""
    asked = {"redemption_id": redemption_id, "member": member, "points": points, **more}
    return redemptions.redeem(hub, partner(hub, partner_id), evidence(), asked)


def capture(hub: Hub, partner_id: str, redemption_id: str, **asked: Any) -> dict[str, Any]:
    """Capture a hold, whole or so many ``points``."""
    return captures.capture(hub, partner(hub, partner_id), evidence(), redemption_id, asked)


def void(hub: Hub, partner_id: str, redemption_id: str) -> dict[str, Any]:
    """Void a hold."""
    return captures.void(hub, partner(hub, partner_id), evidence(), redemption_id)


def reverse(hub: Hub, partner_id: str, redemption_id: str, **asked: Any) -> dict[str, Any]:
    """Reverse a redemption, whole or so many ``points`` under a ``reversal_id``."""
    return reversals.reverse(hub, partner(hub, partner_id), evidence(), redemption_id, asked)


def confirm(hub: Hub, partner_id: str, event_id: str) -> dict[str, Any]:
    """Confirm a pending sale."""
    return confirmations.confirm(hub, partner(hub, partner_id), evidence(), event_id)


def refund(
    hub: Hub, partner_id: str, event_id: str, sold: str, minor: int | None = None, by: Partner | None = None
) -> dict[str, Any]:
    """Refund a sale, whole or so much of it; ``by`` a partner that was read earlier, or as it is now."""
    reported: dict[str, Any] = {"event_id": event_id, "refunds": sold, "occurred_at": "2017-01-10T10:00:00Z"}
    if minor is not None:
        reported["amount"] = {"minor": minor, "currency": "USD"}
    return report_refund(hub, by or partner(hub, partner_id), reported)


def report_refund(hub: Hub, by: Partner, reported: dict[str, Any]) -> dict[str, Any]:
    """Report a refund as the wire would hand it over, and return its result."""
    loaded = validate(RefundsRequest, {"refunds": [reported]})["refunds"]
    return refunds.post(hub, by, evidence(), loaded)[0]
