"""The numbers that terminals give their events: which have come, which are missing, and which came twice.

A number is noted whenever its event was answered, taken or rejected, since both have come. It is noted after the event
was posted, so a hub that is killed in between can report a number as missing that is there, until the till sends it
again, and never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from hub.store.database import fetch
from settlement.store.arrays import columns_of

_NOTE = """
WITH given AS MATERIALIZED (
    SELECT terminal, sequence, event_id
    FROM unnest(%(terminals)s::text[], %(sequences)s::bigint[], %(event_ids)s::text[])
        AS given (terminal, sequence, event_id)
), highest AS MATERIALIZED (
    SELECT given.terminal, coalesce(known.sequence, 0) AS sequence
    FROM (SELECT DISTINCT terminal FROM given) AS given CROSS JOIN LATERAL (
        SELECT max(sequence) AS sequence FROM hub.terminal_number
        WHERE (partner_id, terminal) = (%(partner_id)s, given.terminal)
    ) AS known
), noted AS (
    INSERT INTO hub.terminal_number (partner_id, terminal, sequence, event_id, noted_at)
    SELECT %(partner_id)s, given.*, %(at)s::timestamptz FROM given JOIN highest USING (terminal)
    ORDER BY given.terminal, given.sequence, given.event_id
    ON CONFLICT DO NOTHING
    RETURNING terminal, sequence
), beyond AS (
    SELECT noted.terminal, noted.sequence,
           lag(noted.sequence, 1, highest.sequence) OVER (PARTITION BY noted.terminal ORDER BY noted.sequence) AS before
    FROM noted JOIN highest USING (terminal) WHERE noted.sequence > highest.sequence
), announced AS (
    INSERT INTO hub.webhook_message (partner_id, webhook_id, topic, subject, details, occurred_at)
    SELECT webhook.partner_id, webhook.webhook_id, 'gap.found', beyond.terminal || '/' || (beyond.before + 1),
           jsonb_build_object('terminal', beyond.terminal, 'first', beyond.before + 1, 'last', beyond.sequence - 1),
           %(at)s::timestamptz
    FROM beyond JOIN hub.webhook AS webhook
      ON webhook.partner_id = %(partner_id)s AND 'gap.found' = ANY(webhook.topics)
    WHERE beyond.sequence - beyond.before > 1
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM noted
"""
"""What is highest is looked up once, and before anything is inserted, for which the insert is joined with it. Looked up
for every number and behind the new ones, it took longer than posting the events: the server came to plan it so."""
_GAPS = text("""
    SELECT terminal, before, sequence, event_before, event_id, noted_at FROM (
        SELECT terminal, sequence, event_id, noted_at,
               lag(sequence, 1, cast(0 AS bigint)) OVER in_order AS before, lag(event_id) OVER in_order AS event_before
        FROM hub.terminal_number
        WHERE partner_id = :partner_id AND (terminal, sequence, event_id) >= (:terminal, :sequence, :event_id)
        WINDOW in_order AS (PARTITION BY terminal ORDER BY sequence, event_id)
    ) AS numbered
    WHERE sequence - before <> 1 AND (terminal, sequence, event_id) <> (:terminal, :sequence, :event_id)
    ORDER BY terminal, sequence, event_id LIMIT :most
""")


class Numbered(NamedTuple):
    """An event and the number that its terminal gave it."""

    terminal: str
    sequence: int
    event_id: str


def note(connection: Connection, partner_id: str, numbered: Iterable[Numbered], at: datetime) -> None:
    """Note numbers that have come, and tell those who want to know of each gap that opened below a new highest one."""
    values = columns_of(("terminals", "sequences", "event_ids"), list(numbered))
    fetch(connection, _NOTE, values | {"partner_id": partner_id, "at": at})


def gaps(connection: Connection, partner_id: str, after: Numbered, most: int) -> list[Row[Any]]:
    """Return the numbers that do not follow on the one ``before`` them, in order: a gap, or the same number again.

    `event_before` and `noted_at` are of the event before, and of when the number after the gap came.
    """
    values = {"partner_id": partner_id, "most": most, **after._asdict()}
    return list(connection.execute(_GAPS, values))
