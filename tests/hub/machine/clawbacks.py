"""Commands: members pay with linked cards, and the issuer claws back what was refunded, charged back or fraud.

Each partner issues cards. What was charged back may stand again, and be charged back again. Refunds that fit no
purchase have a model of their own in `tests.hub.test_cards_by_chance`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from hub.services import card_records, cards
from partner_sdk.wire.card_records import CardRecordsRequest
from partner_sdk.wire.schemas import validate
from tests.hub.machine.base import flag
from tests.hub.machine.drawing import A_PARTNER, A_PLACE, MEMBERS, REUSED, TENTHS
from tests.hub.machine.sales import Sales, pick, told_of_sale
from tests.hub.model import presenting, returning, selling
from tests.hub.model.books import Outcome
from tests.hub.model.terms import FIRST_DAY
from tests.support import services

LINKED_AT = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)
AGAIN = ("chargeback_reversal", "second_presentment")
KINDS = st.sampled_from(["refund", "chargeback", "fraud"])


class Clawbacks(Sales):
    """Cards."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.cards: set[tuple[str, str]] = set()
        """Whose card is linked by which partner."""
        self.bought_by_card: list[tuple[str, str, str]] = []
        """Partner, member and event of each purchase."""

    @rule(
        partner=A_PARTNER,
        member=st.sampled_from(MEMBERS[:2]),
        days_ago=st.integers(0, 40),
        tens=st.integers(0, 2_000),
        reused=REUSED,
    )
    def pay_with_a_card(self, partner: str, member: str, days_ago: int, tens: int, reused: int | None) -> None:
        """A purchase, of a member whose card is linked now if it was not before."""
        self._link(partner, member)
        at = max(self.books.now - timedelta(days=days_ago), LINKED_AT)
        event_id = self.an_id(partner, "k", reused)
        sale = {
            "event_id": event_id, "member": member, "occurred_at": at.isoformat(),
            "amount": {"minor": 10 * tens + 1, "currency": "USD"},
        }  # fmt: skip
        self.do(lambda: self._pay(partner, sale))

    @precondition(lambda self: self.bought_by_card)
    @rule(place=A_PLACE, tenths=TENTHS, kind=KINDS, named=st.booleans(), reused=REUSED)
    def claw_back(self, place: int, tenths: int, kind: str, named: bool, reused: int | None) -> None:
        """Some of a purchase, rather a late one; a refund may leave it to the hub to find the purchase."""
        partner, member, sale_id = pick(self.bought_by_card[::-1], place)
        sold = self.books.sales[partner, sale_id]
        minor = max(1, sold.minor * tenths // 10)
        left = sum(
            one.left for (own, event_id), one in self.books.sales.items()
            if own == partner and sale_id in (event_id, one.part_of)
        )  # fmt: skip
        asked = {
            "event_id": self.an_id(partner, "c", reused), "refunds": sale_id, "occurred_at": self.books.now.isoformat(),
            "amount": {"minor": minor, "currency": "USD"}, "kind": kind,
        }  # fmt: skip
        found = not named and kind == "refund" and minor <= left
        self.do(lambda: self._claw_back(partner, member, asked, named=not found))

    @precondition(lambda self: self.books.charged)
    @rule(place=A_PLACE, kind=st.sampled_from(AGAIN), more=st.sampled_from([0] * 6 + [1]), reused=REUSED)
    def present_again(self, place: int, kind: str, more: int, reused: int | None) -> None:
        """What was charged back, rather a late one; perhaps not all of it, or once more."""
        partner, event_id = pick([*self.books.charged][::-1], place)
        whole = sum(back.minor for back in self.books.charged[partner, event_id].backs)
        asked = {
            "event_id": self.an_id(partner, "a", reused), "refers_to": event_id, "kind": kind,
            "occurred_at": self.books.now.isoformat(), "amount": {"minor": whole + more, "currency": "USD"},
        }  # fmt: skip
        self.do(lambda: self._present_again(partner, asked))

    def _link(self, partner: str, member: str) -> None:
        if (partner, member) in self.cards:
            return
        asked = {
            "event_id": f"l{next(self.numbers)}", "card": _token(member), "member": member, "consent": "form",
            "linked_at": LINKED_AT,
        }  # fmt: skip
        cards.link(self.hub, self.reporter(partner), asked)
        self.books.tell(partner, str(asked["event_id"]), "card-link", asked, {})
        self.cards.add((partner, member))

    def _pay(self, partner: str, sale: dict[str, Any]) -> None:
        record = {
            "event_id": sale["event_id"], "kind": "clearing", "card": _token(sale["member"]), "category": "5411",
            "occurred_at": sale["occurred_at"], "amount": sale["amount"], "merchant": sale["event_id"],
        }  # fmt: skip
        result = self._report(partner, record)
        [due] = selling.report(self.books, partner, [sale], kind=selling.BY_CARD)
        assert told_of_sale(result) == due
        purchase = (partner, sale["member"], sale["event_id"])
        if "error" not in due and purchase not in self.bought_by_card:
            self.bought_by_card.append(purchase)

    def _claw_back(self, partner: str, member: str, asked: dict[str, Any], *, named: bool) -> None:
        record = {
            "event_id": asked["event_id"], "kind": asked["kind"], "card": _token(member), "merchant": asked["refunds"],
            "occurred_at": asked["occurred_at"], "amount": asked["amount"],
        }  # fmt: skip
        result = self._report(partner, record | ({"refers_to": asked["refunds"]} if named else {}))
        due = presenting.claw_back(self.books, partner, asked)
        assert _clawed_back(result) == due

    def _present_again(self, partner: str, asked: dict[str, Any]) -> None:
        result = self._report(partner, asked | {"card": "PAR-any"})
        due = presenting.present_again(self.books, partner, asked)
        assert (told_of_sale(result) if "expires_on" in due else _noted(result)) == due

    def _report(self, partner: str, record: dict[str, Any]) -> dict[str, Any]:
        records = validate(CardRecordsRequest, {"records": [record]})["records"]
        [result] = card_records.post(self.hub, services.partner(self.hub, partner), services.evidence(), records)
        return result


def _token(member: str) -> str:
    return f"PAR-{member.removeprefix('card:')}"


def _clawed_back(result: dict[str, Any]) -> Outcome:
    if "error" in result:
        return {"error": result["error"]["code"]}
    return {name: result[name] for name in ("points", *returning.WAYS)} | flag(result)


def _noted(result: dict[str, Any]) -> Outcome:
    """What is answered to a record that moves no points by itself."""
    return {"error": result["error"]["code"]} if "error" in result else {"points": result["points"]} | flag(result)
