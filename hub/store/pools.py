"""Household pools: who is in one, in which share each pays, and who may spend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

_MEMBERS_WITH = """
    SELECT other.member_id, other.share, other.may_spend
    FROM hub.pool_member AS own JOIN hub.pool_member AS other USING (partner_id, pool_id)
    WHERE own.member_id = %(member_id)s ORDER BY other.member_id
"""
_MEMBERS = """
    SELECT member_id, share, may_spend FROM hub.pool_member
    WHERE partner_id = %(partner_id)s AND pool_id = %(pool_id)s ORDER BY member_id
"""
_POOLS_OF = """
    SELECT member_id, partner_id, pool_id, share, may_spend FROM hub.pool_member
    WHERE member_id = ANY(%(members)s::bigint[])
"""
_LOCK = """
    INSERT INTO hub.pool (partner_id, pool_id) VALUES (%(partner_id)s, %(pool_id)s)
    ON CONFLICT (partner_id, pool_id) DO UPDATE SET pool_id = excluded.pool_id
"""
_LEAVE = "DELETE FROM hub.pool_member WHERE member_id = ANY(%(members)s::bigint[])"
_JOIN = """
    INSERT INTO hub.pool_member (member_id, partner_id, pool_id, share, may_spend) VALUES (%s, %s, %s, %s, %s)
"""


class PoolMember(NamedTuple):
    """One member of a pool; ``share`` weighs against the others' shares."""

    member_id: int
    share: int
    may_spend: bool


class Place(NamedTuple):
    """Where a member is: in which pool of which partner, and how."""

    partner_id: str
    pool_id: str
    share: int
    may_spend: bool


def members_with(connection: Connection, member_id: int) -> list[PoolMember]:
    """Return all members of the pool that a member is in, by id; none if it is in no pool."""
    return [PoolMember(*row) for row in fetch(connection, _MEMBERS_WITH, {"member_id": member_id})]


def lock(connection: Connection, partner_id: str, pool_id: str) -> None:
    """Lock a pool, before its members, so that one change of it at a time is made; a new one begins empty."""
    connection.exec_driver_sql(_LOCK, {"partner_id": partner_id, "pool_id": pool_id})


def members_of(connection: Connection, partner_id: str, pool_id: str) -> list[PoolMember]:
    """Return the members of a pool, by id."""
    return [PoolMember(*row) for row in fetch(connection, _MEMBERS, {"partner_id": partner_id, "pool_id": pool_id})]


def places(connection: Connection, members: Iterable[int]) -> dict[int, Place]:
    """Return which of these members are in a pool, and where."""
    rows = fetch(connection, _POOLS_OF, {"members": list(members)})
    return {member_id: Place(*place) for member_id, *place in rows}


def leave(connection: Connection, members: Iterable[int]) -> None:
    """Take members out of whatever pool they are in, under their locks."""
    connection.exec_driver_sql(_LEAVE, {"members": list(members)})


def join(connection: Connection, partner_id: str, pool_id: str, members: Sequence[PoolMember]) -> None:
    """Put members that are in no pool into one, under their locks."""
    for one in members:
        connection.exec_driver_sql(_JOIN, (one.member_id, partner_id, pool_id, one.share, one.may_spend))
