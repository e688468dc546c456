"""What partners may ask, as stories: each is told to one hub and then to the other."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import date, timedelta
from tempfile import TemporaryDirectory
from typing import Any

from partner_sdk import Audit, Earning, InsufficientPoints, Money, PoolMember, Receipts, Refund
from partner_sdk.testing import Terms
from partner_sdk.wire.keys import PrivateKey, key_id, rotation
from tests.hub.contract.worlds import World

IN = {"direction": "in", "unit": "MILES", "rate": "2", "spread": "0.02", "minimum": 100, "step": 100,
      "rounding": "down", "quote_seconds": 600}  # fmt: skip
OUT = IN | {"direction": "out", "rate": "0.5"}
ITEMS = [
    {"sku": "a", "category": "c", "quantity": 2, "minor": 600},
    {"sku": "b", "category": "c", "quantity": 1, "minor": 400},
]


def sale(w: World, event_id: str, member: str, minor: int = 1_000, **more: Any) -> dict[str, Any]:
    """One sale of an hour ago."""
    return {
        "event_id": w.name(event_id),
        "member": w.card(member),
        "occurred_at": (w.now - timedelta(hours=1)).isoformat(),
        "amount": {"minor": minor, "currency": "USD"},
        **more,
    }


def earn(w: World, shop: str, *sales: dict[str, Any]) -> dict[str, Any]:
    """Report sales."""
    return w.post(shop, "/v1/earnings", earnings=list(sales))


def redeem(w: World, shop: str, redemption_id: str, member: str, points: int, **more: Any) -> dict[str, Any]:
    """Redeem, or with ``hold`` reserve."""
    named = {"redemption_id": w.name(redemption_id), "member": w.card(member), "points": points}
    return w.post(shop, "/v1/redemptions", **named, **more)


def follow(w: World, shop: str, redemption_id: str, step: str, **asked: Any) -> dict[str, Any]:
    """Capture, void or reverse."""
    return w.post(shop, f"/v1/redemptions/{w.name(redemption_id)}/{step}", **asked)


def refund(w: World, shop: str, event_id: str, sold: str, **more: Any) -> dict[str, Any]:
    """Report one return."""
    one = {"event_id": w.name(event_id), "refunds": w.name(sold), "occurred_at": w.now.isoformat(), **more}
    return w.post(shop, "/v1/refunds", refunds=[one])


def usd(minor: int) -> dict[str, Any]:
    """So many cents."""
    return {"minor": minor, "currency": "USD"}


def look(w: World, shop: str, *members: str) -> None:
    """Look at members and at what is on record."""
    for member in members:
        w.get(shop, f"/v1/members/{w.card(member)}")
    w.get(shop, "/v1/events?limit=1000")


def sales(w: World) -> None:
    """Sales that are posted, repeated, changed, and refused one by one."""
    w.join("shop", Terms(points=2, per_minor=150))
    w.join("strict", Terms(enrols_unknown=False))
    first = sale(w, "e1", "a", 1_999, store="s", items=ITEMS)
    earn(w, "shop", first, first, first | {"amount": usd(2_000)}, sale(w, "e2", "a", 149))
    earn(w, "shop", first, sale(w, "e1", "b"), first | {"points": 7}, sale(w, "e3", "c", points=12))
    in_euro = sale(w, "e4", "d", amount={"minor": 5, "currency": "EUR"})
    ahead = (w.now + timedelta(minutes=6)).isoformat()
    earn(w, "shop", in_euro, sale(w, "e5", "d", occurred_at=ahead), sale(w, "e6", "d", points=9))
    old = "2016-12-31T23:59:59Z"
    earn(w, "shop", sale(w, "e7", "d", occurred_at=old), sale(w, "e8", "d", 10**12), in_euro)
    look(w, "shop", "a", "b", "c", "d", "nobody")
    earn(w, "strict", sale(w, "e1", "stranger"), sale(w, "e2", "a"))
    w.post("strict", "/v1/members", members=[
        {"member": w.card("stranger"), "identifiers": [f"email:{w.name('X')}@Shop.example"]},
        {"member": f"email:{w.name('x')}@shop.EXAMPLE"},
        {"member": w.card("a"), "identifiers": [w.card("stranger")]},
        {"member": w.card("a"), "identifiers": [w.card("a2"), w.card("a")]},
    ])  # fmt: skip
    earn(w, "strict", sale(w, "e1", "stranger"), sale(w, "e3", "a2"))
    look(w, "strict", "stranger", "a2")
    w.get("shop", "/v1/rates")
    w.get("shop", f"/v1/expiring?until={date(2030, 1, 1)}")


def quotes(w: World) -> None:
    """What something would give."""
    w.join("shop", Terms(price=(9, 10), life_months=12))
    w.join("later", Terms(pending_days=14))
    w.join("strict", Terms(enrols_unknown=False, confirmed=True))
    earn(w, "shop", sale(w, "e1", "a", 5_000))
    wanted = {name: value for name, value in sale(w, "-", "a").items() if name != "event_id"}
    for shop in ("shop", "later", "strict"):
        w.post(shop, "/v1/quotes", earning=wanted)
        w.post(shop, "/v1/quotes", earning=wanted | {"member": w.card("unknown")})
        w.post(shop, "/v1/quotes", earning=wanted | {"points": 1})
        w.post(shop, "/v1/quotes", redemption={"member": w.card("a"), "points": 33})
    w.post("shop", "/v1/quotes", redemption={"member": w.card("a"), "points": 51})
    w.post("shop", "/v1/quotes", redemption={"member": w.card("a"), "points": 1, "pool": True})
    w.post("shop", "/v1/quotes", redemption={"member": w.card("unknown"), "points": 1})
    w.post("shop", "/v1/quotes", redemption={"member": w.card("a"), "points": 1}, earning=wanted)


def redemptions(w: World) -> None:
    """Points of two issuers spent, declined, repeated, changed, and given back in parts."""
    w.join("m", Terms(price=(9, 10)))
    w.join("n", Terms(life_months=3, price=(1, 3)))
    earn(w, "m", sale(w, "e1", "a", 7_000))
    earn(w, "n", sale(w, "e1", "a", 5_000))
    redeem(w, "m", "r1", "a", 61)
    redeem(w, "m", "r1", "a", 61)
    redeem(w, "m", "r1", "a", 60)
    redeem(w, "n", "r1", "a", 60)
    redeem(w, "n", "r1", "a", 60)
    redeem(w, "n", "r2", "unknown", 60)
    redeem(w, "n", "r3", "a", 1, pool=True)
    redeem(w, "n", "e1", "a", 1)
    look(w, "m", "a")
    follow(w, "m", "r1", "reverse", points=5, reversal_id=w.name("back1"))
    follow(w, "m", "r1", "reverse", points=5, reversal_id=w.name("back1"))
    follow(w, "m", "r1", "reverse", points=6, reversal_id=w.name("back1"))
    follow(w, "m", "r1", "reverse", points=57, reversal_id=w.name("back2"))
    follow(w, "m", "r1", "reverse", points=16, reversal_id=w.name("back3"))
    follow(w, "m", "r1", "reverse")
    follow(w, "m", "r1", "reverse")
    follow(w, "m", "r1", "reverse", reversal_id=w.name("back4"))
    follow(w, "n", "r1", "reverse")
    follow(w, "n", "r9", "reverse")
    follow(w, "n", "e1", "reverse")
    follow(w, "m", "r1", "capture")
    look(w, "m", "a")
    look(w, "n", "a")


def holds(w: World) -> None:
    """Reserved, captured in part, voided, lapsed."""
    w.join("pump", Terms(price=(3, 7)))
    earn(w, "pump", sale(w, "e1", "a", 10_000))
    redeem(w, "pump", "h1", "a", 40, hold=600)
    redeem(w, "pump", "h1", "a", 40, hold=600)
    redeem(w, "pump", "h1", "a", 40, hold=601)
    redeem(w, "pump", "h2", "a", 61, hold=600)
    redeem(w, "pump", "h2", "a", 61, hold=600)
    redeem(w, "pump", "h3", "a", 20, hold=600)
    redeem(w, "pump", "h4", "a", 20, hold=60)
    look(w, "pump", "a")
    follow(w, "pump", "h1", "reverse")
    follow(w, "pump", "h1", "capture", points=41)
    follow(w, "pump", "h1", "capture", points=31)
    follow(w, "pump", "h1", "capture", points=31)
    follow(w, "pump", "h1", "capture")
    follow(w, "pump", "h1", "void")
    follow(w, "pump", "h2", "capture")
    follow(w, "pump", "h3", "void")
    follow(w, "pump", "h3", "void")
    follow(w, "pump", "h3", "capture")
    w.advance(timedelta(seconds=60))
    follow(w, "pump", "h4", "capture")
    follow(w, "pump", "h4", "void")
    redeem(w, "pump", "h4", "a", 20, hold=60)
    follow(w, "pump", "h1", "reverse", points=30)
    follow(w, "pump", "h1", "reverse", reversal_id=w.name("rest"))
    look(w, "pump", "a")


def waiting(w: World) -> None:
    """Points that mature after days, or when the sale is confirmed."""
    w.join("days", Terms(pending_days=14))
    w.join("word", Terms(confirmed=True))
    earn(w, "days", sale(w, "e1", "a", 5_000))
    earn(w, "word", sale(w, "e1", "a", 3_000), sale(w, "e2", "a", 2_000))
    redeem(w, "days", "r1", "a", 1)
    refund(w, "word", "f1", "e2", amount=usd(550))
    for event_id in ("e1", "e1", "e2", "none"):
        w.post("word", f"/v1/earnings/{w.name(event_id)}/confirm")
    w.post("days", f"/v1/earnings/{w.name('e1')}/confirm")
    w.post("word", f"/v1/earnings/{w.name('f1')}/confirm")
    look(w, "word", "a")
    w.advance(timedelta(days=14))
    look(w, "days", "a")
    earn(w, "days", sale(w, "e1", "a", 5_000))
    redeem(w, "days", "r2", "a", 90)
    refund(w, "word", "f2", "e2")
    refund(w, "word", "f3", "e2")
    look(w, "word", "a")


def refunds(w: World) -> None:
    """Returned in parts, by items, too much, and after the points were spent, under each policy."""
    for policy in ("within_balance", "debt", "issuer_bears"):
        shop, card = policy[:5], policy
        w.join(shop, Terms(refunds=policy, points=3, per_minor=100))
        earn(w, shop, sale(w, f"{shop}1", card, 1_000, items=ITEMS), sale(w, f"{shop}2", card, 2_050))
        refund(w, shop, f"{shop}f1", f"{shop}1", items=[ITEMS[0] | {"quantity": 1, "minor": 300}])
        refund(w, shop, f"{shop}f1", f"{shop}1", items=[ITEMS[0] | {"quantity": 1, "minor": 300}])
        refund(w, shop, f"{shop}f1", f"{shop}1")
        refund(w, shop, f"{shop}f2", f"{shop}1", items=[ITEMS[0]])
        refund(w, shop, f"{shop}f2", f"{shop}1", amount=usd(1), items=[ITEMS[1]])
        refund(w, shop, f"{shop}f2", f"{shop}1", amount={"minor": 1, "currency": "EUR"})
        refund(w, shop, f"{shop}f2", f"{shop}1", amount=usd(701))
        refund(w, shop, f"{shop}f2", "none")
        refund(w, shop, f"{shop}f3", f"{shop}2", amount=usd(49))
        redeem(w, shop, f"{shop}r", card, 50)
        look(w, shop, card)
        refund(w, shop, f"{shop}f4", f"{shop}1")
        refund(w, shop, f"{shop}f5", f"{shop}1")
        refund(w, shop, f"{shop}f6", f"{shop}2")
        refund(w, shop, f"{shop}f7", f"{shop}r")
        look(w, shop, card)
        redeem(w, shop, f"{shop}r2", card, 1)
        w.post(shop, "/v1/quotes", redemption={"member": w.card(card), "points": 1})
        earn(w, shop, sale(w, f"{shop}3", card, 2_000))
        look(w, shop, card)
        follow(w, shop, f"{shop}r", "reverse")
        look(w, shop, card)


def giving(w: World) -> None:
    """Points from one member to another."""
    w.join("shop")
    earn(w, "shop", sale(w, "e1", "a", 5_000), sale(w, "e2", "b", 100))
    asked = {"transfer_id": w.name("t1"), "member": w.card("a"), "to": w.card("b"), "points": 20}
    for change in ({}, {}, {"kind": "transfer"}, {"kind": "gift"}, {"points": 21}, {"transfer_id": w.name("e1")}):
        w.post("shop", "/v1/transfers", **asked | change)
    asked["transfer_id"] = w.name("t2")
    for change in ({"points": 31}, {"to": w.card("a")}, {"to": w.card("nobody")}, {"kind": "donation"}):
        w.post("shop", "/v1/transfers", **asked | change)
    w.post("shop", "/v1/transfers", **asked | {"kind": "gift"})
    look(w, "shop", "a", "b")


def exchanges(w: World) -> None:
    """Own units for points and back, confirmed, failed, reversed, expired."""
    w.join("air", Terms(exchanges=(IN, OUT)))
    w.get("air", "/v1/rates")
    earn(w, "air", sale(w, "e1", "a", 200_000))
    for number, (direction, amount, step) in enumerate(
        [("in", 300, "confirm"), ("in", 100, "fail"), ("out", 700, "confirm"), ("out", 300, "fail")]
    ):
        quote_id, exchange_id = _quote(w, direction, amount), f"x{number}"
        _exchange(w, exchange_id, quote_id)
        _exchange(w, exchange_id, quote_id)
        _exchange(w, "other", quote_id)
        _step(w, exchange_id, "reverse")
        look(w, "air", "a")
        for _ in range(2):
            _step(w, exchange_id, step)
        _step(w, exchange_id, "fail" if step == "confirm" else "confirm")
    _step(w, "x0", "reverse")
    _step(w, "x2", "reverse")
    _step(w, "x3", "reverse")
    for number in (7, 8):
        _exchange(w, f"x{number}", _quote(w, "in", 100), payment=w.name("paid"))
    _step(w, "x7", "confirm")
    late = _quote(w, "out", 100)
    w.advance(timedelta(seconds=600))
    _exchange(w, "late", late)
    for amount in (150, 0, 10**9, 2_000):
        _exchange(w, f"a{amount}", _quote(w, "out", amount))
    _exchange(w, "forged", "AAAA")
    w.post("air", "/v1/quotes", exchange={"member": w.card("a"), "direction": "in", "unit": "EUROS", "amount": 100})
    for query in ("", "?state=confirmed", "?state=gone", "?limit=2"):
        w.get("air", f"/v1/exchanges{query}")
    w.get("air", f"/v1/exchanges/{w.name('x2')}")
    w.get("air", "/v1/exchanges/none")
    look(w, "air", "a")


def _quote(w: World, direction: str, amount: int) -> str:
    asked = {"member": w.card("a"), "direction": direction, "unit": "MILES", "amount": amount}
    quoted = w.post("air", "/v1/quotes", exchange=asked)
    return str(quoted["exchange"]["quote_id"]) if "exchange" in quoted else "none"


def _exchange(w: World, exchange_id: str, quote_id: str, **more: str) -> None:
    w.post("air", "/v1/exchanges", exchange_id=w.name(exchange_id), quote_id=quote_id, member=w.card("a"), **more)


def _step(w: World, exchange_id: str, step: str) -> None:
    w.post("air", f"/v1/exchanges/{w.name(exchange_id)}/{step}")


def ending(w: World) -> None:
    """Points that expire, are refunded after that, or come back with a new life."""
    w.join("shop", Terms(life_months=1))
    w.join("other", Terms(life_months=2))
    earn(w, "shop", sale(w, "e1", "a", 3_000), sale(w, "e2", "a", 1_000))
    earn(w, "other", sale(w, "e1", "a", 2_000))
    redeem(w, "other", "r1", "a", 25)
    w.advance(timedelta(days=60))
    look(w, "shop", "a")
    follow(w, "other", "r1", "reverse", points=20)
    refund(w, "shop", "f1", "e2")
    look(w, "shop", "a")
    w.get("shop", "/v1/expiring?until=2100-01-01")
    redeem(w, "shop", "r2", "a", 41)


def careless(w: World) -> None:
    """What an integrator in a hurry sends."""
    w.join("shop")
    earn(w, "shop", *(sale(w, f"e{number}", "a") for number in range(5)))
    page = w.get("shop", "/v1/events?limit=2")
    w.get("shop", f"/v1/events?limit=2&cursor={page['next_cursor']}")
    for query in ("cursor=AAAA", "limit=0", "limit=2&limit=3", "limits=1", f"cursor={page['next_cursor']}x"):
        w.get("shop", f"/v1/events?{query}")
    w.get("shop", f"/v1/statements?cursor={page['next_cursor']}")
    for path in ("/v1/rates?x=1", "/v1/nothing", "/v1/statements", "/v1/statements/2017-01", "/v1/earnings",
                 "/v1/members/no-scheme", "/v1/expiring", "/v1/expiring?until=soon"):  # fmt: skip
        w.get("shop", path)
    w.post("shop", "/v1/earnings", earnings=[])
    w.post("shop", "/v1/earnings", earnings=[sale(w, "e1", "a", extra=1), {"event_id": "x y"}])
    w.post("shop", "/v1/redemptions", redemption_id="r", member=w.card("a"), points="5", hold=0)
    w.post("shop", "/v1/redemptions/a%20b/void")
    w.post("shop", f"/v1/redemptions/{w.name('r')}/void", reason="none")
    w.post("shop", "/v1/events")
    w.post("shop", "/v1/refunds", refunds=[{"event_id": "f", "refunds": "e", "occurred_at": "yesterday"}])


def magic(w: World) -> None:
    """Members that force an outcome; what is forced is not on record."""
    w.join("shop")
    members = [f"token:sandbox-{name}" for name in ("insufficient", "blocked", "quarantined", "none")]
    w.post("shop", "/v1/members", members=[{"member": member} for member in members])
    earn(w, "shop", *(sale(w, f"e{place}", "-") | {"member": member} for place, member in enumerate(members)))
    for place, member in enumerate(members):
        asked = {"member": member, "points": 5}
        w.post("shop", "/v1/quotes", redemption=asked)
        for _ in range(2):
            w.post("shop", "/v1/redemptions", redemption_id=w.name(f"r{place}"), **asked)
        w.post("shop", "/v1/redemptions", redemption_id=w.name(f"h{place}"), hold=60, **asked)
        w.post("shop", "/v1/transfers", transfer_id=w.name(f"t{place}"), to="token:sandbox-blocked", **asked)
        w.get("shop", f"/v1/members/{member}")
    earn(w, "shop", sale(w, "e9", "a"), sale(w, "e8", "-") | {"member": "token:sandbox-error"})
    w.get("shop", "/v1/members/token:sandbox-error")
    look(w, "shop", "a")


def late(w: World) -> None:
    """Reports over the limit of days: quarantined, repeated, changed, released, rejected."""
    w.join("shop", Terms(late_days=30, points=2))
    w.join("other")
    old, older = ((w.now - timedelta(days=days)).isoformat() for days in (31, 60))
    known = sale(w, "e0", "a")
    earn(w, "shop", known, sale(w, "e1", "a", occurred_at=old), sale(w, "e2", "b", 500, occurred_at=older))
    earn(w, "other", sale(w, "e1", "a", occurred_at=old))
    for minor in (1_000, 1_001):
        earn(w, "shop", sale(w, "e1", "a", minor, occurred_at=old))
    at_limit = (w.now - timedelta(days=30)).isoformat()
    earn(w, "shop", known | {"occurred_at": old}, sale(w, "e3", "a", occurred_at=at_limit))
    refund(w, "shop", "f1", "e0", occurred_at=old)
    refund(w, "shop", "f1", "e0", occurred_at=old)
    refund(w, "shop", "f2", "e1")
    look(w, "shop", "a", "b")
    w.decide("shop", "e1")
    w.decide("shop", "e2", "nobody was there")
    for event_id, member, minor, at in (("e1", "a", 1_000, old), ("e2", "b", 500, older), ("e2", "b", 501, older)):
        earn(w, "shop", sale(w, event_id, member, minor, occurred_at=at))
    w.decide("shop", "f1")
    refund(w, "shop", "f2", "e1")
    look(w, "shop", "a", "b")


def numbered(w: World) -> None:
    """Terminals that number their events, leave some out, and count from 1 again."""
    w.join("shop", Terms(late_days=30))
    w.join("other")
    telling = {"url": "https://93.184.216.34/x", "topics": ["gap.found"]}
    w.post("shop", "/v1/webhooks", webhook_id="gaps", **telling)
    for place, (terminal, number) in enumerate((("t1", 3), ("t1", 7), ("t1", 1), ("t2", 2), ("t1", 3), ("t1", 9))):
        earn(w, "shop", sale(w, f"e{place}", "a", terminal=terminal, sequence=number))
    w.advance(timedelta(minutes=1))
    earn(w, "shop", *(sale(w, f"b{number}", "a", terminal="t3", sequence=number) for number in (2, 6, 7)))
    earn(w, "shop", sale(w, "e9", "a", terminal="t1", sequence=8, amount={"minor": 1, "currency": "EUR"}))
    earn(w, "shop", sale(w, "e8", "a", terminal="t2", sequence=1, occurred_at="2016-01-01T00:00:00Z"))
    refund(w, "shop", "f1", "e0", terminal="t1", sequence=2)
    for query in ("/gaps", "?gaps", "?gaps=true", "?gaps=false", "?gaps&limit=2", "?gaps&kind=x", "?gaps&cursor=AAAA"):
        w.get("shop", f"/v1/events{query}")
    page = w.get("shop", "/v1/events/gaps?limit=2")
    w.get("shop", f"/v1/events?gaps&cursor={page['next_cursor']}")
    w.get("shop", f"/v1/events?cursor={page['next_cursor']}")
    w.get("other", "/v1/events/gaps")
    w.told("shop")


def pools(w: World) -> None:
    """Members who put their points together: shares, holds, reversals, and who may not."""
    w.join("m", Terms(price=(9, 10)))
    w.join("n", Terms(life_months=3, refunds="debt"))
    for place, (member, minor) in enumerate((("a", 3_000), ("b", 10_000), ("c", 500), ("d", 900))):
        earn(w, "m", sale(w, f"e{place}", member, minor))
        earn(w, "n", sale(w, f"n{place}", member, 700))
    everyone = [("a", 1, True), ("b", 3, False), ("c", 2, True)]
    _pool(w, "m", "p1", everyone)
    _pool(w, "m", "p1", everyone)
    _pool(w, "m", "p1", everyone[1:])
    _pool(w, "n", "p1", [("c", 1, True), ("d", 1, True)])
    _pool(w, "m", "p2", [("a", 1, True), ("a", 1, True)])
    _pool(w, "m", "p3", [("nobody", 1, True)])
    for shop, redemption_id, member, points in (
        ("m", "r1", "a", 61), ("m", "r2", "b", 5), ("n", "r1", "c", 90), ("n", "r9", "d", 1),
    ):  # fmt: skip
        asked = {"member": w.card(member), "points": points, "pool": True}
        w.post(shop, "/v1/quotes", redemption=asked)
        redeem(w, shop, redemption_id, member, points, pool=True)
    redeem(w, "m", "h1", "c", 9, pool=True, hold=600)
    redeem(w, "m", "h2", "a", 1_000, pool=True, hold=600)
    look(w, "m", "a", "b", "c")
    follow(w, "m", "h1", "capture", points=7)
    follow(w, "m", "r1", "reverse", points=40)
    follow(w, "m", "h1", "reverse")
    look(w, "m", "a", "b", "c")
    redeem(w, "n", "alone", "b", 1)
    follow(w, "n", "r1", "reverse")
    _pool(w, "m", "p4", [("b", 1, True)])
    redeem(w, "m", "r4", "a", 1, pool=True)
    redeem(w, "m", "r5", "b", 2, pool=True)
    _pool(w, "n", "p2", [("c", 1, True), ("d", 1, True)])
    redeem(w, "n", "r6", "d", 12, pool=True)
    redeem(w, "n", "spent", "d", 2)
    refund(w, "n", "f1", "n3")
    redeem(w, "n", "r7", "c", 1, pool=True)
    _pool(w, "m", "p5", [])
    redeem(w, "m", "r8", "b", 1, pool=True)
    look(w, "m", "a", "b", "c", "d")


def _pool(w: World, shop: str, event_id: str, members: list[tuple[str, int, bool]]) -> None:
    stated = [{"member": w.card(name), "share": share, "may_spend": spends} for name, share, spends in members]
    w.post(shop, "/v1/pools", event_id=w.name(event_id), pool_id=w.name("home"), members=stated)


def webhooks(w: World) -> None:
    """Where to tell of what, how it is told, and what becomes of what nobody takes."""
    w.join("shop", Terms(confirmed=True))
    w.join("grocer")
    url = "https://93.184.216.34/hansa?a=1"
    for topics in (["redemption.captured"], ["points.posted"], [], ["everything"], ["redemption.captured"]):
        w.post("shop", "/v1/webhooks", webhook_id="w1", url=url, topics=topics)
    for wrong in ("http://93.184.216.34/", "https://10.0.0.1/", "https://[::1]/", "https://u:p@93.184.216.34/",
                  "https://127.1/", "https://2130706433/", "https://169.254.169.254/"):  # fmt: skip
        w.post("shop", "/v1/webhooks", webhook_id="w1", url=wrong, topics=["points.posted"])
    w.post("shop", "/v1/webhooks", webhook_id="w0", url=f"{url}&b", topics=["redemption.captured", "points.posted"])
    w.get("shop", "/v1/webhooks")
    earn(w, "grocer", sale(w, "e1", "a", 9_000))
    earn(w, "shop", sale(w, "e1", "a", 5_000))
    w.told("shop")
    w.post("shop", f"/v1/earnings/{w.name('e1')}/confirm")
    redeem(w, "shop", "r1", "a", 20)
    redeem(w, "shop", "r2", "a", 20_000)
    redeem(w, "shop", "h1", "a", 10, hold=600)
    follow(w, "shop", "h1", "capture", points=4)
    refund(w, "shop", "f1", "e1", amount=usd(100))
    for _ in range(11):
        w.told("shop", 503)
        w.get("shop", "/v1/webhooks")
    for webhook_id in ("w0", "w1", "w2"):
        w.get("shop", f"/v1/webhooks/{webhook_id}/dead")
        w.post("shop", f"/v1/webhooks/{webhook_id}/replay")
    w.get("shop", "/v1/webhooks")
    w.told("shop")
    w.post("shop", "/v1/webhooks/w0/replay", since=w.now.isoformat())
    w.told("shop", 410)
    w.get("shop", "/v1/webhooks")
    w.post("shop", "/v1/webhooks/w0/remove")
    w.post("shop", "/v1/webhooks/w0/remove")
    for number in range(10):
        w.post("shop", "/v1/webhooks", webhook_id=f"more{number}", url=url, topics=["points.posted"])
    w.get("grocer", "/v1/webhooks")
    for number in range(9):
        w.post("shop", f"/v1/webhooks/more{number}/remove")
    w.post("shop", "/v1/webhooks/w1/remove")


def log(w: World) -> None:
    """Receipts, proofs and checkpoints, as a partner's audit goes through them."""
    w.join("m", Terms(price=(9, 10), exchanges=(IN, OUT), refunds="issuer_bears"))
    w.join("air", Terms(confirmed=True))
    w.join("out")
    with TemporaryDirectory() as folder, w.client("m", receipts=Receipts(folder)) as client:
        paid = Money(20_000, "USD")
        client.earn(Earning(w.name(f"e{place}"), w.card(name), w.now, paid) for place, name in enumerate("abc"))
        client.redeem(w.name("r1"), w.card("a"), 30)
        client.hold(w.name("h1"), w.card("b"), 30, 600)
        client.capture(w.name("h1"), 20)
        client.hold(w.name("h2"), w.card("b"), 1, 600)
        client.void(w.name("h2"))
        client.reverse(w.name("r1"), 7, reversal_id=w.name("v1"))
        with suppress(InsufficientPoints):
            client.redeem(w.name("r2"), w.card("a"), 3_000)
        client.refund([Refund(w.name("f1"), w.name("e0"), w.now)])
        client.transfer(w.name("t1"), w.card("b"), w.card("c"), 3)
        client.set_pool(w.name("p1"), w.name("home"), [PoolMember(w.card("a"), 1), PoolMember(w.card("b"), 1)])
        client.exchange(w.name("x1"), client.quote_exchange(w.card("c"), "out", "MILES", 100).quote_id, w.card("c"))
        w.seal()
        audit = Audit(client, Receipts(folder))
        for outcome in (audit.receipts(), audit.log(), audit.log()):
            assert outcome.faults == []
            w.outcomes.append(outcome.checked)
        first = audit.log().size
        earn(w, "air", sale(w, "e1", "a"))
        w.post("air", f"/v1/earnings/{w.name('e1')}/confirm")
        redeem(w, "out", "r1", "a", 3)
        w.seal()
        assert audit.log().faults == []
        w.outcomes.append(audit.log().size - first)
    name = w.name
    for shop, query in (
        ("m", f"event_id={name('r1')}"), ("m", f"event_id={name('h1')}/capture"), ("m", f"event_id={name('none')}"),
        ("m", f"event_id={name('r1')}&partner={name('out')}"), ("air", f"event_id={name('r1')}&partner={name('out')}"),
        ("out", f"event_id={name('r1')}&partner={name('m')}"), ("out", f"event_id={name('r1')}"),
        ("air", f"event_id={name('e1')}/confirm"), ("air", f"event_id={name('e1')}&size=1"), ("air", "event_id="),
        ("air", f"event_id={name('e1')}&size={2**60}"), ("air", ""),
    ):  # fmt: skip
        w.get(shop, f"/v1/log/proof?{query}")
    for query in ("from=0&to=1", f"from=1&to={2**60}", "from=2&to=1", "from=1", "from=3&to=3"):
        w.get("m", f"/v1/log/consistency?{query}")
    w.get("m", "/v1/log/checkpoint")


