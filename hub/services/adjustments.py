"""Adjustments: points that an operator gives to a member or takes from it, with a reason, a ticket and a name.

They are events of the coalition like all others. Points that are given come from an issuer, with the life that its
contract has today, and pay the member's debts first; points that are taken go back to the issuer, from its own
lots only. Whatever one operator adjusts for one member in a day above the scheme's ``approval_above`` becomes a
proposal instead; that is counted under the member's lock, so neither many small steps nor many at once evade it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from hub.core import ledger
from hub.core.adjustment import Adjustment
from hub.core.burning import burn
from hub.core.content import CONFLICT
from hub.core.errors import Refused
from hub.core.ledger import Event, Lot, LotKey, Posting, Transfer
from hub.core.notes import same_person
from hub.core.point_kinds import is_spendable
from hub.core.terms import Contract
from hub.services import accounts, funding, members, packs
from hub.services.accounts import Standing, as_json
from hub.services.context import Hub, Moment
from hub.store import accounts as stored_accounts
from hub.store import events, posting, proposals
from hub.store import members as stored_members
from hub.store.database import Connection
from hub.store.proposals import Proposal


def adjust(hub: Hub, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Adjust a member's points, or propose it where a second operator must approve.

    ``asked`` is ``{"member", "points", "issuer", "class", "reason", "ticket", "author"}`` with ``"give"``,
    ``"spend_at"`` and ``"adjustment_id"`` where they are named. Returns what was ``posted`` or ``proposed``; the
    same again, the first answer as ``duplicate``.

    Raises:
        Refused: ``invalid_request``, ``unknown_member``, ``unknown_partner``, ``no_contract``, ``points_over_cap``,
            ``insufficient_points`` or ``event_conflict``.
    """
    named = {**asked, "adjustment_id": asked.get("adjustment_id") or secrets.token_hex(8)}
    return hub.database.transact(lambda connection: _adjust(hub, connection, named))


def _adjust(hub: Hub, connection: Connection, asked: Mapping[str, Any]) -> dict[str, Any]:
    moment = hub.moment(connection)
    for partner_id in asked.get("spend_at") or ():
        moment.configuration.partner(partner_id)
    wanted = Adjustment.of(asked, members.named(hub, connection, asked["member"], moment))
    standing = accounts.lock(connection, moment, [wanted.member_id])[wanted.member_id]
    first = first_answer(connection, wanted)
    if first is not None:
        return first | {"duplicate": True}
    lots(connection, moment, standing, wanted)
    alone = _adjusted_alone(connection, moment, standing.member_id, wanted.author)
    if alone + abs(wanted.points) <= moment.scheme.approval_above:
        return post(connection, moment, standing, wanted)
    added = proposals.add(
        connection, wanted.adjustment_id, wanted.content(), wanted.digest, wanted.author, moment.now
    )  # fmt: skip
    answer = first_answer(connection, wanted)
    assert answer is not None
    return answer | ({} if added else {"duplicate": True})


def first_answer(connection: Connection, wanted: Adjustment) -> dict[str, Any] | None:
    """Return what an adjustment came to when it was asked for first, or None if it is new.

    Raises:
        Refused: ``event_conflict``: another one has its id.
    """
    event = events.first_answers(connection, ledger.COALITION, [wanted.event_id]).get(wanted.event_id)
    proposal = proposals.find(connection, wanted.adjustment_id)
    known = [bytes(one) for one in (event and event.content, proposal and proposal.digest) if one is not None]
    if any(one != wanted.digest for one in known):
        raise Refused("event_conflict", CONFLICT)
    if event is not None:
        transfers = events.transfers_of(connection, ledger.COALITION, wanted.event_id, [event.member_id])
        return _answer(wanted, transfers, event.details)
    return None if proposal is None else proposed(proposal)


def proposed(proposal: Proposal) -> dict[str, Any]:
    """Return the answer to an adjustment that waits for a second operator, or that he declined."""
    return {
        "adjustment": proposal.proposal_id,
        "status": "proposed" if proposal.state == proposals.OPEN else proposal.state,
        "points": proposal.content["points"],
        "issuer": proposal.content["issuer"],
        "digest": proposal.digest.hex(),
    }


