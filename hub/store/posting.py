"""The one door: the only function that writes events, transfers, lots, evidence, and what webhooks tell of events.

It is set-based: one statement with arrays, for one event or a thousand, of one partner or of several, so it costs one
round trip and is one transaction. Events are inserted first, in order of their ids, and only what is new goes on: a
replay or a batch that shares events with another waits for it and then changes nothing. After the events come the
lots, in order of their keys. So all writers take locks in the same order and do not deadlock.

Requests that were let in before their key was revoked, and are posted after that, are refused here: whoever revokes a
key need only wait for the postings that began before.

Nothing that was posted is ever updated or deleted; the points left in a lot are the one locked state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from hub.core.content import CONFLICT
from hub.core.errors import LedgerBroken, Refused
from hub.core.ledger import Event, Posting
from hub.store.database import fetch
from settlement.store.arrays import columns_of

_EVENT_TYPES = {
    "partner_id": "text", "event_id": "text", "kind": "text", "member_id": "bigint", "status": "text",
    "points": "bigint", "occurred_at": "timestamptz", "content": "bytea", "amount_minor": "bigint", "currency": "text",
    "rate_version": "integer", "expires_on": "date", "matures_on": "date", "store": "text", "terminal": "text",
    "channel": "text", "items": "text", "error_code": "text", "evidence_id": "bytea", "refers_to": "text",
    "returned_before": "bigint", "priced_by": "text", "scheme_rule": "text", "details": "jsonb",
}  # fmt: skip
_OF_EARNINGS = Event._fields.index("refers_to")
"""An earning fills the columns before this one; sending the others too would cost a batch a twentieth."""
_WHOLE = len(Event._fields)


def _columns(count: int) -> tuple[str, ...]:
    return ("partner_id", *Event._fields[:count])


def _write(count: int) -> str:
    """Return the statement up to its last part, for events that fill the first so many columns."""
    columns = _columns(count)
    given = ", ".join(f"%({name})s::{_EVENT_TYPES[name]}[]" for name in columns)
    return _WRITE % {"columns": ", ".join(columns), "given": given}


_WRITE = """
WITH revoked AS MATERIALIZED (
    SELECT 1 FROM unnest(%%(v_keyid)s::text[], %%(v_received_at)s::timestamptz[]) AS given (keyid, received_at)
    JOIN hub.partner_key AS key USING (keyid)
    WHERE key.state = 'revoked' AND given.received_at >= key.revoked_since LIMIT 1
), kept AS (
    INSERT INTO hub.evidence
        (partner_id, evidence_id, keyid, received_at, signature_base, signature, sealed_body)
    SELECT given.* FROM unnest(
        %%(v_partner_id)s::text[], %%(v_evidence_id)s::bytea[], %%(v_keyid)s::text[], %%(v_received_at)s::timestamptz[],
        %%(v_signature_base)s::bytea[], %%(v_signature)s::bytea[], %%(v_sealed_body)s::bytea[]
    ) AS given (partner_id, evidence_id)
    WHERE NOT EXISTS (SELECT FROM revoked)
    ORDER BY given.partner_id, given.evidence_id
    ON CONFLICT DO NOTHING
), fresh AS (
    INSERT INTO hub.event
        (posted_at, business_date, %(columns)s)
    SELECT %%(posted_at)s::timestamptz, %%(business_date)s::date, given.*
    FROM unnest(%(given)s) AS given (partner_id, event_id)
    WHERE NOT EXISTS (SELECT FROM revoked)
    ORDER BY given.partner_id, given.event_id
    ON CONFLICT DO NOTHING
    RETURNING partner_id, event_id, kind, status
), announced AS (
    INSERT INTO hub.webhook_message (partner_id, webhook_id, topic, subject, occurred_at)
    SELECT webhook.partner_id, webhook.webhook_id, announces.topic, fresh.event_id, %%(posted_at)s::timestamptz
    FROM hub.webhook AS webhook
    JOIN (VALUES ('earning', 'points.posted'), ('confirmation', 'points.posted'),
                 ('redemption', 'redemption.captured'), ('capture', 'redemption.captured')) AS announces (kind, topic)
      ON announces.topic = ANY(webhook.topics)
    JOIN fresh ON (fresh.partner_id, fresh.kind, fresh.status) = (webhook.partner_id, announces.kind, 'posted')
), moved AS (
    SELECT given.* FROM unnest(
        %%(t_partner_id)s::text[], %%(t_event_id)s::text[], %%(t_line)s::smallint[], %%(t_member_id)s::bigint[],
        %%(t_debit)s::text[], %%(t_credit)s::text[], %%(t_expires_on)s::date[], %%(t_issuer)s::text[],
        %%(t_kind)s::text[], %%(t_matures_on)s::date[], %%(t_points)s::bigint[]
    ) AS given (partner_id, event_id, line, member_id, debit_account, credit_account, expires_on, issuer, kind,
                matures_on, points)
    JOIN (SELECT partner_id, event_id FROM fresh) AS new USING (partner_id, event_id)
), transferred AS (
    INSERT INTO hub.transfer
        (business_date, partner_id,
         event_id, line, member_id, debit_account, credit_account, expires_on, issuer, kind, matures_on, points)
    SELECT %%(business_date)s::date, moved.* FROM moved
), credited AS (
    INSERT INTO hub.lot AS lot (member_id, expires_on, issuer, kind, matures_on, points)
    SELECT member_id, expires_on, issuer, kind, matures_on, sum(points)
    FROM moved WHERE credit_account = 'available'
    GROUP BY member_id, expires_on, issuer, kind, matures_on
    ORDER BY member_id, expires_on, issuer, kind, matures_on
    ON CONFLICT (member_id, expires_on, issuer, kind, matures_on)
        DO UPDATE SET points = lot.points + excluded.points
)"""
_DEBIT = """, owed AS (
    SELECT member_id, expires_on, issuer, kind, matures_on, sum(points) AS points
    FROM moved WHERE debit_account = 'available'
    GROUP BY member_id, expires_on, issuer, kind, matures_on
), debited AS (
    UPDATE hub.lot AS lot SET points = lot.points - owed.points FROM owed
    WHERE (lot.member_id, lot.expires_on, lot.issuer, lot.kind, lot.matures_on)
        = (owed.member_id, owed.expires_on, owed.issuer, owed.kind, owed.matures_on)
    RETURNING 1
)"""
_BORROWED = """, borrowed AS (
    INSERT INTO hub.debt AS debt (member_id, issuer, points)
    SELECT member_id, issuer, sum(points) FROM moved WHERE debit_account = 'debt' GROUP BY member_id, issuer
    ORDER BY member_id, issuer
    ON CONFLICT (member_id, issuer) DO UPDATE SET points = debt.points + excluded.points
), due AS (
    SELECT member_id, issuer, sum(points) AS points FROM moved WHERE credit_account = 'debt'
    GROUP BY member_id, issuer
), repaid AS (
    UPDATE hub.debt AS debt SET points = debt.points - due.points FROM due
    WHERE (debt.member_id, debt.issuer) = (due.member_id, due.issuer)
    RETURNING 1
)"""
_FRESH = """SELECT EXISTS (SELECT FROM revoked), new.partners, new.event_ids"""
_FROM_FRESH = """
FROM (SELECT coalesce(array_agg(partner_id), '{}') AS partners, coalesce(array_agg(event_id), '{}') AS event_ids
      FROM fresh) AS new"""
_BURDENED = """array(
    SELECT member_id FROM moved JOIN hub.debt USING (member_id) WHERE debt.points > 0
    UNION SELECT member_id FROM moved JOIN hub.merged USING (member_id))"""
POST_CREDITS = f"{_write(_OF_EARNINGS)}\n{_FRESH}, true, {_BURDENED}{_FROM_FRESH}"
"""For a posting that takes from no lot, such as all earnings: a sixth less work for the database."""
POST_WHOLE_CREDITS = f"{_write(_WHOLE)}\n{_FRESH}, true, {_BURDENED}{_FROM_FRESH}"
"""The same for events that fill all columns, such as purchases with cards."""
POST = (
    f"{_write(_WHOLE)}{_DEBIT}{_BORROWED}\n{_FRESH}, "
    "(SELECT count(*) FROM owed) = (SELECT count(*) FROM debited) "
    "AND (SELECT count(*) FROM due) = (SELECT count(*) FROM repaid), '{}'::bigint[]"
    f"{_FROM_FRESH}"
)

_TRANSFER_COLUMNS = (
    "t_partner_id", "t_event_id", "t_line", "t_member_id", "t_debit", "t_credit", "t_expires_on", "t_issuer", "t_kind",
    "t_matures_on", "t_points",
)  # fmt: skip
_EVIDENCE_COLUMNS = (
    "v_partner_id", "v_evidence_id", "v_keyid", "v_received_at", "v_signature_base", "v_signature", "v_sealed_body",
)  # fmt: skip


class Posted(NamedTuple):
    """What a posting came to."""

    fresh: frozenset[str]
    """The ids of the events that were new; the others changed nothing."""
    burdened: Sequence[int]
    """Members that were given points while they owed some, or were merged into another; see `hub.services.accounts`."""


def post(connection: Connection, posting: Posting) -> frozenset[str]:
    """Write a posting and return the ids of the events that were new; the others changed nothing.

    The caller holds the locks of the members whose lots it debits (see `hub.store.accounts.lock`). On a connection
    in autocommit the posting is a transaction of its own.

    Raises:
        Refused: ``key_revoked`` if the evidence's key was revoked since the request was let in; nothing is written.
        LedgerBroken: a debited lot or a repaid debt does not exist; the transaction must be rolled back.
    """
    return _post(connection, [posting], POST, _WHOLE)[0].fresh


def post_together(connection: Connection, postings: Sequence[Posting]) -> list[frozenset[str]]:
    """Write postings of as many partners and one moment, as `post` does each; return the new ids of each."""
    return [one.fresh for one in _post(connection, postings, POST, _WHOLE)]


def post_new(connection: Connection, posting: Posting) -> None:
    """Write a posting all of whose events are new; whoever calls has looked for them under a lock.

    Raises:
        Refused: ``event_conflict``, since an id was taken meanwhile by something that holds another lock.
        LedgerBroken: as `post`.
    """
    if len(post(connection, posting)) != len(posting.events):
        raise Refused("event_conflict", CONFLICT)


def post_credits(connection: Connection, posting: Posting) -> Posted:
    """Write a posting that takes from no lot and refers to no other event, such as earnings."""
    return post_credits_together(connection, [posting])[0]


def post_credits_together(connection: Connection, postings: Sequence[Posting]) -> list[Posted]:
    """Write several such postings, of as many partners and one moment, all or none."""
    return _post(connection, postings, POST_CREDITS, _OF_EARNINGS)


def post_whole_credits(connection: Connection, posting: Posting) -> Posted:
    """Write a posting that takes from no lot, with all that its events say."""
    return _post(connection, [posting], POST_WHOLE_CREDITS, _WHOLE)[0]


def _post(connection: Connection, postings: Sequence[Posting], statement: str, count: int) -> list[Posted]:
    """Write postings by a statement whose events fill the first ``count`` columns."""
    parameters: dict[str, object] = {
        "posted_at": postings[0].posted_at,
        "business_date": postings[0].business_date,
    }
    parameters |= columns_of(_EVIDENCE_COLUMNS, [(one.partner_id, *row) for one in postings for row in one.evidence])
    events = [(one.partner_id, *event[:count]) for one in postings for event in one.events]
    parameters |= columns_of(_columns(count), events)
    parameters |= columns_of(_TRANSFER_COLUMNS, [(one.partner_id, *row) for one in postings for row in one.transfers])
    is_revoked, partners, event_ids, all_found, burdened = fetch(connection, statement, parameters)[0]
    if is_revoked:
        raise Refused("key_revoked", "The key was revoked while the request was on its way; nothing was posted.")
    if not all_found:
        raise LedgerBroken(f"a transfer of {postings[0].partner_id} debits a lot or repays a debt that is not there")
    fresh: dict[str, set[str]] = {one.partner_id: set() for one in postings}
    for partner_id, event_id in zip(partners, event_ids, strict=True):
        fresh[partner_id].add(event_id)
    return [Posted(frozenset(fresh[one.partner_id]), burdened) for one in postings]
