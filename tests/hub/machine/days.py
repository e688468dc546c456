"""Commands: time passes, days end and cycles are closed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from hub.services import cycles, end_of_day
from settlement.errors import SettlementRefused
from tests.hub.machine import reading
from tests.hub.machine.base import Base
from tests.hub.model import closing
from tests.hub.model.terms import month_end


class Days(Base):
    """What the operator's worker does."""

    @rule(days=st.sampled_from([0, 1, 3, 11, 31, None]), ends=st.booleans())
    def time_passes(self, days: int | None, ends: bool) -> None:
        """Some days and an hour, or (None) up to the month's last day, on which points still count; it may end."""
        last = month_end(self.books.today, 0)
        days = (last - self.books.today).days if days is None else days
        self.go_to(self.books.now + timedelta(days=days, hours=1))
        if ends:
            assert end_of_day.run(self.hub, self.books.today) == closing.end_day(self.books)
            self._name_expiries()

    def _name_expiries(self) -> None:
        """Find the hub's names of what has expired just now; both sides have the same, line by line."""
        new = [one for one in self.books.expiries if not one.event_id]
        found = reading.expiries(self.hub, self.names, [one.event_id for one in self.books.expiries])
        for event_id, line in found.items():
            same = [one for one in new if (one.member, [part[:2] for part in one.parts]) == line and not one.event_id]
            assert same
            same[0].event_id = event_id
        assert all(one.event_id for one in new)

    @rule(months=st.sampled_from([0, 1]))
    def close(self, months: int) -> None:
        """This month, which a sandbox may close before it is over, or the one before it."""
        cycle = f"{month_end(self.books.today, -months):%Y-%m}"
        if not closing.close(self.books, cycle):
            with pytest.raises(SettlementRefused, match=cycle):
                cycles.close_and_publish(self.hub, cycle, "operator", "second operator")
            return
        self.compare_cycle(cycle, cycles.close_and_publish(self.hub, cycle, "operator", "second operator"))

    def compare_cycle(self, cycle: str, shown: dict[str, Any]) -> None:
        """What was published is what the model put into the cycle."""
        pairs: Counter[tuple[str, str]] = Counter()
        nets: Counter[str] = Counter()
        for line in self.books.cycles[cycle]:
            pairs[line.issuer, line.redeemer] += line.minor
            if line.issuer != line.redeemer:
                nets[line.issuer] -= line.minor
                nets[line.redeemer] += line.minor
        assert {(one["issuer"], one["redeemer"]): one["amount_minor"] for one in shown["positions"]} == pairs
        assert Counter({one["partner"]: one["net_minor"] for one in shown["nets"] if one["net_minor"]}) == Counter(
            {partner: net for partner, net in nets.items() if net}
        )
        assert sum(nets.values()) == 0
