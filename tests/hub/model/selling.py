"""Sales: what they earn, and their confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tests.hub.model.books import Books, Lot, Outcome, Sold, Where
from tests.hub.model.owing import put_right
from tests.hub.model.terms import AT_ONCE, FIRST_DAY, NEVER, QUALIFYING, Grant, in_force, last_day

Sale = dict[str, Any]
REPORTED, BY_CARD = "earning", "clearing"
"""A sale that a partner reports, and a purchase with a card of its."""


def report(books: Books, partner: str, sales: Sequence[Sale], kind: str = REPORTED) -> list[Outcome]:
    """Give members what they earn, one sale after another; then what they owe is paid."""
    return report_at_once(books, {partner: sales}, kind)[partner]


def report_at_once(
    books: Books, reports: Mapping[str, Sequence[Sale]], kind: str = REPORTED
) -> dict[str, list[Outcome]]:
    """The same for several partners, one after another; what is owed is paid at the end."""
    before = set(books.sales)
    outcomes = {partner: [earn(books, partner, sale, kind) for sale in sales] for partner, sales in reports.items()}
    fresh = [sold for key, sold in books.sales.items() if key not in before]
    for member in {books.survivor(sold.member) for sold in fresh if sold.gives}:
        put_right(books, member)
    return outcomes


def earn(books: Books, partner: str, sale: Sale, kind: str) -> Outcome:
    """Give the member what the rate of the sale's day gives, to live and to mature as its contract says."""
    member, minor = sale["member"], sale["amount"]["minor"]
    books.known.add(member)
    if first := books.first(partner, sale["event_id"], kind, sale):
        return first
    day = datetime.fromisoformat(sale["occurred_at"]).date()
    if error := _fault(books, partner, sale):
        return {"error": error}
    grants, contract = rate(books, partner, sale), books.contract(partner, day)
    account = books.survivor(member)
    life, matures_on = contract.life_in(books.country(account)), contract.matures_on(day, books.today)
    lots = [Lot(last_day(grant.life or life, day), grant.issuer or partner, grant.kind, matures_on) for grant in grants]
    with books.about(member):
        for grant, lot in zip(grants, lots, strict=True):
            books.put(account, lot, grant.of(minor))
            books.issued[lot.issuer] += grant.of(minor)
    sold = Sold(member, day, minor, sale.get("items", []), grants, lots, by_card=kind == BY_CARD)
    if sold.gives:
        books.active[member] = books.earned[member] = books.today
    books.sales[partner, sale["event_id"]] = sold
    answer = {"points": worth(books, partner, sale), "expires_on": str(lots[0].expires_on)}
    if any(grant.cap_minor for grant in grants):
        books.bought[partner, account, day.year] += minor
    return books.tell(partner, sale["event_id"], kind, sale, answer | available(books, matures_on))


def _fault(books: Books, partner: str, sale: Sale) -> str | None:
    occurred_at = datetime.fromisoformat(sale["occurred_at"])
    if occurred_at > books.now + timedelta(minutes=5):
        return "occurred_in_future"
    if occurred_at.date() < FIRST_DAY:
        return "no_contract"
    if sale["amount"]["currency"] != "USD":
        return "currency_mismatch"
    points = worth(books, partner, sale)
    return "points_mismatch" if sale.get("points", points) != points else None


def rate(books: Books, partner: str, sale: Sale) -> list[Grant]:
    """What the rate of a sale's day gives, first what can ever be spent."""
    day = datetime.fromisoformat(sale["occurred_at"]).date()
    grants = in_force(books.partners[partner].rates, day)
    family = books.family(books.survivor(sale["member"]))
    before = max(0, sum(books.bought[partner, member, day.year] for member in family))
    return sorted((grant._replace(before=before) for grant in grants), key=lambda grant: grant.kind == QUALIFYING)


def worth(books: Books, partner: str, sale: Sale) -> int:
    """The points of a sale that can ever be spent."""
    grants = rate(books, partner, sale)
    return sum(grant.of(sale["amount"]["minor"]) for grant in grants if grant.kind != QUALIFYING)


def available(books: Books, matures_on: Any) -> Outcome:
    """From when points can be spent: now, a day's first instant, or for the partner to say."""
    if matures_on == AT_ONCE:
        return {"at": books.now}
    return {"pending": True} | ({} if matures_on == NEVER else {"at": datetime.combine(matures_on, time(), UTC)})


def confirm(books: Books, partner: str, event_id: str) -> Outcome:
    """Let what is left of a sale be spent from now on."""
    sold = books.sales.get((partner, event_id))
    if sold is None:
        return no_sale(books, partner, event_id)
    confirmed, member = f"{event_id}/confirm", books.survivor(sold.member)
    first = books.first(partner, confirmed, "confirmation", None)
    if not first and NEVER not in {lot.matures_on for lot in sold.lots}:
        return {"error": "not_pending"}
    put_right(books, member)
    if first:
        return first
    with books.about(member, sold.member):
        points = sum(_mature(books, member, sold, number) for number in range(len(sold.grants)))
    sold.confirmed = True
    put_right(books, member)
    return books.tell(partner, confirmed, "confirmation", None, {"points": points, "at": books.now})


def _mature(books: Books, member: str, sold: Sold, number: int) -> int:
    """Let what is there of a grant mature; return what of it can be spent."""
    missing = sold.given(number)
    for lot in where_of(books, sold, number).lots:
        part = min(missing, books.alive(member)[lot])
        books.put(member, lot, -part)
        books.put(member, lot._replace(matures_on=AT_ONCE), part)
        missing -= part
    return sold.given(number) - missing if sold.lots[number].kind != QUALIFYING else 0


def where_of(books: Books, sold: Sold, number: int) -> Where:
    """Where a grant's points are: in its lot, or the one they matured to, and in those that this was extended to."""
    owners = books.lineage(sold.member)
    own = books.followed(owners, [sold.lots[number]])
    if not sold.confirmed:
        return Where(own, [])
    return Where(books.followed(owners, [lot._replace(matures_on=AT_ONCE) for lot in own]), own)


def no_sale(books: Books, partner: str, event_id: str) -> Outcome:
    """Why an id is not of a sale: of nothing that happened, or of something else."""
    told = books.told.get((partner, event_id))
    return {"error": "unknown_event" if told is None or "error" in told.answer else "not_reversible"}
