"""Commands: members are merged and parted again, and put their points into pools."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from hub.services import household_pools, merges
from tests.hub.machine.base import Base, outcome
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, A_PLACE, MEMBERS, REUSED
from tests.hub.model import merging
from tests.hub.model.books import Outcome

PLACES = st.tuples(st.integers(1, 3), st.sampled_from([True, True, False]))
POOLED = st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, PLACES))
"""Who is in a pool, with which share, and whether it may spend."""


class Merging(Base):
    """Merging, undoing it, pooling."""

    @rule(partner=A_PARTNER, member=A_MEMBER, into=A_MEMBER, reused=REUSED)
    def merge(self, partner: str, member: str, into: str, reused: int | None) -> None:
        event_id = self.an_id(partner, "m", reused)
        self.do(lambda: self._merge(partner, event_id, member, into))

    @precondition(lambda self: self.books.merges)
    @rule(place=A_PLACE)
    def unmerge(self, place: int) -> None:
        """The last one, rather; or any event at all."""
        merged = [key for key, one in self.books.merges.items() if one.member in self.books.merged][::-1] * 3
        keys = merged + [key for key in self.books.told if "/" not in key[1]]
        partner, event_id = keys[place % len(keys)]
        self.do(lambda: self._unmerge(partner, event_id))

    @rule(partner=A_PARTNER, pool=st.sampled_from(["home", "home", "club"]), pooled=POOLED, reused=REUSED)
    def set_pool(self, partner: str, pool: str, pooled: dict[str, tuple[int, bool]], reused: int | None) -> None:
        """A new pool, another one, or none any more."""
        members = [{"member": one, "share": share, "may_spend": may} for one, (share, may) in pooled.items()]
        event_id = self.an_id(partner, "p", reused)
        self.do(lambda: self._set_pool(partner, event_id, pool, members))

    def _merge(self, partner: str, event_id: str, member: str, into: str) -> None:
        expected = merging.merge(self.books, partner, event_id, member, into)
        asked = {"event_id": event_id, "member": member, "into": into, "reason": "one person"}
        assert outcome(lambda: merges.merge(self.hub, self.reporter(partner), asked), _merged) == expected

    def _unmerge(self, partner: str, event_id: str) -> None:
        expected = merging.unmerge(self.books, partner, event_id)
        assert outcome(lambda: merges.undo(self.hub, self.reporter(partner), event_id), _merged) == expected

    def _set_pool(self, partner: str, event_id: str, pool: str, members: list[dict[str, Any]]) -> None:
        expected = merging.set_pool(self.books, partner, event_id, pool, members)
        asked = {"event_id": event_id, "pool_id": pool, "members": members}
        assert (
            outcome(lambda: household_pools.set_members(self.hub, self.reporter(partner), asked), _pooled) == expected
        )


def _merged(found: dict[str, Any]) -> Outcome:
    return {name: found[name] for name in ("points", "qualifying", "debt")}


def _pooled(found: dict[str, Any]) -> Outcome:
    return {"members": found["members"]}
