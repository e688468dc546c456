"""Webhooks: what partners want to be told of, and what is put into the outbox besides posted events."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hub.core import webhook_targets
from hub.core.content import instant
from hub.core.errors import Refused
from hub.services.context import Hub, Moment
from hub.store import webhooks
from hub.store.database import Connection
from hub.store.webhooks import Name
from partner_sdk.wire.webhooks import MAX_DEAD, MAX_WEBHOOKS
from settlement.core.disputes import Case

REGISTERED = "webhook.registered"
"""What every webhook is told first, whatever its topics."""
OPENS_AT = 5
"""Failures in a row that open a webhook's circuit."""
KEY_WARNING = timedelta(days=14)
KEPT = timedelta(days=30)
"""How long delivered messages can be replayed."""


def addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host as this machine resolves it; none if it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(one[4][0]) for one in found]


def set_webhook(hub: Hub, partner_id: str, webhook_id: str, url: str, topics: Sequence[str]) -> dict[str, Any]:
    """Add a partner's webhook, or change the one of that name; its server is first told that it is registered.

    Raises:
        Refused: ``webhook_target`` or ``too_many_webhooks``.
    """
    target = webhook_targets.parse(url, hub.webhook_networks)
    webhook_targets.check_addresses(target.host, addresses(target.host, target.port), hub.webhook_networks)
    name = Name(partner_id, webhook_id)

    def work(connection: Connection) -> None:
        others = [one for one in webhooks.listing(connection, partner_id) if one.webhook_id != webhook_id]
        if len(others) >= MAX_WEBHOOKS:
            raise Refused("too_many_webhooks", f"A partner has at most {MAX_WEBHOOKS} webhooks.")
        now = hub.real_time()
        webhooks.set_webhook(connection, name, url, topics, now)
        details = {"url": url, "topics": list(topics)}
        at = hub.moment(connection).now
        webhooks.announce(
            connection, partner_id, REGISTERED, f"{webhook_id} {now.isoformat()}", details, at, webhook_id
        )

    hub.database.transact(work)
    return next(one for one in listing(hub, partner_id) if one["webhook_id"] == webhook_id)


def listing(hub: Hub, partner_id: str | None = None) -> list[dict[str, Any]]:
    """Return the webhooks of a partner, or of all, and how they do."""
    with hub.database.connect() as connection:
        return [_shown(row) for row in webhooks.listing(connection, partner_id)]


def _shown(row: Any) -> dict[str, Any]:
    shown = {
        "webhook_id": row.webhook_id,
        "url": row.url,
        "topics": list(row.topics),
        "state": row.state,
        "circuit": "open" if row.failures >= OPENS_AT else "closed",
        "waiting": row.waiting,
        "dead": row.dead,
        "failures": row.failures,
        "next_attempt_at": instant(row.next_attempt_at),
    }
    return shown | ({} if row.outcome is None else {"last_outcome": row.outcome})


def of_all(hub: Hub) -> list[dict[str, Any]]:
    """Return all webhooks with their partners, for the operator."""
    with hub.database.connect() as connection:
        return [{"partner": row.partner_id} | _shown(row) for row in webhooks.listing(connection)]


def dead_letters(hub: Hub, partner_id: str, webhook_id: str) -> list[dict[str, Any]]:
    """Return the messages that were given up, oldest first, at most 100.

    Raises:
        Refused: ``unknown_webhook``.
    """
    with hub.database.connect() as connection:
        _require(connection, partner_id, webhook_id)
        rows = webhooks.dead(connection, Name(partner_id, webhook_id), MAX_DEAD)
    return [
        {
            "id": message_id(row.message_id),
            "topic": row.topic,
            "subject": row.subject,
            "attempts": row.attempts,
            "attempted_at": instant(row.attempted_at),
            "outcome": row.outcome,
        }
        for row in rows
    ]


def replay(hub: Hub, partner_id: str, webhook_id: str, since: datetime | None) -> int:
    """Send dead letters again, and with ``since`` all that was delivered of what happened from then on; count them.

    The webhook is tried at once, also if it was paused or gone.

    Raises:
        Refused: ``unknown_webhook``.
    """

    def work(connection: Connection) -> int:
        _require(connection, partner_id, webhook_id)
        return webhooks.replay(connection, Name(partner_id, webhook_id), since, hub.real_time())

    return hub.database.transact(work)


def remove(hub: Hub, partner_id: str, webhook_id: str) -> None:
    """Forget a webhook and all that waits for it.

    Raises:
        Refused: ``unknown_webhook``.
    """
    if not hub.database.transact(lambda connection: webhooks.remove(connection, Name(partner_id, webhook_id))):
        raise _unknown()


def pause(hub: Hub, partner_id: str, webhook_id: str) -> None:
    """Let messages wait; raises Refused (``unknown_webhook``)."""
    with hub.database.connect() as connection:
        if not webhooks.pause(connection, Name(partner_id, webhook_id)):
            raise _unknown()


def resume(hub: Hub, partner_id: str, webhook_id: str) -> None:
    """Send what waits, at once; raises Refused (``unknown_webhook``)."""
    with hub.database.connect() as connection:
        if not webhooks.resume(connection, Name(partner_id, webhook_id), hub.real_time()):
            raise _unknown()


def announce_statements(connection: Connection, moment: Moment, cycle: str, partners: Sequence[str]) -> None:
    """Tell partners that their statement of a cycle is there, in the transaction that publishes it."""
    for partner_id in partners:
        webhooks.announce(connection, partner_id, "statement.published", cycle, {"cycle": cycle}, moment.now)


def announce_dispute(connection: Connection, moment: Moment, case: Case) -> None:
    """Tell a partner of its dispute's last move, in the transaction that makes it."""
    partner_id, dispute_id, cycle = case.dispute[:3]
    details = {"dispute_id": dispute_id, "cycle": cycle, "state": case.state, "accepted_minor": sum(case.accepted)}
    webhooks.announce(
        connection, partner_id, "dispute.moved", f"{dispute_id} {case.last.seq}", details, moment.now
    )  # fmt: skip


def announce_retiring_keys(hub: Hub) -> None:
    """Tell partners of their keys that retire within two weeks, once a key."""
    with hub.database.connect() as connection:
        for row in webhooks.retiring_keys(connection, hub.real_time(), KEY_WARNING):
            details = {"keyid": row.keyid, "retires_at": instant(row.retires_at)}
            webhooks.announce(
                connection, row.partner_id, "key.expiring", row.keyid, details, hub.moment(connection).now
            )


def forget_delivered(hub: Hub) -> None:
    """Forget what was delivered long ago."""
    with hub.database.connect() as connection:
        webhooks.forget(connection, hub.real_time() - KEPT)


def message_id(number: int) -> str:
    """Return a message's id as the wire says it."""
    return f"msg_{number}"


def _require(connection: Connection, partner_id: str, webhook_id: str) -> None:
    if all(row.webhook_id != webhook_id for row in webhooks.listing(connection, partner_id)):
        raise _unknown()


def _unknown() -> Refused:
    return Refused("unknown_webhook", "The partner has no webhook of this name.")
