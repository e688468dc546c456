"""What an issuer claws back of purchases with its cards, and what of that stands again.

A purchase lies in parts, each above those before it: what was charged back and stands again is a part of its own.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.hub.model.books import Back, Books, ChargedBack, Lot, Outcome, Sold
from tests.hub.model.owing import put_right
from tests.hub.model.returning import WAYS, renewed, take_back
from tests.hub.model.selling import available, where_of
from tests.hub.model.terms import AT_ONCE, QUALIFYING

CLAWED_BACK, STANDS_AGAIN = "refund", "representment"


def claw_back(books: Books, partner: str, asked: dict[str, Any]) -> Outcome:
    """Take back some of a purchase, from its newest part first."""
    event_id, minor = asked["event_id"], asked["amount"]["minor"]
    if first := books.first(partner, event_id, CLAWED_BACK, asked):
        return first
    pieces = _pieces(books, partner, asked["refunds"], minor)
    if sum(size for _, size in pieces) < minor:
        return {"error": "exceeds_original"}
    sums, backs = Counter(dict.fromkeys(WAYS, 0)), []
    for number, (part_id, size) in enumerate(pieces, 1):
        own_id = event_id if len(pieces) == 1 else f"{event_id}/{number}"
        found = take_back(books, partner, part_id, own_id, size)
        books.tell(partner, own_id, CLAWED_BACK, asked, {})
        left = books.sales[partner, part_id].left
        backs.append(Back(part_id, size, left, found["taken"] + found["owed"]))
        sums.update(found)
    if asked["kind"] != "refund":
        books.charged[partner, event_id] = ChargedBack(backs)
    return books.tell(partner, event_id, CLAWED_BACK, asked, {"points": sums.total(), **sums})


def present_again(books: Books, partner: str, asked: dict[str, Any]) -> Outcome:
    """Give again what had been found when a purchase was charged back, once."""
    event_id = asked["event_id"]
    if first := books.first(partner, event_id, STANDS_AGAIN, asked):
        return first
    charged = books.charged[partner, asked["refers_to"]]
    if not charged.again and asked["amount"]["minor"] != sum(back.minor for back in charged.backs):
        return {"error": "refund_mismatch"}
    member = books.survivor(books.sales[partner, charged.backs[0].event_id].member)
    put_right(books, member)
    if charged.again:
        return books.tell(partner, event_id, STANDS_AGAIN, asked, {"points": 0})
    charged.again = True
    own_ids = [f"{event_id}/{number}" for number, _ in enumerate(charged.backs, 1)]
    if len(own_ids) == 1:
        own_ids = [event_id]
    answers = [_stand(books, partner, *one) for one in zip(own_ids, charged.backs, strict=True)]
    for own_id, answer in zip(own_ids, answers, strict=True):
        books.tell(partner, own_id, STANDS_AGAIN, asked, answer)
    put_right(books, member)
    told = answers[0] if len(answers) == 1 else {"points": sum(one["points"] for one in answers)}
    return books.tell(partner, event_id, STANDS_AGAIN, asked, told)


def _pieces(books: Books, partner: str, purchase_id: str, minor: int) -> list[tuple[str, int]]:
    pieces = []
    for (own, part_id), sold in reversed(books.sales.items()):
        size = min(minor, sold.left)
        if own == partner and purchase_id in (part_id, sold.part_of) and size:
            pieces.append((part_id, size))
            minor -= size
    return pieces


def _stand(books: Books, partner: str, own_id: str, back: Back) -> Outcome:
    """Post one part again, into the lots where its points had been, or with a new life where that is over."""
    before = books.sales[partner, back.event_id]
    account, numbers = books.survivor(before.member), range(len(before.grants))
    part = Sold(
        before.member, before.day, back.minor, [], before.grants,
        [_lot(books, account, before, number) for number in numbers],
        by_card=True, part_of=before.part_of or back.event_id, above=before.above + back.below,
    )  # fmt: skip
    part.withheld = max(0, _spendable(part) - back.found)
    with books.about(before.member):
        for number, lot in zip(numbers, part.lots, strict=True):
            books.put(account, lot, part.given(number))
            books.issued[lot.issuer] += part.given(number)
    if part.gives:
        books.active[before.member] = books.earned[before.member] = books.today
    if any(grant.cap_minor for grant in part.grants):
        books.bought[partner, account, part.day.year] += part.minor
    books.sales[partner, own_id] = part
    first = part.lots[0]
    waits_until = first.matures_on if first.matures_on > books.today else AT_ONCE
    return {"points": _spendable(part), "expires_on": str(first.expires_on), **available(books, waits_until)}


def _lot(books: Books, account: str, sold: Sold, number: int) -> Lot:
    if not sold.grants[number].of(sold.above + sold.minor):
        return sold.lots[number]
    places = where_of(books, sold, number).lots
    alive = [lot for lot in places if books.last_day(account, lot) >= books.today]
    return alive[0] if alive else renewed(books, account, places[0])


def _spendable(part: Sold) -> int:
    return sum(part.given(number) for number, grant in enumerate(part.grants) if grant.kind != QUALIFYING)
