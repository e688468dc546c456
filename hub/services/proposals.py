"""Proposals: what one operator asked for and a second one decides, after he has seen it.

An approval names the digest of what was shown, so that nobody approves another thing than he saw. Proposal and
posting are one transaction: a proposal that is approved was posted exactly once, and one that cannot be posted now
stays open.
"""

from __future__ import annotations

from typing import Any

from hub.core.adjustment import Adjustment
from hub.core.content import instant
from hub.core.errors import LedgerBroken, Refused
from hub.core.notes import MAX_REASON, note, same_person
from hub.services import accounts, adjustments
from hub.services.context import Hub, Moment
from hub.store import proposals
from hub.store.database import Connection
from hub.store.proposals import Proposal


def listing(hub: Hub, *, everything: bool = False) -> list[dict[str, Any]]:
    """Return the proposals that wait, or all that there ever were, oldest first."""
    with hub.database.connect() as connection:
        return [_plain(one) for one in proposals.listing(connection, everything=everything)]


def show(hub: Hub, proposal_id: str) -> dict[str, Any]:
    """Return a proposal, and what it would do now if it waits: which lots, or why it cannot be posted.

    Raises:
        Refused: ``unknown_proposal``.
    """
    with hub.database.snapshot() as connection:
        found = _find(connection, proposal_id)
        return _plain(found) | (_effect(connection, hub.moment(connection), found) if _waits(found) else {})


def approve(hub: Hub, proposal_id: str, digest: str, author: str) -> dict[str, Any]:
    """Approve what was shown with ``digest`` (in hexadecimal) and post it; return the adjustment's answer.

    The same approval again gets the first answer again, as ``duplicate``.

    Raises:
        Refused: ``unknown_proposal``, ``proposal_changed`` for another digest, ``not_allowed`` for whoever proposed
            it, ``proposal_closed``, or whatever the adjustment itself would be refused with.
    """
    approver = note(author, "author")

    def work(connection: Connection) -> dict[str, Any]:
        found = _find(connection, proposal_id)
        if digest.strip().lower() != found.digest.hex():
            raise Refused("proposal_changed", "This is not the digest of the proposal; look at it again.")
        if same_person(approver, found.author):
            raise Refused("not_allowed", f"{found.author} proposed it; somebody else must approve it.")
        return _approve(hub, connection, found, approver)

    return hub.database.transact(work)


def _approve(hub: Hub, connection: Connection, found: Proposal, approver: str) -> dict[str, Any]:
    moment, wanted = hub.moment(connection), _adjustment(found)
    standing = accounts.lock(connection, moment, [wanted.member_id])[wanted.member_id]
    if proposals.decide(connection, found.proposal_id, proposals.APPROVED, approver, moment.now):
        return adjustments.post(connection, moment, standing, wanted, approver)
    _expect_same_decision(_find(connection, found.proposal_id), proposals.APPROVED, approver)
    first = adjustments.first_answer(connection, wanted)
    assert first is not None
    return first | {"duplicate": True}


def decline(hub: Hub, proposal_id: str, author: str, reason: str) -> dict[str, Any]:
    """Decline a proposal for good; whoever made it may take it back so. Returns it.

    Raises:
        Refused: ``unknown_proposal``, ``proposal_closed`` or ``invalid_request``.
    """
    decider, why = note(author, "author"), note(reason, "reason", MAX_REASON)

    def work(connection: Connection) -> dict[str, Any]:
        _find(connection, proposal_id)
        now = hub.moment(connection).now
        done = proposals.decide(connection, proposal_id, proposals.DECLINED, decider, now, why)
        found = _find(connection, proposal_id)
        if not done:
            _expect_same_decision(found, proposals.DECLINED, decider, why)
        return _plain(found) | ({} if done else {"duplicate": True})

    return hub.database.transact(work)


def _find(connection: Connection, proposal_id: str) -> Proposal:
    found = proposals.find(connection, proposal_id)
    if found is None:
        raise Refused("unknown_proposal", "There is no such proposal; 'hansa proposal list' names those that wait.")
    return found


def _adjustment(found: Proposal) -> Adjustment:
    """Return what is proposed, as it was kept.

    Raises:
        LedgerBroken: the row was altered.
    """
    wanted = Adjustment.from_content(found.content)
    if wanted.digest != found.digest or wanted.author != found.author:
        raise LedgerBroken(f"proposal {found.proposal_id} is not what was proposed; its digest differs")
    return wanted


def _expect_same_decision(found: Proposal, state: str, author: str, reason: str | None = None) -> None:
    same = found.state == state and found.decision_reason == reason and same_person(found.decided_by or "", author)
    if not same:
        raise Refused("proposal_closed", f"It was {found.state} by {found.decided_by}.")


def _waits(found: Proposal) -> bool:
    return found.state == proposals.OPEN


def _effect(connection: Connection, moment: Moment, found: Proposal) -> dict[str, Any]:
    wanted = _adjustment(found)
    standing = accounts.look(connection, moment, wanted.member_id)
    try:
        moved = adjustments.lots(connection, moment, standing, wanted)
    except Refused as refusal:
        return {"would_be_refused": refusal.detail}
    return {
        "member_has_now": sum(lot.points for lot in standing.spendable()),
        "would_take" if wanted.points < 0 else "would_give": [
            {"points": lot.points, "kind": lot.key.kind, "expires_on": str(lot.key.expires_on)} for lot in moved
        ],
    }


def _plain(found: Proposal) -> dict[str, Any]:
    what = {name: value for name, value in found.content.items() if name not in ("adjustment_id", "member_id")}
    decision = {
        "decided_by": found.decided_by,
        "decided_at": instant(found.decided_at) if found.decided_at else None,
        "decision_reason": found.decision_reason,
    }
    return {
        "proposal": found.proposal_id,
        "state": found.state,
        "member": found.content["member_id"],
        **what,
        "proposed_at": instant(found.proposed_at),
        **{name: value for name, value in decision.items() if value is not None},
        "digest": found.digest.hex(),
    }
