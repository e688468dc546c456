"""Delivery of webhooks: what a message says, how it is signed, and what follows from an attempt.

The network is not here: `hub.messenger` carries what `send` is given. Attempts of one message are spaced by the
schedule of Standard Webhooks (standardwebhooks.com, "Deliverability and reliability"); while one waits, those behind
it wait too, so a server gets its messages in order. A message that was tried ten times is a dead letter, and the next
has its turn.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from hub.core.content import instant
from hub.services import webhooks
from hub.services.context import Hub
from hub.store import events
from hub.store import webhooks as rows
from hub.store.database import Connection
from hub.store.webhooks import Claimed, Standing
from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.webhooks import sign_webhook

SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""The pause after each failed attempt; the tenth is the last."""
PROBE = timedelta(minutes=30)
"""The shortest pause between attempts of any message while the circuit is open."""
LEASE = timedelta(seconds=120)
MOST_IN_A_ROW = 50
OK, GONE = range(200, 300), 410


class Attempt(NamedTuple):
    """A request as it is to be sent."""

    url: str
    headers: dict[str, str]
    body: bytes


class Outcome(NamedTuple):
    """What came of it: the status, or None and why there was none."""

    status: int | None
    detail: str = ""

    def __str__(self) -> str:
        return self.detail if self.status is None else f"HTTP {self.status}"


Send = Callable[[Attempt], Outcome]


def deliver_next(hub: Hub, send: Send) -> int | None:
    """Take one webhook and send what waits for it, in order, until an attempt fails; None if there was none to take.

    Returns how many messages were delivered.
    """
    with hub.database.connect() as connection:
        now = hub.real_time()
        claimed = rows.claim(connection, uuid4(), now, now + LEASE)
        waiting = rows.waiting(connection, claimed.name, MOST_IN_A_ROW) if claimed else []
    if claimed is None:
        return None
    delivered = 0
    for message in waiting:
        outcome = send(_signed(hub, claimed, message))
        if not _record(hub, claimed._replace(failures=0 if delivered else claimed.failures), message, outcome):
            break
        delivered += 1
    with hub.database.connect() as connection:
        rows.release(connection, claimed, hub.real_time())
    return delivered


def _signed(hub: Hub, claimed: Claimed, message: Any) -> Attempt:
    with hub.database.connect() as connection:
        body = strict_json.dumps(content(connection, claimed, message))
        hub.moment(connection)
    created, nonce = int(hub.real_time().timestamp()), base64url.encode(secrets.token_bytes(16))
    signed = sign_webhook(claimed.url, body, hub.signer().key, created, nonce)
    return Attempt(claimed.url, {"User-Agent": "hansa-hub", **signed}, body)


def content(connection: Connection, claimed: Claimed, message: Any) -> dict[str, Any]:
    """Return what a message says."""
    return {
        "id": webhooks.message_id(message.message_id),
        "topic": message.topic,
        "partner": claimed.name.partner_id,
        "occurred_at": instant(message.occurred_at),
        "data": message.details or _event(connection, claimed.name.partner_id, message.subject),
    }


def _event(connection: Connection, partner_id: str, event_id: str) -> dict[str, Any]:
    event = events.first_answers(connection, partner_id, [event_id])[event_id]
    told: dict[str, Any] = {
        "event_id": event.event_id,
        "kind": event.kind,
        "status": "pending" if event.matures_on else "posted",
        "points": event.points,
    }
    if event.refers_to is not None:
        told["refers_to"] = event.refers_to
    if event.amount_minor is not None:
        told["amount"] = {"minor": event.amount_minor, "currency": event.currency}
    if event.expires_on is not None:
        told["expires_on"] = str(event.expires_on)
    return told


def _record(hub: Hub, claimed: Claimed, message: Any, outcome: Outcome) -> bool:
    """Record an attempt; return whether the message was delivered."""
    now = hub.real_time()
    delivered = outcome.status in OK
    state = "delivered" if delivered else "dead" if message.attempts >= len(SCHEDULE) else "waiting"
    standing = Standing(0, now, now + LEASE) if delivered else _failed(claimed, message, outcome, state, now)
    hub.database.transact(
        lambda connection: rows.attempted(
            connection, claimed, message.message_id, state, str(outcome)[:200], now, standing
        )
    )
    return delivered


def _failed(claimed: Claimed, message: Any, outcome: Outcome, state: str, now: datetime) -> Standing:
    """After a dead letter the next message is tried at once, unless the circuit is open: then after its pause."""
    failures = claimed.failures + 1
    pause = SCHEDULE[min(message.attempts, len(SCHEDULE) - 1)]
    if failures >= webhooks.OPENS_AT:
        pause = max(pause, PROBE)
    if state == "dead" and failures == len(SCHEDULE) + 1:
        # Only this message is known to fail: what comes behind it is the probe that closes or opens the circuit.
        pause = timedelta(0)
    return Standing(failures, now + pause, now, gone=outcome.status == GONE)
