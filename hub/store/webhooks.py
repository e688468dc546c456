"""Webhooks and their messages: an outbox that other transactions write, and the state of its delivery.

A message is a row that names its subject; what it says is read when it is sent, from what was posted. The rows of one
webhook go out in commit order (transaction, then number), below the oldest transaction that still runs, so none is
overtaken by one that commits later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, text

_SET = text("""
    INSERT INTO hub.webhook (partner_id, webhook_id, url, topics, state, created_at, next_attempt_at)
    VALUES (:partner_id, :webhook_id, :url, :topics, 'active', :at, :at)
    ON CONFLICT (partner_id, webhook_id) DO UPDATE
        SET url = excluded.url, topics = excluded.topics, state = 'active', failures = 0, next_attempt_at = :at
""")
_LIST = text("""
    SELECT webhook.partner_id, webhook_id, url, topics, state, created_at, failures, next_attempt_at,
           coalesce(waiting, 0) AS waiting, coalesce(dead, 0) AS dead, outcome
    FROM hub.webhook AS webhook
    LEFT JOIN (
        SELECT partner_id, webhook_id, count(*) FILTER (WHERE state = 'waiting') AS waiting,
               count(*) FILTER (WHERE state = 'dead') AS dead
        FROM hub.webhook_message WHERE state <> 'delivered' GROUP BY partner_id, webhook_id
    ) AS messages USING (partner_id, webhook_id)
    LEFT JOIN LATERAL (
        SELECT outcome FROM hub.webhook_message AS message
        WHERE (message.partner_id, message.webhook_id) = (webhook.partner_id, webhook.webhook_id)
          AND attempted_at IS NOT NULL
        ORDER BY attempted_at DESC LIMIT 1
    ) AS last ON true
    WHERE cast(:partner_id AS text) IS NULL OR webhook.partner_id = :partner_id
    ORDER BY webhook.partner_id, webhook_id
""")
_ANNOUNCE = text("""
    INSERT INTO hub.webhook_message (partner_id, webhook_id, topic, subject, details, occurred_at)
    SELECT partner_id, webhook_id, :topic, :subject, cast(:details AS jsonb), :at
    FROM hub.webhook WHERE partner_id = :partner_id AND (:topic = ANY(topics) OR webhook_id = :only)
    ON CONFLICT DO NOTHING
