"""Exchanges at the local hub between a partner's own currency and points, both ways, by quotes that hold."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from partner_sdk.testing import spending
from partner_sdk.testing.accounts import Account, Hold, Lot, LotKey, burn, first_of, points_of
from partner_sdk.testing.arithmetic import instant, value_minor
from partner_sdk.testing.books import Books, Event
from partner_sdk.testing.gate import Refusal
from partner_sdk.wire.values import MAX_POINTS

NEVER = datetime.fromisoformat("9999-12-31T23:59:59+00:00")

Asked = Mapping[str, Any]


@dataclass(slots=True)
class Exchange:
    """One exchange; `quoted` is what its quote says of it."""

    exchange_id: str
    quoted: dict[str, Any]
    event: Event
    hold: Hold | None
    opened_at: datetime
    changed_at: datetime
    state: str = "open"

    @property
    def points(self) -> int:
        """The points that come in or go out."""
        return int(self.quoted["target" if self.quoted["direction"] == "in" else "source"])


def quote(books: Books, asked: Asked) -> dict[str, Any]:
    """The exchange of POST /v1/quotes."""
    terms = _terms(books, asked)
    target = _given(terms, asked["amount"])
    account = books.find(asked["member"])
    quoted = {name: asked[name] for name in ("direction", "unit")}
    quoted |= {"source": asked["amount"], "target": target, "rate_version": 1}
    until, quote_id = books.now + timedelta(seconds=terms["quote_seconds"]), secrets.token_urlsafe(24)
    answer = {"quote_id": quote_id, **quoted, "valid_until": instant(until)}
    if asked["direction"] == "out":
        spending.check_debts(account)
        available = points_of(account.spendable(books.now))
        answer |= {"available": available, "enough": available >= asked["amount"]}
    books.quotes[quote_id] = (account, quoted, until)
    return answer


def _terms(books: Books, asked: Asked) -> Mapping[str, Any]:
    for terms in books.terms.exchanges:
        if (terms["direction"], terms["unit"]) == (asked["direction"], asked["unit"]):
            return terms
    raise Refusal("no_rate", f"The partner has no rate to exchange {asked['unit']} {asked['direction']}.")


def _given(terms: Mapping[str, Any], amount: int) -> int:
    if amount < terms["minimum"] or amount % terms["step"]:
        raise Refusal("amount_not_exchangeable", "The exchange rate does not take this amount.")
    exact = amount * Fraction(terms["rate"]) * (1 - Fraction(terms["spread"]))
    given = _ROUNDINGS[terms["rounding"]](exact.numerator, exact.denominator)
    if given > MAX_POINTS:
        raise Refusal("amount_not_exchangeable", f"One exchange gives at most {MAX_POINTS}.")
    return given


_ROUNDINGS: Mapping[str, Callable[[int, int], int]] = {
    "down": lambda up, down: up // down,
    "half-up": lambda up, down: (2 * up + down) // (2 * down),
    "half-even": lambda up, down: value_minor(1, up, down),
}


def take(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/exchanges."""
    exchange_id, quote_id, account = asked["exchange_id"], asked["quote_id"], books.find(asked["member"])
    if first := books.first_answer(exchange_id, "exchange", asked):
        return first
    owner, quoted, until = books.quotes.get(quote_id, (None, {}, NEVER))
    if owner is not account:
        raise Refusal("quote_invalid", "This is no quote that the hub gave this partner for this member.")
    if any(one.event.content["quote_id"] == quote_id for one in books.exchanges.values()):
        raise Refusal("quote_taken", "Another exchange has taken this quote.")
    if books.now >= until:
        raise Refusal("quote_expired", f"The quote could be taken until {instant(until)}.")
    payment = asked.get("payment")
    if payment and any(one.event.content.get("payment") == payment for one in books.exchanges.values()):
        raise Refusal("payment_taken", "Another exchange names this payment.")
    event = Event(exchange_id, "exchange", account, 0, asked, {})
    exchange = Exchange(exchange_id, quoted, event, None, books.now, books.now)
    event.points = exchange.points
    if quoted["direction"] == "out":
        _reserve(books, exchange, account)
    books.exchanges[exchange_id] = exchange
    event.answer = _answer(books, exchange)
    return books.record(event)


