"""Retro claims: "this purchase brought no points", asked by a partner's service desk, answered by a day.

Whoever is asked decides: the operator, or the partner at which the purchase was, if that is not the claimant. Before
anything is given, what was reported already is looked for, so nobody gets points twice for one purchase
(docs/decisions/0049-retro-claims.md). Each move is one transaction with what it posts and with the messages about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hub.core.claims import GRANTED, MOVES, NEEDS_MORE, OPEN, WITHDRAWN, ClaimTerms
from hub.core.content import CONFLICT, content_digest
from hub.core.errors import Refused
from hub.core.ledger import Evidence, Posting
from hub.core.notes import MAX_REASON, note
from hub.services import accounts, cards, claim_grants, claim_views, cursors, members
from hub.services.context import Hub, Moment, Partner
from hub.services.earnings import Within
from hub.services.sale_terms import check_time, terms_on
from hub.store import accounts as stored_accounts
from hub.store import claims, posting, webhooks
from hub.store.claims import Claim, Said
from hub.store.database import Connection
from settlement.core.disputes import SILENT

AT_ONCE = 100
TOPIC = "claim.moved"
_NOTHING = Within([])


def open_claim(hub: Hub, partner: Partner, evidence: Evidence, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make a claim; again, the first answer.

    Raises:
        Refused: ``unknown_member``, ``unknown_card``, ``unknown_partner``, ``no_contract``, ``no_rate``,
            ``currency_mismatch``, ``occurred_in_future``, ``not_claimable`` or ``event_conflict``.
    """

    def work(connection: Connection) -> None:
        moment = hub.moment(connection)
        content = content_digest("claim", body)
        first = claims.find(connection, partner.partner_id, body["claim_id"])
        if first is None:
            first = _claimed(hub, connection, moment, partner, evidence, body)
            if claims.add(connection, first):
                posting.post(connection, Posting(partner.partner_id, moment.now, moment.day, [], [], [evidence]))
                shown = body.get("evidence", {})
                said = Said(partner.partner_id, shown.get("text", ""), shown.get("sha256"), evidence.evidence_id)
                _moved(connection, moment, first, said)
                return
            raced = claims.find(connection, partner.partner_id, body["claim_id"])
            assert raced is not None
            first = raced
        if bytes(first.content) != content:
            raise Refused("event_conflict", CONFLICT)

    hub.database.transact(work)
    return show(hub, partner.partner_id, partner.partner_id, body["claim_id"])


def move(
    hub: Hub, caller: str, claimant: str, claim_id: str, asked: Mapping[str, Any], evidence: Evidence
) -> dict[str, Any]:
    """Make a move of a partner's: as claimant, or as the one that is asked.

    Raises:
        Refused: ``unknown_claim``, ``claim_closed``, ``not_allowed``, ``already_reported``; of a grant what is refused
            of any purchase.
    """
    said = Said(caller, asked.get("text", ""), asked.get("sha256"), evidence.evidence_id)

    def kept(connection: Connection, moment: Moment) -> None:
        posting.post(connection, Posting(caller, moment.now, moment.day, [], [], [evidence]))

    def work(connection: Connection) -> Within:
        moment = hub.moment(connection)
        claim = _find(connection, claimant, claim_id, caller, lock=True)
        by_claimant = MOVES[asked["move"]].by_claimant
        if (claim.partner_id == caller) != by_claimant:
            whose = "the claimant's" if by_claimant else f"{claim.at_partner}'s or the operator's, not the claimant's"
            raise Refused("not_allowed", f"To {asked['move']} is {whose}.")
        if not _is_repeated(connection, claim, asked["move"], said):
            kept(connection, moment)
        return _make(hub, connection, moment, claim, asked["move"], said)

    hub.database.transact(work).look_after(hub)
    return show(hub, caller, claimant, claim_id)