def keys(w: World) -> None:
    """Keys that are registered, approved, handed over, and ended."""
    w.join("shop")
    w.post("shop", "/v1/webhooks", webhook_id="k", url="https://93.184.216.34/k", topics=["key.expiring"])
    w.told("shop")
    first = w.keys["shop"]
    second, third, fourth, strange = (PrivateKey.generate() for _ in range(4))
    keyid = key_id(w.name("shop"), first.public)
    asked = rotation(keyid, second)
    for document in (asked | {"proof": rotation(keyid, third)["proof"]}, asked | {"environment": "live"}, asked, asked):
        w.post("shop", "/v1/keys/rotate", **document)
    w.post("shop", "/v1/keys/rotate", **rotation(keyid, third))
    w.get("shop", "/v1/ping")
    w.told("shop")
    w.take_key("shop", second)
    w.post("shop", "/v1/keys/rotate", **rotation(key_id(w.name("shop"), second.public), first))
    for key in (third, third, fourth):
        w.register("shop", key)
    w.take_key("shop", fourth)
    w.get("shop", "/v1/ping")
    w.approve("shop", fourth)
    w.get("shop", "/v1/ping")
    w.post("shop", "/v1/keys/rotate", **rotation(key_id(w.name("shop"), fourth.public), third))
    w.told("shop")
    w.take_key("shop", strange)
    w.get("shop", "/v1/ping")
    for _ in range(7):
        w.register("shop", PrivateKey.generate())


