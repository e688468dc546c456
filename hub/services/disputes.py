"""Disputes about statements: what partners ask, what operators decide, and what becomes of silence.

Settlement decides all of it; the hub adds who asks, business time, and a message to the partner for each move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from hub.core.errors import Refused
from hub.services import cursors, webhooks
from hub.services.context import Hub, Moment, Partner
from hub.store.database import Connection
from settlement.core.disputes import ARBITRATION, Case, Claim, DisputedLine
from settlement.disputes import dispute_rules, disputes
from settlement.disputes.dispute_views import document, operators_page, page_of
from settlement.errors import DisputeRefused, NotPublished, UnknownCycle

CODES = {
    "dispute_exceeds_line": "exceeds_original",
    "dispute_conflict": "event_conflict",
    "invalid_dispute": "invalid_request",
}
"""Code of settlement -> code of the wire, where they differ."""
AT_ONCE = 100


def open_dispute(hub: Hub, partner: Partner, body: Mapping[str, Any]) -> dict[str, Any]:
    """Open a dispute; raises Refused (``unknown_cycle``, ``unknown_line``, ``not_disputable``, ``exceeds_original``,
    ``event_conflict``)."""
    lines = [DisputedLine(one["partner"], one["event_id"], one["line"], one["minor"]) for one in body["lines"]]

    def move(connection: Connection, moment: Moment) -> Case:
        asked = (partner.partner_id, body["dispute_id"], body["cycle"], lines, _claim(body))
        return disputes.open_dispute(connection, *asked, moment.now)

    return _moved(hub, partner.partner_id, body["dispute_id"], move)


def escalate(hub: Hub, partner: Partner, dispute_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take a rejected dispute further; raises Refused (``unknown_dispute``, ``dispute_closed``)."""

    def move(connection: Connection, moment: Moment) -> Case:
        return disputes.escalate(connection, partner.partner_id, dispute_id, _claim(body), moment.now)

    return _moved(hub, partner.partner_id, dispute_id, move)


def withdraw(hub: Hub, partner: Partner, dispute_id: str) -> dict[str, Any]:
    """Give a dispute up; raises Refused (``unknown_dispute``, ``dispute_closed``)."""

    def move(connection: Connection, moment: Moment) -> Case:
        return disputes.withdraw(connection, partner.partner_id, dispute_id, moment.now)

    return _moved(hub, partner.partner_id, dispute_id, move)


def show(hub: Hub, partner_id: str, dispute_id: str) -> dict[str, Any]:
    """Return one dispute; raises Refused (``unknown_dispute``)."""
    with hub.database.snapshot() as connection:
        found = disputes.find(connection, partner_id, dispute_id)
    if found is None:
        raise Refused("unknown_dispute", "The partner has no dispute of this id.")
    return document(found)


