"""Reads of lots across members: what ends when, what has expired, and where points went that live longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, text

from hub.core.ledger import LotKey
from hub.core.point_kinds import QUALIFYING
from hub.store.database import fetch

_EXPIRED = """
    SELECT coalesce(sum(there), 0), coalesce(sum(there) FILTER (WHERE (expires_on, matures_on)
                                                = (%(expires_on)s::date, %(matures_on)s::date)), 0)
    FROM (
        SELECT expires_on, matures_on, CASE credit_account WHEN 'breakage' THEN points ELSE -points END AS there
        FROM hub.transfer
        WHERE member_id = ANY(%(members)s::bigint[]) AND 'breakage' IN (debit_account, credit_account)
          AND (issuer, kind) = (%(issuer)s, %(kind)s)
    ) AS moved
"""
_EXTENDED = """
    SELECT DISTINCT gone.expires_on, gone.issuer, gone.kind, gone.matures_on,
                    came.expires_on, came.issuer, came.kind, came.matures_on
    FROM hub.event AS event
    JOIN hub.transfer AS gone USING (member_id, partner_id, event_id)
    JOIN hub.transfer AS came USING (member_id, partner_id, event_id)
    WHERE event.member_id = ANY(%(members)s::bigint[]) AND event.kind = 'extension'
      AND gone.debit_account = 'available' AND came.line = gone.line + 1
"""
_FORGONE = """
    SELECT coalesce(sum(there), 0), coalesce(sum(there) FILTER (WHERE (expires_on, matures_on)
                                                = (%(expires_on)s::date, %(matures_on)s::date)), 0)
    FROM (
        SELECT expires_on, matures_on,
               CASE credit_account WHEN 'redeemed:coalition' THEN points ELSE -points END AS there
        FROM hub.transfer
        WHERE member_id = ANY(%(members)s::bigint[]) AND partner_id = 'coalition'
          AND 'redeemed:coalition' IN (debit_account, credit_account)
          AND (issuer, kind) = (%(issuer)s, %(kind)s)
    ) AS moved
"""
_FORGONE_BEFORE = """
    SELECT coalesce(sum(counted.value::bigint), 0),
           coalesce(sum(counted.value::bigint) FILTER (WHERE counted.key = %(lot)s), 0)
    FROM hub.event CROSS JOIN LATERAL jsonb_each_text(details->'forgone') AS counted
    WHERE member_id = ANY(%(members)s::bigint[]) AND hub.event.kind = 'refund' AND details ? 'forgone'
      AND (split_part(counted.key, '/', 2), split_part(counted.key, '/', 3)) = (%(issuer)s, %(kind)s)
"""
_MEMBERS_DUE = text("""
    SELECT DISTINCT member_id FROM hub.lot
    WHERE points > 0 AND expires_on <= :day AND member_id > :after ORDER BY member_id LIMIT :most
""")
_MEMBERS_ENDING = text("""
    SELECT DISTINCT lot.member_id FROM hub.lot AS lot JOIN hub.member USING (member_id)
    WHERE lot.points > 0 AND lot.issuer = :issuer AND lot.expires_on BETWEEN :first AND :last
      AND (cast(:country AS text) IS NULL OR member.jurisdiction = :country)
      AND (cast(:members AS bigint[]) IS NULL OR lot.member_id = ANY(cast(:members AS bigint[])))
      AND lot.member_id > :after
    ORDER BY lot.member_id LIMIT :most
""")
_ENDING = text("""
    SELECT expires_on, issuer, kind, count(DISTINCT member_id) AS members, sum(points)::bigint AS points FROM hub.lot
    WHERE points > 0 AND expires_on BETWEEN :first AND :last AND (cast(:issuer AS text) IS NULL OR issuer = :issuer)
    GROUP BY expires_on, issuer, kind ORDER BY expires_on, issuer, kind LIMIT :most
""")


class Ending(NamedTuple):
    """Points of one issuer and kind that end on one day, and how many members have them."""

    expires_on: date
    issuer: str
    kind: str
    members: int
    points: int


class Group(NamedTuple):
    """Whose lots are meant: those of an issuer that end from the first day to the last, of all members or of some."""

    issuer: str
    first: date
    last: date
    country: str | None = None
    """Only members whose jurisdiction it is."""
    members: Sequence[int] | None = None
    """Only these."""


class Gone(NamedTuple):
    """Points of a lot that have expired, as far as nobody was given them back.

    What is given back gets another last day, so there is never more gone of a lot than of all lots of the kind.
    """

    of_kind: int
    of_lot: int


def expired(connection: Connection, members: Iterable[int], key: LotKey) -> Gone:
    """Return the points of a lot of these members that have gone to breakage and are still there."""
    in_all, of_lot = fetch(connection, _EXPIRED, {"members": list(members), **key._asdict()})[0]
    return Gone(int(in_all), int(of_lot))


def extended(connection: Connection, members: Iterable[int]) -> dict[LotKey, list[LotKey]]:
    """Return into which lots the operator extended lots of these members."""
    found: dict[LotKey, list[LotKey]] = {}
    for row in fetch(connection, _EXTENDED, {"members": list(members)}):
        found.setdefault(LotKey(*row[:4]), []).append(LotKey(*row[4:]))
    return found


def forgone(connection: Connection, members: Iterable[int], key: LotKey) -> Gone:
    """Return the points of a lot of these members that expired to the coalition, less what refunds counted before.

    Their issuer owes the coalition for them for good, so a refund moves nothing; it only does not ask for them again.
    """
    values = {"members": list(members), **key._asdict()}
    of_kind, of_lot = fetch(connection, _FORGONE, values)[0]
    if of_kind <= 0:
        return Gone(0, 0)
    counted_of_kind, counted_of_lot = fetch(connection, _FORGONE_BEFORE, values | {"lot": name_of(key)})[0]
    return Gone(int(of_kind - counted_of_kind), int(of_lot - counted_of_lot))


def name_of(key: LotKey) -> str:
    """Return a lot's name in the details of events."""
    return "/".join(map(str, key))


def outstanding_of(connection: Connection, issuer: str) -> int:
    """Return the points of an issuer that members hold and could spend once they are mature."""
    query = text("SELECT coalesce(sum(points), 0) FROM hub.lot WHERE issuer = :issuer AND kind <> :never")
    return int(connection.execute(query, {"issuer": issuer, "never": QUALIFYING}).scalar_one())


def outstanding(connection: Connection) -> int:
    """Return the points in all lots."""
    return int(connection.execute(text("SELECT coalesce(sum(points), 0) FROM hub.lot")).scalar_one())


def members_due(connection: Connection, day: date, after: int, most: int) -> list[int]:
    """Return the next members above ``after``, in order, with lots that end on ``day`` or before."""
    return list(connection.scalars(_MEMBERS_DUE, {"day": day, "after": after, "most": most}))


def members_ending(connection: Connection, group: Group, after: int, most: int) -> list[int]:
    """Return the next members above ``after``, in order, with lots of a group."""
    members = None if group.members is None else list(group.members)
    values = group._asdict() | {"members": members, "after": after, "most": most}
    return list(connection.scalars(_MEMBERS_ENDING, values))


def ending(connection: Connection, first: date, last: date, issuer: str | None, most: int) -> list[Ending]:
    """Return what ends from the first day to the last, by day, issuer and kind."""
    values = {"first": first, "last": last, "issuer": issuer, "most": most}
    return [Ending(*row) for row in connection.execute(_ENDING, values)]