def at_random(seed: int, w: World) -> None:
    """Whatever two shops may do with three members, drawn from a seed."""
    draw = random.Random(seed)
    w.join("m", Terms(price=(9, 10), refunds=draw.choice(("debt", "within_balance", "issuer_bears"))))
    w.join("n", Terms(life_months=3, price=(2, 3), pending_days=draw.choice((0, 2)), refunds="debt"))
    for number in range(60):
        shop, member = draw.choice("mn"), draw.choice("abc")
        known, points = draw.randrange(max(number, 1)), draw.randint(1, 40)
        action = draw.randrange(8)
        if action < 3:
            earn(w, shop, sale(w, f"e{number}", member, draw.randint(1, 6_000)))
        elif action == 3:
            redeem(w, shop, f"r{number}", member, points, **draw.choice(({}, {"hold": 100_000})))
        elif action == 4:
            refund(w, shop, f"f{number}", f"e{known}", **draw.choice(({}, {"amount": usd(draw.randint(1, 3_000))})))
        elif action == 5:
            follow(w, shop, f"r{known}", draw.choice(("capture", "void")))
        elif action == 6:
            follow(w, shop, f"r{known}", "reverse", points=points, reversal_id=w.name(f"v{number}"))
        else:
            w.advance(timedelta(hours=draw.randint(1, 12)))
        look(w, shop, member)


ALL = (sales, quotes, redemptions, holds, waiting, refunds, giving, exchanges, ending, careless, magic,
       late, numbered, pools, webhooks, log, keys)  # fmt: skip
