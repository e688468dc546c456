"""Linked cards: an issuer says whose a card is, by a token, with the member's consent; later that it is so no more.

A card is one member's at a time, and each change keeps the day from which it counts, so that a record that comes weeks
later finds who held the card then (docs/decisions/0046-linked-cards.md). The hub keeps a keyed blind index of the
token. Each change is an event of the issuer's, with its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.core.content import CONFLICT, content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Event, Posting
from hub.services import accounts, card_bonuses, members
from hub.services.accounts import as_json
from hub.services.captures import event_id_of
from hub.services.context import Hub, Moment, Partner
from hub.services.reporting import Reporter
from hub.services.sale_terms import check_time
from hub.store import accounts as stored_accounts
from hub.store import cards, events, posting
from hub.store.cards import Change
from hub.store.database import Connection

MOST_LISTED = 1_000
Asked = Mapping[str, Any]


def index_of(hub: Hub, partner_id: str, token: str) -> bytes:
    """Return the keyed blind index of an issuer's token; two issuers' tokens never mean the same."""
    return hub.keyring.blind_index(f"{partner_id}/card:{token}")


def link(hub: Hub, reporter: Reporter, asked: Asked) -> dict[str, Any]:
    """Let a card be a member's from ``linked_at`` on, or from now; ``consent`` names what the member agreed to.

    Raises:
        Refused: ``not_allowed``, ``unknown_member``, ``card_linked``, ``occurred_in_future`` or ``event_conflict``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment, card_index = hub.moment(connection), index_of(hub, reporter.partner_id, asked["card"])
        cards.lock(connection, reporter.partner_id, [card_index])
        _require_issuer(moment, reporter.partner_id)
        content = content_digest("card-link", asked)
        if first := _first(connection, reporter, asked["event_id"], content):
            return _linked(first) | {"duplicate": True}
        member_id = members.require(hub, connection, asked["member"], moment)
        at = _effective(moment, asked.get("linked_at"))
        place = _free_place(cards.latest(connection, reporter.partner_id, card_index), at)
        event = Event(
            asked["event_id"], "card-link", member_id, "posted", 0, at, content, evidence_id=reporter.evidence_id,
            details=as_json({"consent": asked["consent"], "product": asked.get("product")}),
        )  # fmt: skip
        change = Change(event.event_id, card_index, member_id, asked.get("product"), event.event_id, at, place)
        _post(connection, moment, reporter, event, [change])
        return _linked(event)

    return hub.database.transact(work)


def unlink(hub: Hub, reporter: Reporter, link_id: str, asked: Asked) -> dict[str, Any]:
    """Let a card that was linked by ``link_id`` be nobody's from ``unlinked_at`` on, or from now.

    Where the account is closed earlier than its contract says, bonuses for it come back.

    Raises:
        Refused: ``unknown_event``, ``card_unlinked``, ``occurred_in_future`` or ``event_conflict``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment = hub.moment(connection)
        held = _locked(connection, reporter.partner_id, link_id, [])
        event_id = event_id_of(link_id, "unlink")
        content = content_digest("card-unlink", {**asked, "event_id": link_id})
        if first := _first(connection, reporter, event_id, content):
            return _unlinked(first, first.details.get("undone", ())) | {"duplicate": True}
        at = _effective(moment, asked.get("unlinked_at"))
        _check_open(connection, reporter.partner_id, held, at)
        partner = moment.configuration.partner(reporter.partner_id)
        undone = card_bonuses.closed_early(connection, partner, held.line, at) if asked["reason"] == "closed" else []
        event = Event(
            event_id, "card-unlink", held.member_id or 0, "posted", 0, at, content, evidence_id=reporter.evidence_id,
            refers_to=link_id, details=as_json({"reason": asked["reason"], "undone": [one.name for one in undone]}),
        )  # fmt: skip
        ended = held._replace(event_id=event_id, member_id=None, effective_at=at, place=held.place + 1)
        _post(connection, moment, reporter, event, [ended])
        card_bonuses.take_back(connection, moment, partner, reporter, undone, event_id, at)
        return _unlinked(event, [one.name for one in undone])

    return hub.database.transact(work)


def replace(hub: Hub, reporter: Reporter, link_id: str, asked: Asked) -> dict[str, Any]:
    """Let another card take the place of the one that was linked by ``link_id``; its member and history stay.

    Raises:
        Refused: ``unknown_event``, ``card_unlinked``, ``card_linked``, ``occurred_in_future`` or ``event_conflict``.
    """

    def work(connection: Connection) -> dict[str, Any]:
        moment, card_index = hub.moment(connection), index_of(hub, reporter.partner_id, asked["card"])
        held = _locked(connection, reporter.partner_id, link_id, [card_index])
        content = content_digest("card-replacement", {**asked, "replaces": link_id})
        if first := _first(connection, reporter, asked["event_id"], content):
            return _linked(first) | {"duplicate": True}
        at = _effective(moment, asked.get("replaced_at"))
        _check_open(connection, reporter.partner_id, held, at)
        place = _free_place(cards.latest(connection, reporter.partner_id, card_index), at)
        product = asked.get("product", held.product)
        event = Event(
            asked["event_id"], "card-replacement", held.member_id or 0, "posted", 0, at, content,
            evidence_id=reporter.evidence_id, refers_to=link_id,
            details=as_json({"reason": asked["reason"], "product": product}),
        )  # fmt: skip
        ended = held._replace(event_id=event.event_id, member_id=None, effective_at=at, place=held.place + 1)
        begun = Change(event.event_id, card_index, held.member_id, product, held.line, at, place)
        _post(connection, moment, reporter, event, [ended, begun])
        return _linked(event)

    return hub.database.transact(work)


def listing(hub: Hub, partner: Partner, member: str) -> dict[str, Any]:
    """Return the cards of a partner's that a member holds or held, oldest first; tokens are not kept.

    Raises:
        Refused: ``unknown_member``.
    """
    with hub.database.connect() as connection:
        found = accounts.survivor(connection, members.require(hub, connection, member, hub.moment(connection)))
        family = stored_accounts.family(connection, found)
        rows = cards.of_members(connection, partner.partner_id, family, MOST_LISTED)
    return {"cards": [_listed(row) for row in rows]}


def holders(
    hub: Hub, connection: Connection, partner_id: str, asked: Sequence[tuple[str, datetime]]
) -> list[Change | None]:
    """Return the last change of each card, named by its token, up to an instant: whose it was then, or nobody's."""
    indexes = {token: index_of(hub, partner_id, token) for token, _ in asked}
    return cards.held(connection, partner_id, [(indexes[token], at) for token, at in asked])


