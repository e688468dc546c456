"""Commands: partners report sales, and confirm them; the terms that they sell at change."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from hub.services import member_settings
from tests.hub.machine import drawing
from tests.hub.machine.base import THREE_CONTRACTS, Base, flag, outcome
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, A_PLACE, MEMBERS, PARTNERS
from tests.hub.model import selling
from tests.hub.model.books import CONFLICT, Outcome
from tests.hub.model.selling import Sale
from tests.hub.model.terms import FIRST_DAY, Contract, Grant
from tests.support import services

Drawn = tuple[str, int, str, int, bool]


class Sales(Base):
    """Earning."""

    @initialize(contracts=THREE_CONTRACTS, minors=st.lists(st.integers(0, 2_000), min_size=12, max_size=12))
    def everybody_shops_everywhere(self, contracts: list[Contract], minors: list[int]) -> None:
        """In both months there have been, so that each member has lots of every issuer and of two dates."""
        for partner, contract in zip(PARTNERS, contracts, strict=True):
            self.join(partner, contract)
        drawn = zip(itertools.product(PARTNERS, MEMBERS[:2], (0, 20)), minors, strict=True)
        for (partner, member, days_ago), minor in drawn:
            self.report(partner, [self.a_sale(partner, (member, days_ago, "", minor, False), None)])

    @rule(
        partner=A_PARTNER,
        sales=st.lists(drawing.SALES, min_size=1, max_size=3),
        reused=drawing.REUSED,
        again=st.none() | st.tuples(A_PLACE, st.sampled_from(["", "store", "minor"])),
    )
    def earn(self, partner: str, sales: list[Drawn], reused: int | None, again: tuple[int, str] | None) -> None:
        """A batch of new sales, some of them wrong, perhaps with an earlier one of the partner among them."""
        batch = [self.a_sale(partner, drawn, reused if place == 0 else None) for place, drawn in enumerate(sales)]
        earlier = [
            told.content for (own, _), told in self.books.told.items() if (own, told.kind) == (partner, "earning")
        ]
        if again and earlier:
            batch.append(_altered(earlier[-1 - again[0] % len(earlier)], again[1]))
        self.do(lambda: self.report(partner, batch))

    @rule(place=A_PLACE)
    def confirm(self, place: int) -> None:
        """A sale that waits, or any event at all."""
        waiting = [key for key, told in self.books.told.items() if told.answer.get("pending")]
        partner, event_id = pick(waiting + [key for key in self.books.told if "/" not in key[1]], place)
        self.do(lambda: self._confirm(partner, event_id))

    @rule(
        partner=A_PARTNER,
        days=st.integers(-20, 5),
        terms=drawing.RATES | st.tuples(drawing.PRICES) | st.tuples(drawing.PRICES) | st.tuples(drawing.CONTRACTS),
    )
    def change_terms(self, partner: str, days: int, terms: Any) -> None:
        """A rate or a price, also of days that are over; a contract, from tomorrow on at the earliest."""
        day = max(FIRST_DAY, self.books.today + timedelta(days=days))
        if isinstance(terms[0], Grant):
            self.set_rate(partner, day, terms)
        elif isinstance(terms[0], Fraction):
            self.set_price(partner, day, terms[0])
        else:
            self.set_contract(partner, max(day, self.books.today + timedelta(days=1)), terms[0])

    @rule(member=A_MEMBER, country=st.none() | st.sampled_from(drawing.COUNTRIES))
    def move_to_a_country(self, member: str, country: str | None) -> None:
        if member in self.books.known:
            member_settings.amend(self.hub, member, jurisdiction=country or member_settings.NO_COUNTRY)
            self.books.countries[self.books.survivor(member)] = country or ""

    def report(self, partner: str, batch: list[Sale]) -> None:
        """Report sales."""
        before = set(self.books.told)
        results = services.post(self.hub, partner, *batch)
        expected = selling.report(self.books, partner, batch)
        self.books.numbers = {name: number for number, name in self.names.by_id().items()}
        self.compare_results(partner, batch, results, expected, before)

    def compare_results(
        self,
        partner: str,
        batch: list[Sale],
        results: list[dict[str, Any]],
        expected: list[Outcome],
        before: set[tuple[str, str]],
    ) -> None:
        """Hold what was answered to sales against what is due; ``before`` are the ids that were told earlier."""
        for sale, result, due in zip(batch, results, expected, strict=True):
            assert result["event_id"] == sale["event_id"]
            if due == CONFLICT and (partner, sale["event_id"]) not in before:
                # Another of this very batch has the id: a rule that forbids this one may be named instead.
                assert "error" in result
            else:
                assert told_of_sale(result) == due

    def _confirm(self, partner: str, event_id: str) -> None:
        expected = selling.confirm(self.books, partner, event_id)
        assert outcome(lambda: services.confirm(self.hub, partner, event_id), _confirmed) == expected

    def a_sale(self, partner: str, drawn: Drawn, reused: int | None) -> Sale:
        """A sale as it was drawn, under a new id or under one that is taken."""
        member, days_ago, flaw, minor, told = drawn
        at = max(self.books.now - timedelta(days=days_ago), datetime.combine(FIRST_DAY, datetime.min.time(), UTC))
        at = {"future": self.books.now + timedelta(minutes=6), "early": datetime(2016, 12, 31, tzinfo=UTC)}.get(
            flaw, at
        )
        sale: Sale = {
            "event_id": self.an_id(partner, "e", reused),
            "member": member,
            "occurred_at": at.isoformat(),
            "amount": {"minor": 10 * minor, "currency": "EUR" if flaw == "EUR" else "USD"},
        } | ({"items": drawing.basket(10 * minor)} if told else {})
        if flaw in {"stated", "misstated"}:
            sale["points"] = selling.worth(self.books, partner, sale) + (flaw == "misstated")
        return sale


def pick(things: list[Any], place: int) -> Any:
    """One of a list."""
    return things[place % len(things)]


def _altered(sale: Sale, change: str) -> Sale:
    """The sale again, or with other content under the same id."""
    if change == "minor":
        return sale | {"amount": sale["amount"] | {"minor": sale["amount"]["minor"] + 1}}
    return sale | {"store": "elsewhere"} if change else sale


def told_of_sale(result: dict[str, Any]) -> Outcome:
    """What is answered to a sale, in the model's words."""
    if "error" in result:
        assert (result["status"], result["points"]) == ("rejected", 0)
        return {"error": result["error"]["code"]}
    pending = {"pending": True} if result["status"] == "pending" else {}
    at = {"at": datetime.fromisoformat(result["available_at"])} if "available_at" in result else {}
    return {"points": result["points"], "expires_on": result["expires_on"]} | pending | at | flag(result)


def _confirmed(found: dict[str, Any]) -> Outcome:
    return {"points": found["points"], "at": datetime.fromisoformat(found["available_at"])}