def page(hub: Hub, partner: Partner, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of a partner's disputes, by id; raises Refused (``cursor_invalid``)."""
    scope = f"disputes {partner.partner_id}"
    after = cursors.read(hub.keyring.blind, scope, cursor)[0] if cursor else ""
    with hub.database.snapshot() as connection:
        found = page_of(connection, partner.partner_id, after, limit + 1)
    shown = found[:limit]
    last = [shown[-1].dispute.dispute_id] if shown else [after]
    return {
        "disputes": [document(one) for one in shown],
        "next_cursor": cursors.write(hub.keyring.blind, scope, last),
        "more": len(found) > limit,
    }


def listing(hub: Hub, partner_id: str = "", state: str = "", limit: int = 1000) -> list[dict[str, Any]]:
    """Return disputes of all partners or of one, those that wait for the longest first, a row each."""
    with hub.database.snapshot() as connection:
        found = operators_page(connection, partner_id, state, limit)
    named = ("partner", "dispute_id", "cycle", "state", "currency", "disputed_minor", "accepted_minor", "due_on")
    return [{name: one.get(name) for name in named} for one in map(document, found)]


def decide(
    hub: Hub, partner_id: str, dispute_id: str, accepted: Sequence[int] | None, text: str, author: str
) -> dict[str, Any]:
    """Accept so much of each line, all that is left (None) or nothing; above the limit, propose it.

    Raises:
        Refused: ``unknown_dispute``, ``dispute_closed``, ``invalid_request``.
        settlement.errors.ApprovalRefused: it is proposed already, or the author is no maker.
    """
    digests: list[str] = []

    def move(connection: Connection, moment: Moment) -> Case:
        asked = (partner_id, dispute_id, accepted, text)
        made = disputes.decide(connection, *asked, author=author, at=moment.now, registered=_registered(moment))
        digests[:] = [made.proposed.digest.hex()] if made.proposed else []
        return made.case

    decided = _moved(hub, partner_id, dispute_id, move)
    return decided | ({"proposed": digests[0]} if digests else {})


def expect_arbitration(hub: Hub, partner_id: str, dispute_id: str) -> None:
    """Raise Refused unless a dispute waits for its arbitration (``unknown_dispute``, ``dispute_closed``)."""
    state = show(hub, partner_id, dispute_id)["state"]
    if state != ARBITRATION:
        raise Refused("dispute_closed", f"Dispute {partner_id}/{dispute_id} is {state}, not in arbitration.")


def approve(hub: Hub, partner_id: str, dispute_id: str, digest: str, author: str) -> dict[str, Any]:
    """Make the decision that another operator proposed with this digest (in hexadecimal); raises as `decide` does."""
    try:
        stated = bytes.fromhex(digest)
    except ValueError as error:
        raise Refused("invalid_request", "A digest is written in hexadecimal, as the proposal printed it.") from error

    def move(connection: Connection, moment: Moment) -> Case:
        asked = (connection, partner_id, dispute_id, stated)
        return disputes.approve(*asked, author=author, at=moment.now, registered=_registered(moment)).case

    return _moved(hub, partner_id, dispute_id, move)


def end_stages(hub: Hub) -> int:
    """Let every dispute whose stage ended go where silence takes it; count them."""
    ended = 0
    while True:
        moved = hub.database.transact(lambda connection: _end_some(hub, connection))
        ended += moved
        if moved < AT_ONCE:
            return ended


def rules(hub: Hub) -> list[dict[str, Any]]:
    """Return the rules of disputes, by number."""
    with hub.database.snapshot() as connection:
        return [one._asdict() for one in dispute_rules.listing(connection)]


def set_rules(hub: Hub, given: Mapping[str, Any], valid_from: date | None, author: str) -> dict[str, Any]:
    """Add rules for disputes that are opened from a day on (default: today); what is not given is as it was.

    Raises:
        settlement.errors.SettlementRefused: the rules make no sense or begin in the past.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        day = valid_from or moment.day
        before = dispute_rules.in_force(connection, day)
        added = before._replace(**given, valid_from=day)
        return dispute_rules.set_rules(connection, added, author=author, at=moment.now)._asdict()

    return hub.database.transact(work)


def _end_some(hub: Hub, connection: Connection) -> int:
    moment = hub.moment(connection)
    moved = disputes.expire(connection, moment.now, AT_ONCE)
    for case in moved:
        webhooks.announce_dispute(connection, moment, case)
    return len(moved)


def _moved(hub: Hub, partner_id: str, dispute_id: str, move: Callable[[Connection, Moment], Case]) -> dict[str, Any]:
    """Make a move in a transaction of its own and tell the partner of it, if there was one."""

    def work(connection: Connection) -> Case:
        moment = hub.moment(connection)
        before = disputes.find(connection, partner_id, dispute_id)
        case = move(connection, moment)
        if before is None or len(before.moves) < len(case.moves):
            webhooks.announce_dispute(connection, moment, case)
        return case

    with _refusals():
        return document(hub.database.transact(work))


def _claim(body: Mapping[str, Any]) -> Claim:
    return Claim(body["reason"], body.get("text", ""), body.get("evidence", {}))


def _registered(moment: Moment) -> bool:
    return moment.environment == "live"


@contextmanager
def _refusals() -> Iterator[None]:
    """Say on the wire what settlement refuses."""
    try:
        yield
    except DisputeRefused as error:
        raise Refused(CODES.get(error.code, error.code), f"{error}.") from error
    except (UnknownCycle, NotPublished) as error:
        raise Refused("unknown_cycle", f"{error}.") from error
