"""Household pools: who is in one, in which share each pays, and who may spend."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from hub.store.database import fetch

_MEMBERS_WITH = """
    SELECT other.member_id, other.share, other.may_spend
    FROM hub.pool_member AS own JOIN hub.pool_member AS other USING (partner_id, pool_id)
    WHERE own.member_id = %(member_id)s ORDER BY other.member_id
"""


class PoolMember(NamedTuple):
    """One member of a pool; ``share`` weighs against the others' shares."""

    member_id: int
    share: int
    may_spend: bool


def members_with(connection: Connection, member_id: int) -> list[PoolMember]:
    """Return all members of the pool that a member is in, by id; none if it is in no pool."""
    return [PoolMember(*row) for row in fetch(connection, _MEMBERS_WITH, {"member_id": member_id})]