def lots(connection: Connection, moment: Moment, standing: Standing, wanted: Adjustment) -> list[Lot]:
    """Return what an adjustment would give, as one lot, or take, in the scheme's burning order.

    Raises:
        Refused: ``points_over_cap``, ``unknown_partner``, ``no_contract`` or ``insufficient_points``.
    """
    limit = moment.scheme.adjustment_limit
    if limit is not None and abs(wanted.points) > limit:
        raise Refused("points_over_cap", f"One adjustment is of at most {limit} points.")
    if wanted.points > 0:
        return [Lot(_given_key(connection, moment, standing.member_id, wanted), wanted.points)]
    moment.configuration.partner(wanted.issuer)
    free = [*standing.spendable(), *standing.pending(), *standing.qualifying()]
    own = [lot for lot in free if lot.key.issuer == wanted.issuer and wanted.takes(lot.key.kind)]
    taken = burn(own, -wanted.points, moment.scheme.burn_order)
    if taken is None:
        there = sum(lot.points for lot in own)
        detail = f"The member has {there} free points of {wanted.issuer} that could be taken, not {-wanted.points}."
        raise Refused("insufficient_points", detail)
    return taken


def _given_key(connection: Connection, moment: Moment, member_id: int, wanted: Adjustment) -> LotKey:
    jurisdiction = stored_members.jurisdiction(connection, member_id)
    expires_on = contract_of(moment, wanted.issuer).expiry.on(moment.day, jurisdiction)
    return LotKey(expires_on, wanted.issuer, wanted.given_kind, ledger.MATURE_AT_ONCE)


def contract_of(moment: Moment, issuer: str) -> Contract:
    """Return the contract by which an issuer's points live today.

    Raises:
        Refused: ``unknown_partner`` or ``no_contract``.
    """
    contract = moment.configuration.partner(issuer).contracts.on(moment.day)
    if contract is None:
        raise Refused("no_contract", f"{issuer} has no contract in force on {moment.day}.")
    return contract


def post(
    connection: Connection, moment: Moment, standing: Standing, wanted: Adjustment, approver: str | None = None
) -> dict[str, Any]:
    """Post an adjustment under the member's lock and return its answer.

    Raises:
        Refused: as `lots`, or ``event_conflict``.
    """
    moved = lots(connection, moment, standing, wanted)
    home = ledger.issued(wanted.issuer)
    debit, credit = (home, ledger.AVAILABLE) if wanted.points > 0 else (ledger.AVAILABLE, home)
    transfers = [
        Transfer(wanted.event_id, line, standing.member_id, debit, credit, *lot.key, lot.points)
        for line, lot in enumerate(moved, 1)
    ]
    details = wanted.content()
    if wanted.points > 0:
        details["contract_version"] = contract_of(moment, wanted.issuer).version
    if approver is not None:
        details["approver"] = approver
    event = Event(
        wanted.event_id, "adjustment", standing.member_id, "posted",
        sum(lot.points for lot in moved if is_spendable(lot.key.kind)), moment.now, wanted.digest,
        scheme_rule=moment.scheme.burn_order if wanted.points < 0 else None, details=as_json(details),
    )  # fmt: skip
    posting.post_new(connection, Posting(ledger.COALITION, moment.now, moment.day, [event], transfers))
    owed = funding.of_transfers(moment, ledger.COALITION, transfers)
    packs.record(connection, moment, ledger.COALITION, transfers, owed)
    accounts.pay_debts(connection, moment, [standing])
    return _answer(wanted, transfers, details)


def _answer(wanted: Adjustment, transfers: Sequence[Transfer], details: Mapping[str, Any]) -> dict[str, Any]:
    answer = {
        "adjustment": wanted.adjustment_id,
        "event": f"{ledger.COALITION}/{wanted.event_id}",
        "status": "posted",
        "points": wanted.points,
        "issuer": wanted.issuer,
        "lots": [
            {"kind": one.kind, "points": one.points, "expires_on": str(one.expires_on)} for one in transfers
        ],
    }  # fmt: skip
    return answer | ({"approver": details["approver"]} if "approver" in details else {})


def _adjusted_alone(connection: Connection, moment: Moment, member_id: int, author: str) -> int:
    """Return the points that an author adjusted today for a member, or those merged into it, without approval."""
    family = stored_accounts.family(connection, member_id)
    found = events.adjusted_alone(connection, family, moment.day)
    return sum(abs(points) for one, points in found if same_person(one, author))