""")
_CLAIM = text("""
    UPDATE hub.webhook SET lease = :lease, leased_until = :until
    WHERE (partner_id, webhook_id) = (
        SELECT partner_id, webhook_id FROM hub.webhook AS due
        WHERE state = 'active' AND next_attempt_at <= :now AND (leased_until IS NULL OR leased_until <= :now)
          AND EXISTS (
              SELECT FROM hub.webhook_message AS message
              WHERE (message.partner_id, message.webhook_id) = (due.partner_id, due.webhook_id)
                AND message.state = 'waiting' AND message.tx < pg_snapshot_xmin(pg_current_snapshot()))
        ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING partner_id, webhook_id, url, failures
""")
_NEXT = text("""
    SELECT message_id, topic, subject, details, occurred_at, attempts FROM hub.webhook_message
    WHERE partner_id = :partner_id AND webhook_id = :webhook_id AND state = 'waiting'
      AND tx < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY tx, message_id LIMIT :most
""")
_ATTEMPTED = text("""
    UPDATE hub.webhook_message SET state = :state, attempts = attempts + 1, attempted_at = :at, outcome = :outcome
    WHERE message_id = :message_id AND state = 'waiting'
""")
_STAND = text("""
    UPDATE hub.webhook
    SET failures = :failures, next_attempt_at = :next_attempt_at, leased_until = :leased_until,
        state = CASE WHEN :gone THEN 'gone' ELSE state END
    WHERE partner_id = :partner_id AND webhook_id = :webhook_id AND lease = :lease
""")
_DEAD = text("""
    SELECT message_id, topic, subject, occurred_at, attempts, attempted_at, outcome FROM hub.webhook_message
    WHERE partner_id = :partner_id AND webhook_id = :webhook_id AND state = 'dead'
    ORDER BY tx, message_id LIMIT :most
""")
_REPLAY = text("""
    UPDATE hub.webhook_message SET state = 'waiting', attempts = 0
    WHERE partner_id = :partner_id AND webhook_id = :webhook_id
      AND (state = 'dead' OR (state = 'delivered' AND occurred_at >= cast(:since AS timestamptz)))
""")
_RESUME = text("""
    UPDATE hub.webhook SET state = 'active', failures = 0, next_attempt_at = :at
    WHERE partner_id = :partner_id AND webhook_id = :webhook_id
""")
_PAUSE = text("UPDATE hub.webhook SET state = 'paused' WHERE partner_id = :partner_id AND webhook_id = :webhook_id")
_REMOVE = text("DELETE FROM hub.webhook WHERE partner_id = :partner_id AND webhook_id = :webhook_id")
_REMOVE_MESSAGES = text("DELETE FROM hub.webhook_message WHERE partner_id = :partner_id AND webhook_id = :webhook_id")
_FORGET = text("""
    DELETE FROM hub.webhook_message AS message
    WHERE (state = 'delivered' AND attempted_at < :before)
       OR NOT EXISTS (SELECT FROM hub.webhook AS webhook
                      WHERE (webhook.partner_id, webhook.webhook_id) = (message.partner_id, message.webhook_id))
""")
_EXPIRING_KEYS = text("""
    SELECT partner_id, keyid, retires_at FROM hub.partner_key
    WHERE state = 'retiring' AND retires_at > :now AND retires_at <= :until
""")


class Name(NamedTuple):
    """What a webhook is found by."""

    partner_id: str
    webhook_id: str


class Claimed(NamedTuple):
    """A webhook that one deliverer has to itself for the time of its lease."""

    name: Name
    url: str
    failures: int
    """Attempts that failed since the last that did not."""
    lease: UUID


class Standing(NamedTuple):
    """How a webhook stands after an attempt."""

    failures: int
    next_attempt_at: datetime
    leased_until: datetime
    gone: bool = False
    """Its server said that there is nothing any more."""


def set_webhook(connection: Connection, name: Name, url: str, topics: Sequence[str], at: datetime) -> None:
    """Add a webhook, or change it and try it afresh."""
    connection.execute(_SET, name._asdict() | {"url": url, "topics": list(topics), "at": at})


def listing(connection: Connection, partner_id: str | None = None) -> Sequence[Row[Any]]:
    """Return the webhooks of a partner, or of all: how many messages wait or are dead, and the last outcome."""
    return connection.execute(_LIST, {"partner_id": partner_id}).all()


def announce(
    connection: Connection,
    partner_id: str,
    topic: str,
    subject: str,
    details: Mapping[str, Any],
    at: datetime,
    only: str | None = None,
) -> None:
    """Put a message into the outbox for each webhook that wants the topic, and for ``only``; once for each subject."""
    values = {"partner_id": partner_id, "topic": topic, "subject": subject, "at": at, "only": only}
    connection.execute(_ANNOUNCE, values | {"details": json.dumps(details)})


def claim(connection: Connection, lease: UUID, now: datetime, until: datetime) -> Claimed | None:
    """Take the webhook that has waited longest and has something to send, until a time; None if there is none."""
    row = connection.execute(_CLAIM, {"lease": lease, "now": now, "until": until}).one_or_none()
    return None if row is None else Claimed(Name(row.partner_id, row.webhook_id), row.url, row.failures, lease)


def waiting(connection: Connection, name: Name, most: int) -> Sequence[Row[Any]]:
    """Return a webhook's next messages in order."""
    return connection.execute(_NEXT, name._asdict() | {"most": most}).all()


def attempted(
    connection: Connection, claimed: Claimed, message_id: int, state: str, outcome: str, at: datetime, now: Standing
) -> None:
    """Record an attempt, and if the lease still holds how the webhook stands."""
    values = {"state": state, "message_id": message_id, "outcome": outcome, "at": at}
    connection.execute(_ATTEMPTED, values)
    connection.execute(_STAND, claimed.name._asdict() | {"lease": claimed.lease} | now._asdict())


def release(connection: Connection, claimed: Claimed, now: datetime) -> None:
    """Let others claim a webhook."""
    connection.execute(
        text("""UPDATE hub.webhook SET leased_until = :now
                WHERE partner_id = :partner_id AND webhook_id = :webhook_id AND lease = :lease"""),
        claimed.name._asdict() | {"lease": claimed.lease, "now": now},
    )


def dead(connection: Connection, name: Name, most: int) -> Sequence[Row[Any]]:
    """Return a webhook's dead letters, oldest first."""
    return connection.execute(_DEAD, name._asdict() | {"most": most}).all()


def replay(connection: Connection, name: Name, since: datetime | None, at: datetime) -> int:
    """Let dead letters wait again, and what was delivered of what happened since; return how many."""
    count = connection.execute(_REPLAY, name._asdict() | {"since": since}).rowcount
    connection.execute(_RESUME, name._asdict() | {"at": at})
    return count


def resume(connection: Connection, name: Name, at: datetime) -> bool:
    """Let a webhook be tried again, now; False if there is none."""
    return connection.execute(_RESUME, name._asdict() | {"at": at}).rowcount == 1


def pause(connection: Connection, name: Name) -> bool:
    """Let a webhook's messages wait; False if there is none."""
    return connection.execute(_PAUSE, name._asdict()).rowcount == 1


def remove(connection: Connection, name: Name) -> bool:
    """Forget a webhook and its messages; False if there is none."""
    connection.execute(_REMOVE_MESSAGES, name._asdict())
    return connection.execute(_REMOVE, name._asdict()).rowcount == 1


def forget(connection: Connection, before: datetime) -> int:
    """Forget what was delivered before a time, and what came for a webhook while it was removed; return how many."""
    return connection.execute(_FORGET, {"before": before}).rowcount


def retiring_keys(connection: Connection, now: datetime, within: timedelta) -> Sequence[Row[Any]]:
    """Return the partners' keys that retire soon."""
    return connection.execute(_EXPIRING_KEYS, {"now": now, "until": now + within}).all()
