"""Household pools: several members put their points together, and some of them may spend from all.

A partner keeps its pools under ids of its own. Each change states the whole pool as it is to be, under an event id
of the partner's, so a repetition changes nothing and an old request that comes again cannot bring an old pool back.
A member is in one pool at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core import ledger
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Event, Posting
from hub.services import accounts, members
from hub.services.accounts import as_json
from hub.services.context import Hub, Moment
from hub.services.reporting import Reporter
from hub.store import events, pools, posting
from hub.store.database import Connection
from hub.store.pools import PoolMember


def set_members(hub: Hub, reporter: Reporter, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Make a pool consist of the named members, each with ``share`` and ``may_spend``; of none, to dissolve it.

    Raises:
        Refused: ``unknown_member``, ``same_member``, ``in_another_pool`` or ``event_conflict``.
    """
    return hub.database.transact(lambda connection: _set(hub, connection, hub.moment(connection), reporter, asked))


def _set(
    hub: Hub, connection: Connection, moment: Moment, reporter: Reporter, asked: Mapping[str, Any]
) -> dict[str, Any]:
    event_id, pool_id = asked["event_id"], asked["pool_id"]
    pools.lock(connection, reporter.partner_id, pool_id)
    content = content_digest("pool", asked)
    answer = {"event_id": event_id, "pool_id": pool_id, "status": "posted", "members": len(asked["members"])}
    first = events.first_answers(connection, reporter.partner_id, [event_id]).get(event_id)
    if first is not None:
        if bytes(first.content) != content:
            raise Refused("event_conflict", CONFLICT)
        return answer | {"duplicate": True}
    named = [members.require(hub, connection, one["member"], moment) for one in asked["members"]]
    leaving = [one.member_id for one in pools.members_of(connection, reporter.partner_id, pool_id)]
    locked = accounts.lock(connection, moment, [*named, *leaving])
    joining = [
        PoolMember(locked[member_id].member_id, one["share"], one["may_spend"])
        for member_id, one in zip(named, asked["members"], strict=True)
    ]
    pools.leave(connection, leaving)
    _check_free(connection, joining)
    pools.join(connection, reporter.partner_id, pool_id, joining)
    event = Event(
        event_id, "pool", ledger.NO_MEMBER, "posted", 0, moment.now, content, evidence_id=reporter.evidence_id,
        details=as_json({**reporter.said, "pool": pool_id, "members": [list(one) for one in joining]}),
    )  # fmt: skip
    entry = Posting(reporter.partner_id, moment.now, moment.day, [event], [], reporter.evidences)
    posting.post_new(connection, entry)
    return answer


def _check_free(connection: Connection, joining: Sequence[PoolMember]) -> None:
    ids = [one.member_id for one in joining]
    if len(set(ids)) < len(ids):
        raise Refused("same_member", "Two of the identifiers are of one member.")
    if pools.places(connection, ids):
        raise Refused("in_another_pool", "One of the members is in another pool; it has to leave that first.")
