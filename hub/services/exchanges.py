"""Exchanges between a partner's own currency and points: taking a quote, and what one looks like.

A quote is taken once. Points that go out are reserved by a hold that never lapses by itself; for points that come
in nothing moves yet. Then the partner does its own side and says how it went (`hub.services.exchange_steps`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from hub.core.content import CONFLICT, content_digest, instant
from hub.core.errors import Refused
from hub.core.ledger import Event, Evidence, Posting
from hub.services import accounts, buying, cursors, exchange_quotes, members, redemptions, reimbursement, spending
from hub.services.accounts import Standing, as_json
from hub.services.captures import event_id_of
from hub.services.context import Hub, Moment, Partner
from hub.services.exchange_quotes import Quote
from hub.services.spending import Taken
from hub.store import events, exchanges, holds, posting
from hub.store.database import Connection
from hub.store.exchanges import Exchange


def take(hub: Hub, partner: Partner, evidence: Evidence, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Take a quote: open an exchange at its rate; again, the first answer is given again.

    Raises:
        Refused: ``unknown_member``, ``quote_invalid``, ``quote_taken``, ``quote_expired``, ``event_conflict``; for
            points that go out ``insufficient_points``, ``member_in_debt`` or ``no_rate``, for points that come in
            ``no_contract``, ``payment_missing``, ``payment_taken``, ``limit_exceeded``. Nothing of it is recorded.
    """

    def work(connection: Connection) -> dict[str, Any]:
        return _take(hub, connection, hub.moment(connection), partner, evidence, asked)

    return hub.database.transact(work)


def _take(
    hub: Hub, connection: Connection, moment: Moment, partner: Partner, evidence: Evidence, asked: Mapping[str, Any]
) -> dict[str, Any]:
    exchange_id, quote_id = asked["exchange_id"], asked["quote_id"]
    member_id = members.require(hub, connection, asked["member"], moment)
    standing = accounts.lock(connection, moment, [member_id])[member_id]
    content = content_digest("exchange", asked)
    first = events.first_answers(connection, partner.partner_id, [exchange_id]).get(exchange_id)
    if first is not None:
        return _first_answer(connection, partner, first, content)
    quote = exchange_quotes.read(hub, partner, member_id, quote_id)
    if exchanges.is_taken(connection, partner.partner_id, quote_id):
        raise Refused("quote_taken", "Another exchange has taken this quote.")
    if quote.is_over(moment.now):
        raise Refused("quote_expired", f"The quote could be taken until {quote.valid_until}.")
    buying.check(connection, moment, partner, standing.member_id, quote, asked.get("payment"))
    exchange = _exchange(partner, moment, exchange_id, member_id, quote_id, quote)._replace(
        payment=asked.get("payment")
    )
    opening = _opening(moment, partner, standing, exchange)
    event = opening.event._replace(content=content, evidence_id=evidence.evidence_id)
    posting.post_new(connection, Posting(partner.partner_id, moment.now, moment.day, [event], [], [evidence]))
    holds.add(connection, partner.partner_id, exchange_id, opening.taken, holds.NEVER_LAPSES)
    if not exchanges.add(connection, exchange):
        raise Refused("payment_taken", "Another exchange names this payment.")
    return answer(connection, exchange)


def _exchange(
    partner: Partner, moment: Moment, exchange_id: str, member_id: int, quote_id: str, quote: Quote
) -> Exchange:
    return Exchange(
        partner.partner_id, exchange_id, member_id, quote_id, quote.direction, quote.unit, quote.source, quote.target,
        quote.rate_version, exchanges.OPEN, moment.now, moment.now,
    )  # fmt: skip


class Opening(NamedTuple):
    """What opens an exchange: its event, and what is reserved for it."""

    event: Event
    taken: Taken = ()


def _opening(moment: Moment, partner: Partner, standing: Standing, exchange: Exchange) -> Opening:
    quoted = {name: getattr(exchange, name) for name in ("direction", "unit", "source", "target", "rate_version")}
    if exchange.payment is not None:
        quoted["payment"] = exchange.payment
    event = Event(
        exchange.exchange_id, "exchange", exchange.member_id, "posted", exchange.points, moment.now, b"",
        details=as_json(quoted),
    )  # fmt: skip
    if exchange.direction == "in":
        exchange_quotes.contract_on(partner, moment)
        moment.configuration.check_issuing([partner.partner_id])
        return Opening(event)
    price, order = reimbursement.price_on(partner, moment), moment.scheme.burn_order
    taken = spending.own(standing).take(partner.partner_id, exchange.points, order)
    if taken is None:
        raise Refused("insufficient_points", "The member has too few available points; the quote stays good.")
    value, _ = reimbursement.valued(price, [lot.points for _, lot in taken])
    priced = event._replace(
        amount_minor=value, currency=price.currency, rate_version=price.version, scheme_rule=order
    )  # fmt: skip
    return Opening(priced, taken)