def decide(
    hub: Hub, claimant: str, claim_id: str, step: str, text: str, author: str, *, another: bool = False
) -> dict[str, Any]:
    """Make a move of the operator's; ``another`` says that what was reported is another purchase.

    Raises:
        Refused: as `move`, and ``invalid_request`` for words that are missing.
    """
    said = Said(note(author, "author"), note(text, "text", MAX_REASON))

    def work(connection: Connection) -> Within:
        claim = _find(connection, claimant, claim_id, "", lock=True)
        return _make(hub, connection, hub.moment(connection), claim, step, said, another=another)

    hub.database.transact(work).look_after(hub)
    return show(hub, "", claimant, claim_id)


def end_stages(hub: Hub) -> int:
    """Let each claim whose stage is over go where silence takes it; count them."""
    with hub.database.connect() as connection:
        due = claims.overdue(connection, hub.moment(connection).day, AT_ONCE)
    for one in due:
        _end(hub, one)
    return len(due) + (end_stages(hub) if len(due) == AT_ONCE else 0)


def show(hub: Hub, caller: str, claimant: str, claim_id: str) -> dict[str, Any]:
    """Return a claim as a partner may see it, or the operator (""), with what may be the purchase already.

    Raises:
        Refused: ``unknown_claim``.
    """
    with hub.database.snapshot() as connection:
        claim = _find(connection, claimant, claim_id, caller)
        [plain] = claim_views.documents(connection, [claim])
        found = reported(connection, claim) if claim.state != WITHDRAWN else []
    return plain | {"found": [claim_views.found(hub, caller, claim, one) for one in found]}


