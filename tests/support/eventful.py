"""A month in which everything happens that a ledger knows, to a few members each: for tests that look at all of it.

Members are enrolled in the order of their cards, so ``card:3`` is member 3. What has a name of its own in the
ledger keeps it: ``h1`` is a hold, ``h1/capture`` what became of it, ``f1`` a refund.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import (
    business_clock,
    end_of_day,
    extensions,
    gifts,
    household_pools,
    merges,
    reinstatements,
    reporting,
)
from hub.services.context import Hub
from hub.services.extensions import Group
from hub.services.reinstatements import Asked
from hub.services.reporting import Reporter
from tests.support import coalition
from tests.support.exchange import IN, OUT, publish, take, take_step
from tests.support.services import capture, confirm, earn, evidence, partner, redeem, refund, reverse, void

LAST_DAY = date(2017, 1, 31)
OPERATOR = reporting.by_operator("ada", "a storm closed the shops")
KINDS: tuple[dict[str, object], ...] = ({}, {"kind": "promotional", "spend_at": ["market"]}, {"kind": "qualifying"})
"""What a sale at the market gives: base points, as many that are spent there only, and as many for status."""


def january(hub: Hub) -> None:
    """Let January 2017 happen to a coalition of `coalition.build`, and the first of February."""
    coalition.join(hub, "kiosk", life_months=0)
    coalition.join(hub, "lottery", life_months=0, terms={"breakage": "coalition"})
    coalition.join(hub, "market", terms={"refunds": "debt"}, gives=KINDS)
    coalition.join(hub, "sky")
    for terms in (IN, OUT):
        publish(hub, "sky", **terms)
    coalition.join(hub, "stall", terms={"maturity": {"confirmed": True}})
    _sales_and_redemptions(hub)
    _holds_and_reversals(hub)
    _returns(hub)
    _confirmations(hub)
    _among_members(hub)
    _merges(hub)
    earn(hub, "kiosk", "k1", "card:12", 900)
    earn(hub, "lottery", "l1", "card:13", 600)
    _exchanges(hub)
    business_clock.move(hub, datetime(2017, 1, 31, tzinfo=UTC))
    assert end_of_day.run(hub, LAST_DAY) == 7 + 9 + 6
    business_clock.move(hub, datetime(2017, 2, 1, tzinfo=UTC))
    _after_expiry(hub)


def _sales_and_redemptions(hub: Hub) -> None:
    """Of members 1 and 2."""
    earn(hub, "grocer", "e1", "card:1", 1_000)
    earn(hub, "grocer", "e2", "card:2", 1_000)
    earn(hub, "fuel", "e3", "card:1", 1_200)
    earn(hub, "pharmacy", "e4", "card:2", 500)
    earn(hub, "kiosk", "e5", "card:1", 900)
    redeem(hub, "fuel", "r1", "card:1", 15)
    redeem(hub, "grocer", "r2", "card:2", 3)
    with suppress(Refused):
        redeem(hub, "grocer", "r3", "card:2", 300)
    earn(hub, "kiosk", "e6", "card:2", 700)


def _holds_and_reversals(hub: Hub) -> None:
    """Of member 3: a hold that is captured and reversed in parts, one that is voided, one that will lapse."""
    earn(hub, "market", "s1", "card:3", 1_000)
    redeem(hub, "market", "h1", "card:3", 15, hold=600)
    capture(hub, "market", "h1", points=12)
    reverse(hub, "market", "h1", points=3, reversal_id="v1")
    reverse(hub, "market", "h1", points=4, reversal_id="v2")
    redeem(hub, "market", "h2", "card:3", 5, hold=600)
    void(hub, "market", "h2")
    redeem(hub, "market", "h3", "card:3", 2, hold=60)


def _returns(hub: Hub) -> None:
    """Of member 4, who has spent the points, owes some since, and has paid a part."""
    earn(hub, "market", "s2", "card:4", 1_000)
    redeem(hub, "market", "r4", "card:4", 14)
    refund(hub, "market", "f1", "s2", 400)
    assert refund(hub, "market", "f2", "s2")["owed"] > 0
    earn(hub, "market", "s3", "card:4", 300)


def _confirmations(hub: Hub) -> None:
    """Of member 5: one sale is confirmed, the other waits."""
    earn(hub, "stall", "c1", "card:5", 800)
    earn(hub, "stall", "c2", "card:5", 300)
    confirm(hub, "stall", "c1")


def _among_members(hub: Hub) -> None:
    """Of members 6 and 7: a gift, and a redemption of their pool."""
    earn(hub, "grocer", "g6", "card:6", 3_000)
    earn(hub, "grocer", "g7", "card:7", 3_000)
    gifts.give(hub, _grocer(hub), {"transfer_id": "g1", "member": "card:6", "to": "card:7", "points": 5})
    household = [{"member": f"card:{number}", "share": number, "may_spend": True} for number in (6, 7)]
    household_pools.set_members(hub, _grocer(hub), {"event_id": "p1", "pool_id": "home", "members": household})
    redeem(hub, "grocer", "r6", "card:6", 13, pool=True)


def _merges(hub: Hub) -> None:
    """Of members 8 and 9, who are merged and then served; and of 10 and 11, who are parted again."""
    for number in (8, 9, 10, 11):
        earn(hub, "grocer", f"m{number}", f"card:{number}", 1_000)
    for name, gone, kept in (("j1", 8, 9), ("j2", 10, 11)):
        asked = {"event_id": name, "member": f"card:{gone}", "into": f"card:{kept}", "reason": "one person"}
        merges.merge(hub, _grocer(hub), asked)
    merges.undo(hub, _grocer(hub), "j2")
    earn(hub, "grocer", "m12", "card:8", 200)
    redeem(hub, "grocer", "r8", "card:8", 4)


def _exchanges(hub: Hub) -> None:
    """Of member 14: out and in, each confirmed and reversed; one that is confirmed, one that failed, two open ones."""
    earn(hub, "grocer", "m14", "card:14", 90_000)
    for name, direction in (("x1", "out"), ("x2", "in")):
        take(hub, "sky", name, "card:14", direction, 100)
        take_step(hub, "sky", name, "confirm")
        take_step(hub, "sky", name, "reverse")
    for name, direction, step in (("x3", "out", "confirm"), ("x4", "out", "fail"), ("x5", "in", "confirm")):
        take(hub, "sky", name, "card:14", direction, 100)
        take_step(hub, "sky", name, step)
    take(hub, "sky", "x6", "card:14", "out", 100)
    take(hub, "sky", "x7", "card:14", "in", 100)


def _after_expiry(hub: Hub) -> None:
    """Refunds of what has expired, to its issuer and to the coalition; an extension; an open hold."""
    assert refund(hub, "kiosk", "f3", "k1", 300)["expired"] == 3
    assert refund(hub, "lottery", "f4", "l1", 200)["expired"] == 2
    reinstatements.reinstate(hub, OPERATOR, Asked("back-1", _expiry_of(hub, 12), 2))
    extensions.extend(hub, OPERATOR, "storm", Group("stall", date(2017, 7, 31), date(2017, 7, 31)), date(2017, 9, 30))
    redeem(hub, "market", "h4", "card:3", 1, hold=86_400)


def _grocer(hub: Hub) -> Reporter:
    return reporting.by_partner(partner(hub, "grocer"), evidence())


def _expiry_of(hub: Hub, member_id: int) -> str:
    with hub.database.connect() as connection:
        query = text("SELECT event_id FROM hub.event WHERE kind = 'expiry' AND member_id = :member_id")
        return str(connection.execute(query, {"member_id": member_id}).scalar_one())
