"""Commands: the operator extends points, and gives back what has expired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from hub.services import extensions, reinstatements, reporting
from hub.services.extensions import Group
from hub.services.reinstatements import Asked
from tests.hub.machine.base import Base, outcome
from tests.hub.machine.drawing import A_PARTNER, A_PLACE, COUNTRIES, TENTHS
from tests.hub.model import living
from tests.hub.model.books import Outcome

SAME_ID = st.sampled_from([None] * 8 + [0, 1])
OPERATOR = reporting.by_operator("ada", "so it is written")


class Lives(Base):
    """Extending and reinstating."""

    @rule(
        issuer=A_PARTNER,
        days=st.integers(0, 40),
        longer=st.integers(-1, 30),
        country=st.sampled_from([None, None, *COUNTRIES]),
        again=SAME_ID,
    )
    def extend(self, issuer: str, days: int, longer: int, country: str | None, again: int | None) -> None:
        """What ends within so many days, by some days."""
        known = sorted({extension_id for extension_id, _ in self.books.extensions})
        own = f"x{next(self.numbers)}" if again is None or not known else known[-1 - again % len(known)]
        first, last = self.books.today - timedelta(days=2), self.books.today + timedelta(days=days)
        group, until = Group(issuer, first, last, country), last + timedelta(days=longer)
        self.do(lambda: self._extend(own, group, until))

    @precondition(lambda self: self.books.expiries)
    @rule(place=A_PLACE, tenths=st.none() | TENTHS, again=SAME_ID)
    def reinstate(self, place: int, tenths: int | None, again: int | None) -> None:
        """The last expiry, rather, whole or in part."""
        number = len(self.books.expiries) - 1 - place % len(self.books.expiries)
        whole = sum(points for _, points, _ in self.books.expiries[number].parts)
        points = None if tenths is None else max(1, whole * tenths // 10)
        known = [*self.books.reinstated]
        own = f"i{next(self.numbers)}" if again is None or not known else known[-1 - again % len(known)]
        self.do(lambda: self._reinstate(own, number, points))

    def _extend(self, own: str, group: Group, until: Any) -> None:
        asked = (group.issuer, group.first, group.last, until, group.country)
        expected = living.extend(self.books, own, *asked)
        found = outcome(lambda: extensions.extend(self.hub, OPERATOR, own, group, until)._asdict(), dict)
        assert found == expected

    def _reinstate(self, own: str, number: int, points: int | None) -> None:
        expected = living.reinstate(self.books, own, number, points)
        asked = Asked(own, self.books.expiries[number].event_id, points)
        assert outcome(lambda: reinstatements.reinstate(self.hub, OPERATOR, asked), _reinstated) == expected


def _reinstated(found: dict[str, Any]) -> Outcome:
    return {"lots": [(one["issuer"], one["kind"], one["points"], one["expires_on"]) for one in found["lots"]]}
