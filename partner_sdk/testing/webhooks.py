"""Webhooks at the local hub: what a partner asked to be told of, and the signed requests that tell it.

Nothing is sent by itself and nothing waits: each time that a test lets the hub deliver, every webhook is tried, as if
the pause after the last failure were over.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from partner_sdk.testing.arithmetic import instant
from partner_sdk.testing.gate import Delivery, Refusal, Send
from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.keys import PrivateKey
from partner_sdk.wire.webhooks import MAX_DEAD, MAX_WEBHOOKS, sign_webhook

if TYPE_CHECKING:
    from partner_sdk.testing.books import Books

Asked = Mapping[str, Any]
MOST_ATTEMPTS = 10
OPENS_AT = 5
TOPICS = {
    "earning": "points.posted",
    "confirmation": "points.posted",
    "redemption": "redemption.captured",
    "capture": "redemption.captured",
}
"""Kinds of events that are told, once they are posted."""


@dataclass(slots=True)
class Message:
    """A message of a webhook."""

    id: str
    topic: str
    subject: str
    details: Mapping[str, Any]
    occurred_at: datetime
    state: str = "waiting"
    attempts: int = 0
    attempted_at: datetime | None = None
    outcome: str = ""


@dataclass(slots=True)
class Webhook:
    """A webhook and how it does."""

    webhook_id: str
    url: str
    topics: list[str]
    next_attempt_at: datetime
    state: str = "active"
    failures: int = 0
    messages: list[Message] = field(default_factory=list)

    def having(self, state: str) -> list[Message]:
        """The messages in a state."""
        return [one for one in self.messages if one.state == state]


# --- calls ---


def post(books: "Books", asked: Asked) -> dict[str, Any]:
    """POST /v1/webhooks."""
    webhook_id, url = asked["webhook_id"], asked["url"]
    _check_target(url)
    if webhook_id not in books.webhooks and len(books.webhooks) >= MAX_WEBHOOKS:
        raise Refusal("too_many_webhooks", f"A partner has at most {MAX_WEBHOOKS} webhooks.")
    before = books.webhooks.get(webhook_id)
    webhook = Webhook(webhook_id, url, asked["topics"], books.asked_at, messages=before.messages if before else [])
    books.webhooks[webhook_id] = webhook
    details = {"url": url, "topics": asked["topics"]}
    announce(books, "webhook.registered", f"{webhook_id} {books.asked_at.isoformat()}", details, webhook)
    return _shown(webhook)


def _check_target(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_public = ip_address(host).is_global
    except ValueError:
        is_public = "." in host and not host.replace(".", "").isdigit()
    if parts.scheme != "https" or "@" in parts.netloc or not is_public:
        raise Refusal("webhook_target", "An https URL at a public address is expected.")


def listing(books: "Books") -> dict[str, Any]:
    """GET /v1/webhooks."""
    return {"webhooks": [_shown(books.webhooks[name]) for name in sorted(books.webhooks)]}


def _shown(webhook: Webhook) -> dict[str, Any]:
    tried = [one for one in webhook.messages if one.attempted_at]
    last = max(tried, key=lambda one: one.attempted_at or one.occurred_at, default=None)
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "topics": webhook.topics,
        "state": webhook.state,
        "circuit": "open" if webhook.failures >= OPENS_AT else "closed",
        "waiting": len(webhook.having("waiting")),
        "dead": len(webhook.having("dead")),
        "failures": webhook.failures,
        "next_attempt_at": instant(webhook.next_attempt_at),
    } | ({"last_outcome": last.outcome} if last else {})


def dead(books: "Books", webhook_id: str) -> dict[str, Any]:
    """GET /v1/webhooks/{webhook_id}/dead."""
    return {
        "dead": [
            {
                "id": one.id,
                "topic": one.topic,
                "subject": one.subject,
                "attempts": one.attempts,
                "attempted_at": instant(one.attempted_at or one.occurred_at),
                "outcome": one.outcome,
            }
            for one in _find(books, webhook_id).having("dead")[:MAX_DEAD]
        ]
    }


def replay(books: "Books", asked: Asked, webhook_id: str) -> dict[str, Any]:
    """POST /v1/webhooks/{webhook_id}/replay."""
    webhook, since = _find(books, webhook_id), asked.get("since")
    delivered = [one for one in webhook.having("delivered") if since and one.occurred_at >= since]
    again = webhook.having("dead") + delivered
    for message in again:
        message.state, message.attempts = "waiting", 0
    webhook.state, webhook.failures, webhook.next_attempt_at = "active", 0, books.asked_at
    return {"webhook_id": webhook_id, "replayed": len(again)}


def remove(books: "Books", asked: Asked, webhook_id: str) -> dict[str, Any]:
    """POST /v1/webhooks/{webhook_id}/remove."""
    _find(books, webhook_id)
    del books.webhooks[webhook_id]
    return {"webhook_id": webhook_id, "status": "removed"}


def _find(books: "Books", webhook_id: str) -> Webhook:
    if webhook_id not in books.webhooks:
        raise Refusal("unknown_webhook", "The partner has no webhook of this name.")
    return books.webhooks[webhook_id]


# --- telling ---


def announce(books: "Books", topic: str, subject: str, details: Mapping[str, Any], only: Webhook | None = None) -> None:
    """Let a message wait for each webhook that wants the topic, or for one; once for each subject."""
    for webhook in books.webhooks.values():
        known = {(one.topic, one.subject) for one in webhook.messages}
        if (webhook is only or topic in webhook.topics) and (topic, subject) not in known:
            message_id = f"msg_{secrets.randbits(48)}"
            webhook.messages.append(Message(message_id, topic, subject, details, books.now))


def announce_event(books: "Books", shown: Mapping[str, Any]) -> None:
    """Tell of an event that is shown so, if it is of a kind that is told."""
    if shown["kind"] in TOPICS and shown["status"] != "rejected":
        told = {name: shown[name] for name in _TOLD if name in shown}
        details = told | ({"amount": shown["value"]} if "value" in shown else {})
        announce(books, TOPICS[shown["kind"]], shown["event_id"], details)


_TOLD = ("event_id", "kind", "status", "points", "refers_to", "amount", "expires_on")


def deliver(books: "Books", key: PrivateKey, at: datetime, send: Send) -> int:
    """Try every webhook of a partner: its messages in order, until one fails; returns how many were delivered."""
    delivered = 0
    for webhook in books.webhooks.values():
        for message in webhook.having("waiting") if webhook.state == "active" else ():
            status = send(_signed(books.partner, webhook, message, key, at))
            message.attempts, message.attempted_at = message.attempts + 1, at
            message.outcome = "no answer" if status is None else f"HTTP {status}"
            if status is None or not 200 <= status < 300:
                message.state = "dead" if message.attempts >= MOST_ATTEMPTS else "waiting"
                webhook.failures, webhook.state = webhook.failures + 1, "gone" if status == 410 else "active"
                if message.state == "dead" and webhook.failures == MOST_ATTEMPTS:
                    continue
                break
            message.state, webhook.failures = "delivered", 0
            delivered += 1
    return delivered


def _signed(partner: str, webhook: Webhook, message: Message, key: PrivateKey, at: datetime) -> Delivery:
    content = {
        "id": message.id,
        "topic": message.topic,
        "partner": partner,
        "occurred_at": instant(message.occurred_at),
        "data": message.details,
    }
    body = strict_json.dumps(content)
    nonce = base64url.encode(secrets.token_bytes(16))
    return Delivery("POST", webhook.url, sign_webhook(webhook.url, body, key, int(at.timestamp()), nonce), body)