def _first_answer(connection: Connection, partner: Partner, first: Any, content: bytes) -> dict[str, Any]:
    if bytes(first.content) != content:
        raise Refused("event_conflict", CONFLICT)
    exchange = find(connection, partner, first.event_id)
    opened = exchange._replace(state=exchanges.OPEN, changed_at=exchange.opened_at)
    return answer(connection, opened) | {"duplicate": True}


def find(connection: Connection, partner: Partner, exchange_id: str, *, lock: bool = False) -> Exchange:
    """Return an exchange of a partner, with ``lock`` to change its state.

    Raises:
        Refused: ``unknown_event``.
    """
    exchange = exchanges.find(connection, partner.partner_id, exchange_id, lock=lock)
    if exchange is None:
        raise Refused("unknown_event", "The partner has no exchange with this id.")
    return exchange


def answer(connection: Connection, exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as it goes out; where points go out, with what their issuers owe once it is confirmed."""
    found = brief(exchange)
    if exchange.direction == "in":
        return found
    opened = events.first_answers(connection, exchange.partner_id, [exchange.exchange_id])[exchange.exchange_id]
    hold = holds.find(connection, exchange.partner_id, exchange.exchange_id)
    assert hold is not None
    minors = reimbursement.shares(opened.amount_minor, [lot.points for _, lot in hold.lots])
    parts = [(lot.key.issuer, lot.points, minor) for (_, lot), minor in zip(hold.lots, minors, strict=True)]
    owed = redemptions.answer(exchange.exchange_id, opened.currency, parts)
    return found | {"value": owed["value"], "lots": owed["lots"]}


def brief(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as it stands in a list."""
    return {
        "exchange_id": exchange.exchange_id,
        "state": exchange.state,
        "direction": exchange.direction,
        "unit": exchange.unit,
        "source": exchange.source,
        "target": exchange.target,
        "rate_version": exchange.rate_version,
        "opened_at": instant(exchange.opened_at),
        "changed_at": instant(exchange.changed_at),
        **({} if exchange.payment is None else {"payment": exchange.payment}),
    }


def show(hub: Hub, partner: Partner, exchange_id: str) -> dict[str, Any]:
    """Return one exchange of a partner as it stands now.

    Raises:
        Refused: ``unknown_event``.
    """
    with hub.database.connect() as connection:
        return answer(connection, find(connection, partner, exchange_id))


def history(hub: Hub, partner_id: str, exchange_id: str) -> dict[str, Any]:
    """Return one exchange as `show` does, with its ``member_id`` and its ``steps``, by the operator's hand or not.

    Raises:
        Refused: ``unknown_partner``, ``unknown_event``.
    """
    with hub.database.connect() as connection:
        partner = hub.moment(connection).configuration.partner(partner_id)
        exchange = find(connection, partner, exchange_id)
        steps = [exchange_id, *(event_id_of(exchange_id, step) for step in ("confirm", "fail", "reverse"))]
        recorded = events.first_answers(connection, partner_id, steps)
        return {
            "partner": partner_id,
            "member_id": exchange.member_id,
            **answer(connection, exchange),
            "steps": [_step(recorded[one]) for one in steps if one in recorded],
        }


def _step(event: Any) -> dict[str, Any]:
    by_hand = {name: event.details[name] for name in ("operator", "reason") if name in (event.details or {})}
    return {"event_id": event.event_id, "kind": event.kind, "posted_at": instant(event.posted_at), **by_hand}


def page(hub: Hub, partner: Partner, state: str, cursor: str, limit: int) -> dict[str, Any]:
    """Return a page of a partner's exchanges in the order in which they were recorded, of one state if one is named.

    Raises:
        Refused: ``cursor_invalid``.
    """
    scope = f"exchanges {partner.partner_id} {state}"
    after = cursors.read(hub.keyring.blind, scope, cursor) if cursor else ["0", ""]
    with hub.database.connect() as connection:
        rows = exchanges.page(connection, partner.partner_id, state, (after[0], after[1]), limit + 1)
    shown = rows[:limit]
    last = [shown[-1][1], shown[-1][0].exchange_id] if shown else after
    return {
        "exchanges": [brief(exchange) for exchange, _ in shown],
        "next_cursor": cursors.write(hub.keyring.blind, scope, last),
        "more": len(rows) > limit,
    }


def listing(hub: Hub, state: str, older_than: timedelta, partner_id: str = "") -> list[dict[str, Any]]:
    """Return the exchanges in a state that were opened so long ago, of one partner or of all, oldest first."""
    with hub.database.connect() as connection:
        moment = hub.moment(connection)
        if partner_id:
            moment.configuration.partner(partner_id)
        found = exchanges.listing(connection, state, moment.now - older_than, partner_id)
    return [{"partner": one.partner_id, **brief(one)} for one in found]