def _require_issuer(moment: Moment, partner_id: str) -> None:
    contract = moment.configuration.partner(partner_id).contracts.on(moment.day)
    if contract is None or contract.cards is None:
        raise Refused("not_allowed", "The partner's contract has no terms about cards.")


def _locked(connection: Connection, partner_id: str, link_id: str, others: Sequence[bytes]) -> Change:
    """Return the card that an event linked, with it and others locked."""
    held = cards.of_event(connection, partner_id, link_id)
    if held is None:
        raise Refused("unknown_event", "The partner has linked no card under this id.")
    cards.lock(connection, partner_id, [held.card_index, *others])
    return held


def _effective(moment: Moment, at: datetime | None) -> datetime:
    if at is not None:
        check_time(at, moment.now)
    return at or moment.now


def _free_place(last: Change | None, at: datetime) -> int:
    """Return the place of a card's next change, by which somebody gets it.

    Raises:
        Refused: ``card_linked``: it is another's, or was until later.
    """
    if last is None:
        return 0
    if last.member_id is not None:
        raise Refused("card_linked", "The card is linked; unlink or replace it first.")
    if at < last.effective_at:
        raise Refused("card_linked", f"The card was another's until {instant(last.effective_at)}.")
    return last.place + 1


def _check_open(connection: Connection, partner_id: str, held: Change, at: datetime) -> None:
    last = cards.latest(connection, partner_id, held.card_index)
    if last != held:
        raise Refused("card_unlinked", "The card was unlinked or replaced already.")
    if at < held.effective_at:
        raise Refused("card_unlinked", f"The card is the member's only since {instant(held.effective_at)}.")


def _first(connection: Connection, reporter: Reporter, event_id: str, content: bytes) -> Any:
    first = events.first_answers(connection, reporter.partner_id, [event_id]).get(event_id)
    if first is not None and bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    return first


def _post(connection: Connection, moment: Moment, reporter: Reporter, event: Event, changes: Sequence[Change]) -> None:
    entry = Posting(reporter.partner_id, moment.now, moment.day, [event], [], reporter.evidences)
    posting.post_new(connection, entry)
    for change in changes:
        cards.add(connection, reporter.partner_id, change)


def _linked(event: Any) -> dict[str, Any]:
    replaced = {"replaces": event.refers_to} if event.refers_to else {}
    return {"event_id": event.event_id, "status": "linked", "linked_at": instant(event.occurred_at), **replaced}


def _unlinked(event: Any, undone: Sequence[str]) -> dict[str, Any]:
    answer = {"event_id": event.refers_to, "status": "unlinked", "unlinked_at": instant(event.occurred_at)}
    return answer | ({"undone": list(undone)} if undone else {})


def _listed(row: Any) -> dict[str, Any]:
    shown = {"event_id": row.event_id, "linked_at": instant(row.linked_at)}
    if row.product is not None:
        shown["product"] = row.product
    if row.ended_at is not None:
        by = {} if row.ended_by == event_id_of(row.event_id, "unlink") else {"replaced_by": row.ended_by}
        shown |= {"unlinked_at": instant(row.ended_at), **by}
    return shown
