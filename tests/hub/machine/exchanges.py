"""Commands: points are exchanged for a partner's own currency, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from hub.core.errors import Refused
from hub.services import exchange_steps, exchanges, quotes
from tests.hub.machine.base import Base, outcome, valued
from tests.hub.machine.drawing import A_MEMBER, A_PARTNER, A_PLACE, REUSED
from tests.hub.model import exchanging, owing
from tests.hub.model.books import Outcome
from tests.hub.model.exchanging import Quote
from tests.support import services

STEPS = st.sampled_from(["confirm", "confirm", "fail", "reverse"])


class Exchanges(Base):
    """Quoting, taking, and what becomes of it."""

    @rule(
        partner=A_PARTNER,
        member=A_MEMBER,
        direction=st.sampled_from(["in", "out"]),
        pairs=st.integers(2, 30),
        late=st.sampled_from([0, 0, 0, 0, 11]),
        reused=REUSED,
        steps=st.lists(STEPS, max_size=2),
    )
    def exchange(
        self, partner: str, member: str, direction: str, pairs: int, late: int, reused: int | None, steps: list[str]
    ) -> None:
        """Take a quote, some of them too late, and perhaps go on."""
        if member not in self.books.known:
            return
        asked = {"member": member, "direction": direction, "unit": "MILES", "amount": 2 * pairs}
        if direction == "out" and +owing.debts(self.books, self.books.survivor(member)):
            with pytest.raises(Refused, match="owes"):
                quotes.quote(self.hub, services.partner(self.hub, partner), {"exchange": asked})
            return
        said = quotes.quote(self.hub, services.partner(self.hub, partner), {"exchange": asked})["exchange"]
        until = datetime.fromisoformat(said["valid_until"])
        quote = Quote(said["quote_id"], direction, said["source"], said["target"], until)
        exchange_id = self.an_id(partner, "w", reused)
        self.go_to(self.in_minutes(late))
        self.do(lambda: self._take(partner, exchange_id, member, quote))
        for step in steps:
            self._step(partner, exchange_id, step)

    @precondition(lambda self: self.books.exchanges)
    @rule(place=A_PLACE, step=STEPS)
    def take_step(self, place: int, step: str) -> None:
        """A late one, rather; or any event at all."""
        keys = [*self.books.exchanges][::-1] + [key for key in self.books.told if "/" not in key[1]]
        partner, exchange_id = keys[place % len(keys)]
        self.do(lambda: self._step(partner, exchange_id, step))

    def _take(self, partner: str, exchange_id: str, member: str, quote: Quote) -> None:
        expected = exchanging.open_one(self.books, partner, exchange_id, member, quote)
        asked = {"exchange_id": exchange_id, "quote_id": quote.quote_id, "member": member}
        taking = (services.partner(self.hub, partner), services.evidence(), asked)
        assert outcome(lambda: exchanges.take(self.hub, *taking), _exchanged) == expected

    def _step(self, partner: str, exchange_id: str, step: str) -> None:
        expected = exchanging.step(self.books, partner, exchange_id, step)
        found = outcome(
            lambda: exchange_steps.take_step(self.hub, self.reporter(partner), exchange_id, step), _exchanged
        )
        assert found == expected


def _exchanged(found: dict[str, Any]) -> Outcome:
    said = {name: found[name] for name in ("source", "target", "state")}
    return said | (valued(found) if "lots" in found else {})
