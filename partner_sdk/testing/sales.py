"""Sales at the local hub: earnings decided one by one, confirmations, and what returned purchases take back."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from partner_sdk.testing import late_events, numbers
from partner_sdk.testing.accounts import Account, Lot, LotKey, burn, first_of, own_first, points_of
from partner_sdk.testing.arithmetic import instant
from partner_sdk.testing.books import Books, Event
from partner_sdk.testing.gate import Refusal
from partner_sdk.testing.terms import AT_ONCE, WHEN_CONFIRMED, available_at
from partner_sdk.wire.sandbox_members import result
from partner_sdk.wire.values import MAX_POINTS

MAX_AHEAD = timedelta(minutes=5)

Asked = Mapping[str, Any]


def earn(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/earnings."""
    if books.terms.enrols_unknown:
        for sale in asked["earnings"]:
            books.enrol(sale["member"])
    earlier = frozenset(books.events)
    results = [earned(books, sale, sale["event_id"] in earlier) for sale in asked["earnings"]]
    numbers.note(books, asked["earnings"])
    return {"results": results}


def earned(books: Books, sale: Asked, known: bool = False) -> dict[str, Any]:
    """Post one sale. What was posted before is answered again, even where the rules refuse it today."""
    try:
        if known and (first := books.first_answer(sale["event_id"], "earning", sale)):
            return first
        check_time(books, sale["occurred_at"])
        if late_events.is_late(books, sale):
            return late_events.quarantine(books, "earning", sale)
        points = priced(books, sale)
        account = books.find(sale["member"])
        first = books.first_answer(sale["event_id"], "earning", sale)
        return first or books.record(_sale(books, sale, account, points))
    except Refusal as refusal:
        return result(sale["event_id"], "rejected", refusal.code, refusal.detail)


def check_time(books: Books, occurred_at: Any) -> None:
    """Refuse (occurred_in_future) what lies ahead of business time."""
    if occurred_at > books.now + MAX_AHEAD:
        raise Refusal("occurred_in_future", f"Business time at the hub is {instant(books.now)}.")


def priced(books: Books, sale: Asked) -> int:
    """The points of a sale, with or without an id; refuses what the rules do not allow."""
    terms = books.terms
    check_time(books, sale["occurred_at"])
    if sale["occurred_at"].date() < terms.valid_from:
        raise Refusal("no_contract", "The partner has no contract in force on that day.")
    if sale["amount"]["currency"] != terms.currency:
        raise Refusal("currency_mismatch", f"The rate in force is in {terms.currency}.")
    points = terms.points_of(sale["amount"]["minor"])
    if points > MAX_POINTS:
        raise Refusal("points_over_cap", f"{points} points are above the cap of {MAX_POINTS}.")
    if sale.get("points", points) != points:
        raise Refusal("points_mismatch", f"The rate in force gives {points} points.")
    return points


def promised(books: Books, sale: Asked, points: int) -> dict[str, Any]:
    """What an answer says of the points of a sale."""
    day = sale["occurred_at"].date()
    times = available_at(books.terms.matures_on(day), books.now)
    return {"points": points, **times, "expires_on": str(books.terms.expires_on(day))}


def _sale(books: Books, sale: Asked, account: Account, points: int) -> Event:
    day = sale["occurred_at"].date()
    matures_on = books.terms.matures_on(day)
    key = LotKey(books.terms.expires_on(day), books.partner, matures_on if matures_on > books.now.date() else AT_ONCE)
    status = "posted" if key.matures_on == AT_ONCE else "pending"
    account.lots[key] += points
    answer = {"event_id": sale["event_id"], "status": status, **promised(books, sale, points)}
    minor, currency = sale["amount"]["minor"], books.terms.currency
    shown = {
        "status": status,
        "occurred_at": instant(sale["occurred_at"]),
        "amount": {"minor": minor, "currency": currency},
        "expires_on": answer["expires_on"],
    }
    return Event(
        sale["event_id"], "earning", account, points, sale, answer, shown,
        minor=minor, items=sale.get("items", []), lots=[Lot(key, points, account)],
    )  # fmt: skip


def _original(books: Books, event_id: str) -> Event:
    event = books.events.get(event_id)
    if event is None or event.status != "posted":
        raise Refusal("unknown_event", "The partner has reported no sale under this id.")
    if event.kind != "earning":
        raise Refusal("not_reversible", f"This id is of a {event.kind}, not of a sale.")
    event.account.settle(books.now)
    return event


# --- confirmations ---


