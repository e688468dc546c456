"""Captures that wait at the same time: their members locked in order, all of them burnt, committed once.

What a member has besides is not looked at. What does not go straight through is left to
`hub.services.captures.capture`, alone: holds that are no longer open, that a pool pays or whose member owes points or
was merged, and ids that were captured before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.core.errors import Refused
from hub.core.ledger import Posting
from hub.services import captures, reimbursement
from hub.services.captures import Found
from hub.services.context import Hub, Moment
from hub.services.redemptions import Wish
from hub.store import accounts, events, holds, posting
from hub.store.database import Connection

Answer = dict[str, Any]
Key = tuple[str, str]
"""A hold: its partner and its id."""


class _Taken(Exception):
    """The id of a capture was taken before."""


def capture_together(hub: Hub, connection: Connection, moment: Moment, wishes: Sequence[Wish]) -> list[Answer | None]:
    """Capture holds, in one transaction; return each answer, None for what is to be done alone."""
    places: dict[Key, int] = {}
    for place, one in enumerate(wishes):
        places.setdefault((one.partner.partner_id, one.asked["redemption_id"]), place)
    answers: list[Answer | None] = [None] * len(wishes)
    wished = {key: wishes[place] for key, place in places.items()}
    try:
        done = hub.database.transact_on(connection, lambda transaction: _capture(transaction, moment, wished))
    except (Refused, _Taken):
        return answers
    for key, answer in done.items():
        answers[places[key]] = answer
    return answers


def _capture(connection: Connection, moment: Moment, wished: Mapping[Key, Wish]) -> dict[Key, Answer]:
    """Capture what can be, and return the answers.

    Raises:
        Refused: ``key_revoked``.
        _Taken: the id of one of the captures is not new.
    """
    held = {
        key: event
        for key, event in events.first_of(connection, list(wished)).items()
        if event.kind == "hold" and event.status == "posted"
    }
    if not held:
        return {}
    members = {event.member_id for event in held.values()}
    accounts.lock_rows(connection, members)
    plain = members - accounts.burdened(connection, members)
    found = {
        key: Found(hold, held[key], held[key].member_id, ())
        for key, hold in holds.find_all(connection, list(held)).items()
        if held[key].member_id in plain
    }
    done = {
        key: captures.burn(moment, wished[key].partner, wished[key].evidence, one, _points(wished[key], one))
        for key, one in found.items()
        if _is_plain(one, moment) and _points(wished[key], one) <= one.event.points
    }
    if not done:
        return {}
    postings: dict[str, Posting] = {}
    for key, one in sorted(done.items(), key=lambda item: item[0]):
        entry = postings.setdefault(key[0], Posting(key[0], moment.now, moment.day, [], [], []))
        postings[key[0]] = entry._replace(
            events=[*entry.events, one.event],
            transfers=[*entry.transfers, *one.transfers],
            evidence=[*entry.evidence, wished[key].evidence],
        )
    holds.end_all(connection, list(done), holds.CAPTURED)
    fresh = posting.post_together(connection, list(postings.values()))
    if sum(map(len, fresh)) < len(done):
        raise _Taken
    reserved = reimbursement.release(connection, moment, list(done))
    reimbursement.record(connection, moment, [line for one in done.values() for line in one.owed], reserved=reserved)
    return {key: one.answer for key, one in done.items()}


def _points(wish: Wish, found: Found) -> int:
    return int(wish.asked.get("points", found.event.points))


def _is_plain(found: Found, moment: Moment) -> bool:
    """Tell whether a hold is open, and its member pays it alone."""
    is_alone = all(member_id == found.account for member_id, _ in found.hold.lots)
    return is_alone and found.hold.state_at(moment.now) == holds.OPEN
