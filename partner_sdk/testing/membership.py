"""Members at the local hub: enrolment, what a partner sees of an account, and points from one member to another."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from partner_sdk.testing import spending
from partner_sdk.testing.accounts import Account, burn, first_of, points_of
from partner_sdk.testing.books import Books, Event, spelled
from partner_sdk.testing.gate import Refusal

Asked = Mapping[str, Any]


def enrol(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/members."""
    return {"results": [_enrolled(books, entry) for entry in asked["members"]]}


def _enrolled(books: Books, entry: Asked) -> dict[str, Any]:
    names = [spelled(name) for name in (entry["member"], *entry.get("identifiers", ()))]
    own = books.members.get(names[0])
    if any(books.members.get(name, own) is not own for name in names):
        error = {"code": "identifier_taken", "detail": "An identifier belongs to another member."}
        return {"member": entry["member"], "status": "rejected", "error": error}
    account = own or Account()
    books.members.update(dict.fromkeys(names, account))
    return {"member": entry["member"], "status": "enrolled"} | ({"duplicate": True} if own else {})


def view(books: Books, member: str) -> dict[str, Any]:
    """GET /v1/members/{member}."""
    account = books.find(member)
    by_day: Counter[date] = Counter()
    for lot in account.spendable(books.now):
        by_day[lot.key.expires_on] += lot.points
    expiring = [{"points": by_day[day], "expires_on": day.isoformat()} for day in sorted(by_day)][:100]
    return {
        "member": member,
        "available": sum(by_day.values()),
        "pending": points_of(account.pending(books.now)),
        "held": sum(account.held(books.now).values()),
        "debt": sum(account.debts.values()),
        "qualifying": 0,
        "next_to_expire": expiring[0] if expiring else None,
        "expiring": expiring,
    }


def expiring(books: Books, query: Asked) -> dict[str, Any]:
    """GET /v1/expiring."""
    by_day: dict[date, list[int]] = {}
    for account in {id(one): one for one in books.members.values()}.values():
        for day, points in sorted(_ending(books, account, date.fromisoformat(query["until"])).items()):
            by_day.setdefault(day, []).append(points)
    kind = {"issuer": books.partner, "kind": "base"}
    return {
        "expiring": [
            {"expires_on": str(day), **kind, "members": len(by_day[day]), "points": sum(by_day[day])}
            for day in sorted(by_day)
        ]
    }


def _ending(books: Books, account: Account, until: date) -> Counter[date]:
    ending: Counter[date] = Counter()
    for key, points in account.lots.items():
        if key.issuer == books.partner and books.now.date() <= key.expires_on <= until and points:
            ending[key.expires_on] += points
    return ending


def transfer(books: Books, asked: Asked) -> dict[str, Any]:
    """POST /v1/transfers."""
    kind, content = asked.get("kind", "transfer"), {"kind": "transfer", **asked}
    giver, taker = books.find(asked["member"]), books.find(asked["to"])
    if first := books.first_answer(asked["transfer_id"], kind, content):
        return first
    _check_takers(kind, giver, taker)
    spending.check_debts(giver)
    spendable = giver.spendable(books.now)
    if points_of(spendable) < asked["points"]:
        raise Refusal("insufficient_points", "The member has too few available points; nothing was changed.")
    lots = first_of(spendable, asked["points"])
    burn(lots)
    taker.lots.update({lot.key: lot.points for lot in lots})
    taker.settle(books.now)
    answer = {
        "transfer_id": asked["transfer_id"],
        "kind": kind,
        "status": "posted",
        "points": asked["points"],
        "lots": [
            {"issuer": lot.key.issuer, "kind": "base", "points": lot.points, "expires_on": str(lot.key.expires_on)}
            for lot in lots
        ],
    }
    return books.record(Event(asked["transfer_id"], kind, giver, asked["points"], content, answer))


def _check_takers(kind: str, giver: Account, taker: Account) -> None:
    if giver is taker:
        raise Refusal("same_member", "Both identifiers are of one member, who keeps the points.")
    if kind == "donation" and not taker.charity:
        raise Refusal("not_a_charity", "Points are donated to the account of a charity, which the operator names.")