def confirm(books: Books, asked: Asked, event_id: str) -> dict[str, Any]:
    """POST /v1/earnings/{event_id}/confirm."""
    sale = _original(books, event_id)
    confirmation = f"{event_id}/confirm"
    if first := books.first_answer(confirmation, "confirmation", content := {"event_id": event_id}):
        return first
    key = sale.lots[0].key
    if key.matures_on != WHEN_CONFIRMED:
        raise Refusal("not_pending", "The points of this sale do not wait for a confirmation.")
    left = books.terms.points_of(sale.minor - _refunded(books, sale))
    alive = [lot for lot in sale.account.free(books.now) if lot.key == key and key.expires_on >= books.now.date()]
    points = points_of(first_of(alive, left))
    burn([Lot(key, points, sale.account)])
    sale.account.lots[key._replace(matures_on=AT_ONCE)] += points
    answer = {"event_id": event_id, "status": "posted", "points": points, "available_at": instant(books.now)}
    return books.record(Event(confirmation, "confirmation", sale.account, points, content, answer, refers_to=event_id))


# --- refunds ---


def refund(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/refunds."""
    results = [refunded_one(books, one) for one in asked["refunds"]]
    numbers.note(books, asked["refunds"])
    return {"results": results}


def refunded_one(books: Books, asked: Asked) -> dict[str, Any]:
    """Take back for one return."""
    try:
        first = books.first_answer(asked["event_id"], "refund", asked)
        return first or _refund(books, asked, _original(books, asked["refunds"]))
    except Refusal as refusal:
        return result(asked["event_id"], "rejected", refusal.code, refusal.detail)


def _refund(books: Books, asked: Asked, sale: Event) -> dict[str, Any]:
    check_time(books, asked["occurred_at"])
    if late_events.is_late(books, asked):
        return late_events.quarantine(books, "refund", asked)
    left = sale.minor - _refunded(books, sale)
    minor = _amount(books, asked, sale, left)
    wanted = books.terms.points_of(left) - books.terms.points_of(left - minor)
    sums = _take_back(books, sale, wanted)
    amount = {"minor": minor, "currency": books.terms.currency}
    answer = {"event_id": asked["event_id"], "status": "posted", "points": wanted, "amount": amount, **sums}
    shown = {"occurred_at": instant(asked["occurred_at"]), "amount": amount}
    return books.record(
        Event(
            asked["event_id"], "refund", sale.account, wanted - sums["borne"], asked, answer, shown,
            minor=minor, items=asked.get("items", []), refers_to=sale.event_id,
        )
    )  # fmt: skip


def _refunded(books: Books, sale: Event) -> int:
    return sum(one.minor for one in books.following(sale.event_id, "refund"))


def _amount(books: Books, asked: Asked, sale: Event, left: int) -> int:
    amount, items = asked.get("amount"), asked.get("items", [])
    if amount is None and not items and sale.minor and not left:
        raise Refusal("exceeds_original", "Nothing of the sale is left.")
    if amount is not None and amount["currency"] != books.terms.currency:
        raise Refusal("currency_mismatch", f"The sale was in {books.terms.currency}.")
    by_items = sum(item["minor"] for item in items)
    minor = amount["minor"] if amount is not None else by_items if items else left
    if items and minor != by_items:
        raise Refusal("refund_mismatch", f"The items add up to {by_items}, not to {minor}.")
    if items and sale.items:
        _check_items(books, items, sale)
    if minor > left:
        raise Refusal("exceeds_original", f"{left} minor units of the sale are left.")
    return int(minor)


def _check_items(books: Books, items: list[Asked], sale: Event) -> None:
    left: Counter[tuple[str, str]] = Counter()
    returned = [item for one in books.following(sale.event_id, "refund") for item in one.items]
    for sign, part in ((1, sale.items), (-1, returned), (-1, items)):
        for item in part:
            for measure in ("quantity", "minor"):
                left[item["sku"], measure] += sign * item[measure]
    if any(count < 0 for count in left.values()):
        raise Refusal("exceeds_original", "More of an item is returned than was sold and is not back yet.")


def _take_back(books: Books, sale: Event, wanted: int) -> dict[str, int]:
    """Take points back: the sale's own lot, then by the partner's policy other points, a debt, or nothing."""
    account, key = sale.account, sale.lots[0].key
    confirmed = f"{sale.event_id}/confirm" in books.events
    home = key._replace(matures_on=AT_ONCE) if confirmed else key
    own = first_of([lot for lot in account.free(books.now) if lot.key == home], wanted)
    burn(own)
    there = "expired" if key.expires_on < books.now.date() else "taken"
    sums = dict.fromkeys(("taken", "owed", "borne", "expired"), 0) | {there: points_of(own)}
    missing = wanted - points_of(own)
    if books.terms.refunds != "issuer_bears":
        others = first_of(own_first(account.spendable(books.now), books.partner), missing)
        burn(others)
        sums["taken"] += points_of(others)
        missing -= points_of(others)
    owes = books.terms.refunds == "debt"
    account.debts[books.partner] += missing if owes else 0
    return sums | {"owed" if owes else "borne": missing}