def page(hub: Hub, partner: Partner, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of the claims that a partner made or is asked about; raises Refused (``cursor_invalid``)."""
    scope = f"claims {partner.partner_id}"
    after = cursors.read(hub.keyring.blind, scope, cursor) if cursor else ["", ""]
    with hub.database.snapshot() as connection:
        rows = claims.page(connection, partner.partner_id, (after[0], after[1]), limit + 1)
        shown = claim_views.documents(connection, rows[:limit])
    last = [shown[-1]["partner"], shown[-1]["claim_id"]] if shown else after
    next_cursor = cursors.write(hub.keyring.blind, scope, last)
    return {"claims": shown, "next_cursor": next_cursor, "more": len(rows) > limit}


def listing(hub: Hub, partner_id: str = "", state: str = "", most: int = 1_000) -> list[dict[str, Any]]:
    """Return claims of or about a partner, or of all, those that are due first."""
    with hub.database.snapshot() as connection:
        return claim_views.documents(connection, claims.listing(connection, partner_id, state, most))


def reported(connection: Connection, claim: Claim) -> Sequence[Any]:
    """Return what was reported that may be the claimed purchase, whoever of a merged family it was for."""
    around = timedelta(minutes=claim.tolerance_minutes)
    family = stored_accounts.family(connection, accounts.survivor(connection, claim.member_id))
    at = claim.occurred_at
    return claims.reported(connection, claim, family, at - around, at + around)


def _claimed(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, body: Mapping[str, Any]
) -> Claim:
    """Return a new claim, checked as far as that can be before somebody has looked at it."""
    at, amount = body["occurred_at"], body["amount"]
    where = moment.configuration.partner(body.get("at", partner.partner_id))
    check_time(at, moment.now)
    rules: ClaimTerms = moment.scheme.claims
    rules.check(at, moment.now)
    rate = terms_on(where, at.date()).rate
    if rate.currency != amount["currency"]:
        raise Refused("currency_mismatch", f"The rate in force then is in {rate.currency}.")
    return Claim(
        partner.partner_id, body["claim_id"], where.partner_id, _member(hub, connection, moment, partner, body), at,
        amount["minor"], amount["currency"], body.get("reference"), body["reason"], content_digest("claim", body),
        evidence.evidence_id, rules.tolerance_minutes, rules.days, rules.outcome, OPEN,
        moment.day + timedelta(days=rules.days),
    )  # fmt: skip


def _member(hub: Hub, connection: Connection, moment: Moment, partner: Partner, body: Mapping[str, Any]) -> int:
    if "member" in body:
        return members.require(hub, connection, body["member"], moment)
    [held] = cards.holders(hub, connection, partner.partner_id, [(body["card"], body["occurred_at"])])
    if held is None or held.member_id is None:
        raise Refused("unknown_card", "Nobody held this card then.")
    return held.member_id


def _make(
    hub: Hub, connection: Connection, moment: Moment, claim: Claim, step: str, said: Said, *, another: bool = False
) -> Within:
    """Make a move under the claim's lock; the same one again changes nothing."""
    if _is_repeated(connection, claim, step, said):
        return _NOTHING
    way = MOVES[step]
    if claim.state not in way.before:
        raise Refused("claim_closed", f"The claim is {claim.state}.")
    if way.after != GRANTED:
        due_on = moment.day + timedelta(days=claim.days) if way.after in (OPEN, NEEDS_MORE) else None
        _moved(connection, moment, claim._replace(state=way.after, due_on=due_on), said)
        return _NOTHING
    accounts.lock(connection, moment, [accounts.survivor(connection, claim.member_id)])
    if not another and (found := reported(connection, claim)):
        named = ", ".join(one.event_id for one in found)
        raise Refused("already_reported", f"{claim.at_partner} has reported the purchase already: {named}.")
    within = claim_grants.post(hub, connection, moment, claim, said)
    _moved(connection, moment, claim._replace(state=GRANTED, due_on=None, event_id=claim.grants), said)
    return within


def _is_repeated(connection: Connection, claim: Claim, step: str, said: Said) -> bool:
    last = claims.moves(connection, [claim])[claim.partner_id, claim.claim_id][-1]
    same = (MOVES[step].after, said.author, said.text, said.sha256) == (last.state, last.author, last.text, last.sha256)
    return same and last.seq > 1


def _end(hub: Hub, due: Claim) -> None:
    """End a claim by silence; what cannot be granted is declined, with the reason."""

    def work(connection: Connection, step: str, text: str) -> Within:
        moment = hub.moment(connection)
        claim = _find(connection, due.partner_id, due.claim_id, "", lock=True)
        if claim.due_on is None or claim.due_on >= moment.day:
            return _NOTHING
        return _make(hub, connection, moment, claim, step, Said(SILENT, text))

    granted = due.state == OPEN and due.outcome == GRANTED
    step, text = ("grant", "nobody answered in time") if granted else ("decline", "nobody answered in time")
    try:
        hub.database.transact(lambda connection: work(connection, step, text)).look_after(hub)
    except Refused as refusal:
        reason = f"{text}; it cannot be granted: {refusal.detail}"
        hub.database.transact(lambda connection: work(connection, "decline", reason))


def _moved(connection: Connection, moment: Moment, claim: Claim, said: Said) -> None:
    """Store a move and tell both partners of it."""
    claims.move(connection, claim, said, moment.now)
    seq = len(claims.moves(connection, [claim])[claim.partner_id, claim.claim_id])
    details = {"claim_id": claim.claim_id, "partner": claim.partner_id, "at": claim.at_partner, "state": claim.state}
    for partner_id in sorted({claim.partner_id, claim.at_partner}):
        webhooks.announce(connection, partner_id, TOPIC, f"{claim.name} {seq}", details, moment.now)


def _find(connection: Connection, claimant: str, claim_id: str, caller: str, *, lock: bool = False) -> Claim:
    """Return a claim that a partner made or is asked about; the operator ("") sees all."""
    named = f"{claimant}{claim_id}".isprintable()
    found = claims.find(connection, claimant, claim_id, lock=lock) if named else None
    if found is None or caller not in ("", found.partner_id, found.at_partner):
        raise Refused("unknown_claim", "There is no such claim of yours or about a purchase at you.")
    return found