def _reserve(books: Books, exchange: Exchange, account: Account) -> None:
    spending.check_debts(account)
    spendable = account.spendable(books.now)
    if points_of(spendable) < exchange.points:
        raise Refusal("insufficient_points", "The member has too few available points; the quote stays good.")
    lots = first_of(spendable, exchange.points)
    exchange.hold = Hold(lots, books.terms.valued([lot.points for lot in lots]), NEVER)
    account.holds.append(exchange.hold)
    exchange.event.shown = {"value": spending.priced(books.terms, lots)["value"]}


# --- steps ---

_STEPS = {
    "confirm": ("open", "confirmed", "exchange-confirmation"),
    "fail": ("open", "failed", "exchange-failure"),
    "reverse": ("confirmed", "reversed", "exchange-reversal"),
}


def follow(step: str, books: Books, exchange_id: str) -> dict[str, Any]:
    """POST /v1/exchanges/{exchange_id}/confirm, fail or reverse."""
    exchange = find(books, exchange_id)
    (starts, ends, kind), content = _STEPS[step], {"exchange_id": exchange_id}
    if first := books.first_answer(f"{exchange_id}/{step}", kind, content):
        return first
    if exchange.state != starts:
        code = "not_reversible" if exchange.state == "open" else "exchange_closed"
        raise Refusal(code, f"The exchange is {exchange.state}.", state=exchange.state)
    account, refers_to = exchange.event.account, exchange_id if step != "reverse" else f"{exchange_id}/confirm"
    event = Event(f"{exchange_id}/{step}", kind, account, exchange.points, content, {}, refers_to=refers_to)
    if step != "fail":
        _OUTCOMES[step, exchange.quoted["direction"]](books, exchange, event)
    elif exchange.hold:
        exchange.hold.state = "voided"
    exchange.state, exchange.changed_at = ends, books.now
    event.answer = _answer(books, exchange)
    return books.record(event)


def _confirm_in(books: Books, exchange: Exchange, event: Event) -> None:
    key = LotKey(books.terms.expires_on(books.now.date()), books.partner)
    event.account.lots[key] += exchange.points
    event.lots = [Lot(key, exchange.points, event.account)]
    event.shown = {"expires_on": str(key.expires_on)}


def _confirm_out(books: Books, exchange: Exchange, event: Event) -> None:
    assert exchange.hold is not None
    exchange.hold.state = "captured"
    event.lots, event.minors, event.shown = exchange.hold.lots, exchange.hold.minors, exchange.event.shown
    burn(event.lots)


def _reverse_in(books: Books, exchange: Exchange, event: Event) -> None:
    [given] = books.events[f"{exchange.exchange_id}/confirm"].lots
    own = [lot for lot in event.account.spendable(books.now) if lot.key.issuer == books.partner]
    if points_of(own) < exchange.points:
        raise Refusal("insufficient_points", "The points that came in are spent or have expired.")
    same_first = sorted(own, key=lambda lot: (lot.key != given.key, lot.key))
    burn(first_of(same_first, exchange.points))


def _reverse_out(books: Books, exchange: Exchange, event: Event) -> None:
    spending.give_back(books, books.events[f"{exchange.exchange_id}/confirm"], 0, exchange.points)
    event.shown = exchange.event.shown


_OUTCOMES = {
    ("confirm", "in"): _confirm_in,
    ("confirm", "out"): _confirm_out,
    ("reverse", "in"): _reverse_in,
    ("reverse", "out"): _reverse_out,
}


# --- looking ---


def find(books: Books, exchange_id: str) -> Exchange:
    """An exchange of the partner; refuses (unknown_event)."""
    if exchange_id not in books.exchanges:
        raise Refusal("unknown_event", "The partner has no exchange with this id.")
    exchange: Exchange = books.exchanges[exchange_id]
    exchange.event.account.settle(books.now)
    return exchange


def show(books: Books, exchange_id: str) -> dict[str, Any]:
    """GET /v1/exchanges/{exchange_id}."""
    return _answer(books, find(books, exchange_id))


def _answer(books: Books, exchange: Exchange) -> dict[str, Any]:
    found = brief(exchange)
    if exchange.hold is None:
        return found
    worth = spending.priced(books.terms, exchange.hold.lots, exchange.hold.minors)
    return found | {"value": worth["value"], "lots": worth["lots"]}


def brief(exchange: Exchange) -> dict[str, Any]:
    """An exchange as a list has it."""
    times = {"opened_at": instant(exchange.opened_at), "changed_at": instant(exchange.changed_at)}
    paid = {name: text for name, text in exchange.event.content.items() if name == "payment"}
    return {"exchange_id": exchange.exchange_id, "state": exchange.state, **exchange.quoted, **times, **paid}
