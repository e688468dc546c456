"""Commands: members give points to each other; the operator adjusts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from hub.services import adjustments, gifts
from tests.hub.machine.base import Base, outcome
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, REUSED, TENTHS
from tests.hub.model import between, owing
from tests.hub.model.books import Outcome

SAME_ID = st.sampled_from([None] * 8 + [0, 1])


class Between(Base):
    """Giving and adjusting."""

    @rule(partner=A_PARTNER, member=A_MEMBER, to=A_MEMBER, tenths=TENTHS, reused=REUSED)
    def give(self, partner: str, member: str, to: str, tenths: int, reused: int | None) -> None:
        """Some part of what a member can spend anywhere, to another or to itself."""
        has = owing.spendable(self.books, self.books.survivor(member)).total()
        asked = (self.an_id(partner, "t", reused), member, to, max(1, has * tenths // 10))
        self.do(lambda: self._give(partner, *asked))

    @rule(issuer=A_PARTNER, member=A_MEMBER, points=st.integers(-40, 60).filter(bool), again=SAME_ID)
    def adjust(self, issuer: str, member: str, points: int, again: int | None) -> None:
        """By a few points, given or taken away."""
        known = [*self.books.adjusted]
        own = f"a{next(self.numbers)}" if again is None or not known else known[-1 - again % len(known)]
        self.do(lambda: self._adjust(own, member, issuer, points))

    def _give(self, partner: str, transfer_id: str, member: str, to: str, points: int) -> None:
        expected = between.give(self.books, partner, transfer_id, member, to, points)
        asked = {"transfer_id": transfer_id, "member": member, "to": to, "points": points}
        assert outcome(lambda: gifts.give(self.hub, self.reporter(partner), asked), _given) == expected

    def _adjust(self, adjustment_id: str, member: str, issuer: str, points: int) -> None:
        expected = between.adjust(self.books, adjustment_id, member, issuer, points)
        asked = {
            "adjustment_id": adjustment_id, "member": member, "points": points, "issuer": issuer, "class": "goodwill",
            "reason": "so it is", "ticket": "T-1", "author": "ada",
        }  # fmt: skip
        assert outcome(lambda: adjustments.adjust(self.hub, asked), _adjusted) == expected


def _given(found: dict[str, Any]) -> Outcome:
    lots = [(one["issuer"], one["kind"], one["points"], one["expires_on"]) for one in found["lots"]]
    return {"points": found["points"], "lots": lots}


def _adjusted(found: dict[str, Any]) -> Outcome:
    return {"lots": [(one["kind"], one["points"], one["expires_on"]) for one in found["lots"]]}
