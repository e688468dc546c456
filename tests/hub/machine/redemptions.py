"""Commands: points are redeemed, held, captured and voided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.hub.machine.base import Base, outcome, stated, valued
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, A_PLACE, REUSED, TENTHS
from tests.hub.model import owing, spending
from tests.hub.model.books import Hold, Outcome
from tests.support import services

SECONDS = st.sampled_from([1, 3_600, 2 * 86_400, 30 * 86_400, 30 * 86_400])
POOL = st.sampled_from(["own", "own", "pool", "pool", "pool", "any pool"])
"""Whose points: the member's own, those of the pool that it is in, or of the pool that it may not be in."""
JUST_BEFORE = timedelta(microseconds=1)
ENDS = st.sampled_from(["all", "all", "void", *range(12)])
"""How a hold ends: all or some tenths of it are captured, a little more than there is, or it is voided."""


Wish = tuple[tuple[str, str, str, int], dict[str, Any]]
"""Partner, id, member and points of a redemption, and what is said besides."""


class Redemptions(Base):
    """Redeeming, at once or by a hold."""

    @rule(partner=A_PARTNER, member=A_MEMBER, tenths=st.lists(TENTHS, min_size=1, max_size=2), pool=POOL, reused=REUSED)
    def redeem(self, partner: str, member: str, tenths: list[int], pool: str, reused: int | None) -> None:
        """One or two in a row, each for some part of the balance."""
        for part in tenths:
            self._ask(partner, self.an_id(partner, "r", reused), member, part, None, pool)

    @rule(partner=A_PARTNER, member=A_MEMBER, tenths=TENTHS, seconds=SECONDS, pool=POOL, reused=REUSED)
    def hold(self, partner: str, member: str, tenths: int, seconds: int, pool: str, reused: int | None) -> None:
        self._ask(partner, self.an_id(partner, "h", reused), member, tenths, seconds, pool)

    @precondition(lambda self: any(told.kind == "redemption" for told in self.books.told.values()))
    @rule(place=A_PLACE, how=ENDS)
    def end_hold(self, place: int, how: str | int) -> None:
        """An open one, rather; else one that has ended, or a mere redemption, which holds nothing."""
        others = [key for key, told in self.books.told.items() if told.kind == "redemption"]
        open_ones = self.open_holds()
        partner, redemption_id = (open_ones + others[::-1])[place % len(open_ones + others)]
        self._end(partner, redemption_id, how)

    @precondition(lambda self: self.open_holds())
    @rule(before=st.sampled_from([timedelta(), JUST_BEFORE]), how=st.none() | ENDS)
    def until_a_hold_lapses(self, before: timedelta, how: str | int | None) -> None:
        """To the instant on which the next one lapses, or the last one before it, and perhaps to end it then."""
        key = min(self.open_holds(), key=lambda one: (self.books.holds[one].lapses_at, one))
        self.go_to(max(self.books.now, self.books.holds[key].lapses_at - before))
        if how is not None:
            self._end(*key, how)

    def open_holds(self) -> list[tuple[str, str]]:
        """Those that can be captured now."""
        return [
            key
            for key, hold in self.books.holds.items()
            if hold.state_at(self.books.now) == "open" and key not in self.books.exchanges
        ]

    def _ask(self, partner: str, redemption_id: str, member: str, tenths: int, seconds: int | None, pool: str) -> None:
        wish = self.a_wish(partner, redemption_id, member, tenths, seconds, pool)
        self.do(lambda: self.redeem_alone(wish))

    def a_wish(
        self, partner: str, redemption_id: str, member: str, tenths: int, seconds: int | None, pool: str
    ) -> Wish:
        """What is asked for so many tenths of a balance."""
        account = self.books.survivor(member)
        pooled = self.books.pool_of(account) if pool != "own" else None
        payers = self.books.pools[pooled] if pooled else [account]
        points = max(1, sum(owing.spendable(self.books, one, partner).total() for one in payers) * tenths // 10)
        more = stated(hold=seconds, pool=True if pooled or pool == "any pool" else None)
        return (partner, redemption_id, member, points), more

    def redeem_alone(self, wish: Wish) -> None:
        """Do what is asked for."""
        asked, more = wish
        expected = spending.redeem(self.books, *asked, **more)
        assert outcome(lambda: services.redeem(self.hub, *asked, **more), redeemed) == expected

    def _end(self, partner: str, redemption_id: str, how: str | int) -> None:
        hold = self.books.holds.get((partner, redemption_id))
        points = part_of(hold, how)
        if how == "void":
            self.do(lambda: self._void(partner, redemption_id))
        else:
            self.do(lambda: self.capture_alone(partner, redemption_id, points))

    def capture_alone(self, partner: str, redemption_id: str, points: int | None) -> None:
        """Capture a hold, or so many points of it."""
        expected = spending.capture(self.books, partner, redemption_id, points)
        asked = stated(points=points)
        assert outcome(lambda: services.capture(self.hub, partner, redemption_id, **asked), captured) == expected

    def _void(self, partner: str, redemption_id: str) -> None:
        expected = spending.void(self.books, partner, redemption_id)
        assert outcome(lambda: services.void(self.hub, partner, redemption_id), _voided) == expected


def part_of(hold: Hold | None, how: str | int) -> int | None:
    """How many points of a hold are captured; None for all."""
    whole = sum(part.points for part in hold.parts) if hold else 10
    return max(1, whole * how // 10) if isinstance(how, int) else None


def redeemed(found: dict[str, Any]) -> Outcome:
    """What is answered to a redemption, in the model's words."""
    return valued(found) | (
        {"held_until": datetime.fromisoformat(found["held_until"])} if "held_until" in found else {}
    )


def captured(found: dict[str, Any]) -> Outcome:
    """What is answered to a capture, in the model's words."""
    return valued(found) | {"released": found["released"]}


def _voided(found: dict[str, Any]) -> Outcome:
    return {"points": found["points"]}
