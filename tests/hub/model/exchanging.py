"""Exchanges between points and a partner's own currency: a quote is taken, and the partner says how its side went."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

from tests.hub.model import owing
from tests.hub.model.books import Books, Exchange, Hold, Line, Lot, Outcome, Part, take
from tests.hub.model.owing import put_right
from tests.hub.model.returning import backwards, kept
from tests.hub.model.spending import burn, put_right_all, valued
from tests.hub.model.terms import last_day

NEVER_LAPSES = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
STEPS = {"confirm": ("open", "confirmed"), "fail": ("open", "failed"), "reverse": ("confirmed", "reversed")}
"""From which state to which each leads."""


class Quote(NamedTuple):
    """What was quoted."""

    quote_id: str
    direction: str
    source: int
    target: int
    valid_until: datetime

    @property
    def points(self) -> int:
        return self.target if self.direction == "in" else self.source


def open_one(books: Books, partner: str, exchange_id: str, member: str, quote: Quote) -> Outcome:
    """Take a quote: points that go out are reserved for as long as it takes."""
    content = (member, quote.quote_id)
    first = books.first(partner, exchange_id, "exchange", content)
    account = books.survivor(member)
    refusal = first if first and "error" in first else None
    if first is None:
        refusal = _refusal(books, partner, account, quote)
    if refusal:
        return refusal
    put_right(books, account)
    if first:
        return first
    answer: Outcome = {"source": quote.source, "target": quote.target}
    if quote.direction == "out":
        price = books.price(partner)
        parts = [Part(account, *taken) for taken in take(books.spendable(account, partner), quote.points)]
        books.holds[partner, exchange_id] = Hold(member, parts, price, NEVER_LAPSES)
        answer |= valued(parts, price)
    books.quotes_taken.add((partner, quote.quote_id))
    books.exchanges[partner, exchange_id] = Exchange(member, quote.direction, quote.points, answer)
    books.tell(partner, exchange_id, "exchange", content, answer | {"state": "open"})
    return answer | {"state": "open"}


def _refusal(books: Books, partner: str, account: str, quote: Quote) -> Outcome | None:
    if (partner, quote.quote_id) in books.quotes_taken:
        return {"error": "quote_taken"}
    if books.now >= quote.valid_until:
        return {"error": "quote_expired"}
    if quote.direction == "in":
        return None
    if +owing.debts(books, account):
        return {"error": "member_in_debt"}
    enough = owing.spendable(books, account, partner).total() >= quote.points
    return None if enough else {"error": "insufficient_points"}


def step(books: Books, partner: str, exchange_id: str, name: str) -> Outcome:
    """Confirm an exchange, let it fail, or reverse it."""
    exchange = books.exchanges.get((partner, exchange_id))
    if exchange is None:
        return {"error": "unknown_event"}
    (starts, ends), step_id = STEPS[name], f"{exchange_id}/{name}"
    told, account = books.first(partner, step_id, "step", None), books.survivor(exchange.member)
    if told is None and exchange.state != starts:
        return {"error": "not_reversible" if exchange.state == "open" else "exchange_closed"}
    takes_back = told is None and name == "reverse" and exchange.direction == "in"
    if takes_back and _own(books, account, partner).total() < exchange.points:
        return {"error": "insufficient_points"}
    _put_right(books, partner, exchange_id, account)
    if told is not None:
        return told
    with books.about(exchange.member):
        _STEPS[name, exchange.direction](books, partner, exchange_id, exchange, account)
    exchange.state = ends
    _put_right(books, partner, exchange_id, account)
    return books.tell(partner, step_id, "step", None, exchange.answer | {"state": ends})


def _put_right(books: Books, partner: str, exchange_id: str, account: str) -> None:
    put_right(books, account)
    if hold := books.holds.get((partner, exchange_id)):
        put_right_all(books, hold)


def _confirm_in(books: Books, partner: str, exchange_id: str, exchange: Exchange, account: str) -> None:
    life = books.contract(partner).life_in(books.country(account))
    exchange.came = Lot(last_day(life, books.today), partner)
    books.put(account, exchange.came, exchange.points)
    books.issued[partner] += exchange.points
    books.active[account] = books.earned[account] = books.today


def _confirm_out(books: Books, partner: str, exchange_id: str, exchange: Exchange, account: str) -> None:
    hold, confirmed = books.holds[partner, exchange_id], f"{exchange_id}/confirm"
    hold.state = "captured"
    burn(books, partner, confirmed, exchange.member, hold.parts, hold.price)
    exchange.burnt = books.burnt.pop((partner, confirmed)).parts


def _fail(books: Books, partner: str, exchange_id: str, exchange: Exchange, account: str) -> None:
    if exchange.direction == "out":
        books.holds[partner, exchange_id].state = "voided"


def _reverse_in(books: Books, partner: str, exchange_id: str, exchange: Exchange, account: str) -> None:
    """The partner takes its own back, first where they came in."""
    own, came = _own(books, account, partner), exchange.came
    first = min(exchange.points, own[came]) if came else 0
    if came and first:
        books.give_back(account, came, first)
    others = Counter({lot: there for lot, there in own.items() if lot != came})
    for lot, there in take(others, exchange.points - first):
        books.give_back(account, lot, there)


def _reverse_out(books: Books, partner: str, exchange_id: str, exchange: Exchange, account: str) -> None:
    """The member has its points back, whoever paid for it while it was merged."""
    reversal, origin = f"{exchange_id}/reverse", f"{partner}/{exchange_id}/confirm"
    for number, part, minor in backwards(exchange.burnt, 0, exchange.points):
        issuer = part.lot.issuer
        books.put(account, kept(books, account, part.lot), part.points)
        books.uncut.append(Line(partner, reversal, number, issuer, partner, -part.points, -minor, books.today, origin))


def _own(books: Books, account: str, partner: str) -> Counter[Lot]:
    """What a member can spend of a partner's own points there."""
    lots = owing.spendable(books, account, partner).items()
    return Counter({lot: there for lot, there in lots if lot.issuer == partner})


_STEPS = {
    ("confirm", "in"): _confirm_in,
    ("confirm", "out"): _confirm_out,
    ("fail", "in"): _fail,
    ("fail", "out"): _fail,
    ("reverse", "in"): _reverse_in,
    ("reverse", "out"): _reverse_out,
}
