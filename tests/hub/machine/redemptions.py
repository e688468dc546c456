"""Commands: points are redeemed, held, captured and voided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.hub.machine.base import Base, outcome, stated, valued
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, A_PLACE, REUSED, TENTHS
from tests.hub.model import owing, spending
from tests.hub.model.books import Outcome
from tests.support import services

SECONDS = st.sampled_from([1, 3_600, 2 * 86_400, 30 * 86_400, 30 * 86_400])
POOL = st.sampled_from(["own", "own", "pool", "pool", "pool", "any pool"])
"""Whose points: the member's own, those of the pool that it is in, or of the pool that it may not be in."""
JUST_BEFORE = timedelta(microseconds=1)
ENDS = st.sampled_from(["all", "all", "void", *range(12)])
"""How a hold ends: all or some tenths of it are captured, a little more than there is, or it is voided."""


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
        open_ones = self._open()
        partner, redemption_id = (open_ones + others[::-1])[place % len(open_ones + others)]
        self._end(partner, redemption_id, how)

    @precondition(lambda self: self._open())
    @rule(before=st.sampled_from([timedelta(), JUST_BEFORE]), how=st.none() | ENDS)
    def until_a_hold_lapses(self, before: timedelta, how: str | int | None) -> None:
        """To the instant on which the next one lapses, or the last one before it, and perhaps to end it then."""
        key = min(self._open(), key=lambda one: (self.books.holds[one].lapses_at, one))
        self.go_to(max(self.books.now, self.books.holds[key].lapses_at - before))
        if how is not None:
            self._end(*key, how)

    def _open(self) -> list[tuple[str, str]]:
        return [
            key
            for key, hold in self.books.holds.items()
            if hold.state_at(self.books.now) == "open" and key not in self.books.exchanges
        ]

    def _ask(self, partner: str, redemption_id: str, member: str, tenths: int, seconds: int | None, pool: str) -> None:
        account = self.books.survivor(member)
        pooled = self.books.pool_of(account) if pool != "own" else None
        payers = self.books.pools[pooled] if pooled else [account]
        points = max(1, sum(owing.spendable(self.books, one, partner).total() for one in payers) * tenths // 10)
        more = stated(hold=seconds, pool=True if pooled or pool == "any pool" else None)

        def command() -> None:
            asked = (partner, redemption_id, member, points)
            expected = spending.redeem(self.books, *asked, **more)
            assert outcome(lambda: services.redeem(self.hub, *asked, **more), _redeemed) == expected

        self.do(command)

    def _end(self, partner: str, redemption_id: str, how: str | int) -> None:
        hold = self.books.holds.get((partner, redemption_id))
        whole = sum(part.points for part in hold.parts) if hold else 10
        points = max(1, whole * how // 10) if isinstance(how, int) else None
        if how == "void":
            self.do(lambda: self._void(partner, redemption_id))
        else:
            self.do(lambda: self._capture(partner, redemption_id, points))

    def _capture(self, partner: str, redemption_id: str, points: int | None) -> None:
        expected = spending.capture(self.books, partner, redemption_id, points)
        asked = stated(points=points)
        assert outcome(lambda: services.capture(self.hub, partner, redemption_id, **asked), _captured) == expected

    def _void(self, partner: str, redemption_id: str) -> None:
        expected = spending.void(self.books, partner, redemption_id)
        assert outcome(lambda: services.void(self.hub, partner, redemption_id), _voided) == expected


def _redeemed(found: dict[str, Any]) -> Outcome:
    return valued(found) | (
        {"held_until": datetime.fromisoformat(found["held_until"])} if "held_until" in found else {}
    )


def _captured(found: dict[str, Any]) -> Outcome:
    return valued(found) | {"released": found["released"]}


def _voided(found: dict[str, Any]) -> Outcome:
    return {"points": found["points"]}
