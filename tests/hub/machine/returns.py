"""Commands: purchases are returned, and redemptions reversed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.hub.machine.base import Base, outcome, stated, valued
from tests.hub.machine.drawing import A_PLACE, REUSED, TENTHS
from tests.hub.model import returning
from tests.hub.model.books import Outcome
from tests.support import services

ITEMS = st.lists(st.tuples(st.sampled_from(["apples", "bread"]), st.integers(1, 2), TENTHS), min_size=1, max_size=2)
RETURNED = st.one_of(
    st.just({}),
    st.builds(lambda tenths: {"amount": tenths}, TENTHS),
    st.builds(lambda items: {"items": items}, ITEMS),
    st.builds(lambda tenths, items: {"amount": tenths, "items": items}, TENTHS, ITEMS),
)
"""Of a sale: all that is left, or tenths of its amount, or items with tenths of their amounts, or both."""


class Returns(Base):
    """Refunding and reversing."""

    @rule(place=A_PLACE, returned=RETURNED, ahead_minutes=st.sampled_from([0, 0, 0, 0, 6]), reused=REUSED)
    def refund(self, place: int, returned: dict[str, Any], ahead_minutes: int, reused: int | None) -> None:
        """A sale, rather a late one; or any event at all."""
        keys = [key for key in [*self.books.told][::-1] if "/" not in key[1]]
        sales = [key for key in keys if key in self.books.sales]
        partner, sale_id = (sales + keys)[place % len(sales + keys)]
        sold = self.books.sales.get((partner, sale_id))
        minor = sold.minor if sold else 1_000
        asked = {"event_id": self.an_id(partner, "b", reused), "refunds": sale_id}
        asked["occurred_at"] = self.in_minutes(ahead_minutes).isoformat()
        self._refund_again(partner, asked | _returned(returned, minor))

    @precondition(lambda self: self.books.burnt)
    @rule(place=A_PLACE, tenths=st.none() | TENTHS, named=st.booleans(), reused=REUSED)
    def reverse(self, place: int, tenths: int | None, named: bool, reused: int | None) -> None:
        """A redemption, rather a late one, whole or in part; or any event at all."""
        burnt = [(partner, event_id.removesuffix("/capture")) for partner, event_id in [*self.books.burnt][::-1]]
        others = [key for key in self.books.told if "/" not in key[1]]
        partner, redemption_id = (burnt + others)[place % len(burnt + others)]
        told = self.books.told.get((partner, redemption_id))
        whole = told.content[1] if told and told.kind == "redemption" else 10
        points = None if tenths is None else max(1, whole * tenths // 10)
        reversal_id = self.an_id(partner, "v", reused) if named else None
        self.do(lambda: self._reverse(partner, redemption_id, points, reversal_id))

    def _refund_again(self, partner: str, asked: dict[str, Any]) -> None:
        def command() -> None:
            expected = returning.refund(self.books, partner, asked)
            assert _refunded(services.report_refund(self.hub, services.partner(self.hub, partner), asked)) == expected

        self.do(command)

    def _reverse(self, partner: str, redemption_id: str, points: int | None, reversal_id: str | None) -> None:
        expected = returning.reverse(self.books, partner, redemption_id, points, reversal_id)
        asked = stated(points=points, reversal_id=reversal_id)
        found = outcome(lambda: services.reverse(self.hub, partner, redemption_id, **asked), valued)
        assert self.agree_on_a_part(found, expected)

    def agree_on_a_part(self, found: Outcome, due: Outcome) -> bool:
        """Whether what was answered to a reversal is what is due."""
        return found == due


def _returned(returned: dict[str, Any], minor: int) -> dict[str, Any]:
    """What comes back of a sale of so many minor units, as the partner says it."""
    said: dict[str, Any] = {}
    if "amount" in returned:
        said["amount"] = {"minor": minor * returned["amount"] // 10, "currency": "USD"}
    if "items" in returned:
        said["items"] = [
            {"sku": sku, "category": "any", "quantity": quantity, "minor": minor // 2 * tenths // 10}
            for sku, quantity, tenths in returned["items"]
        ]
    return said


def _refunded(result: dict[str, Any]) -> Outcome:
    if "error" in result:
        return {"error": result["error"]["code"]}
    sums = {name: result[name] for name in ("points", *returning.WAYS)}
    return {"minor": result["amount"]["minor"]} | sums | ({"duplicate": True} if "duplicate" in result else {})
