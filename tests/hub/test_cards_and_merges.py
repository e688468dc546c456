"""Card purchases that stand again while their member is merged: all that follows from them stays with their member."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from hub.services import business_clock, members, merges, reporting
from hub.services.context import Hub
from tests.support import coalition
from tests.support.cards import LINKED, Issuer, record
from tests.support.network import broken_rows
from tests.support.services import evidence, partner

START = datetime(2017, 2, 1, 12, tzinfo=UTC)
NUMBERS = count(1)


@pytest.fixture(scope="module")
def hub(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = coalition.build(module_postgres_url, tmp_path_factory.mktemp("data")).hub
    business_clock.move(made, START)
    yield made
    assert broken_rows(made) == []
    made.database.dispose()


class Merged:
    """A member with a purchase that is charged back, and is another member by now; each has bought for 100 points."""

    def __init__(self, hub: Hub, **terms: Any) -> None:
        self.bank, number = Issuer(hub, {}, merges=True, **terms), next(NUMBERS)
        self.member, self.into, self.token = f"card:x{number}", f"card:y{number}", f"PAR-x{number}"
        self.bank.link(self.member, self.token)
        members.enrol(hub, partner(hub, self.bank.partner_id), [{"member": self.into}])
        self.bank.link(self.into, f"{self.token}-into")
        self.bank.report(record("clearing", f"{self.token}-into", 10_000, LINKED.isoformat()))
        self.bought = self.report("clearing")["event_id"]
        self.back = self.report("chargeback", refers_to=self.bought)["event_id"]
        self.merge_id = f"m{number}"
        asked = {"event_id": self.merge_id, "member": self.member, "into": self.into, "reason": "one person"}
        merges.merge(hub, self._reporter(), asked)

    def report(self, kind: str, **more: Any) -> dict[str, Any]:
        """Report a record of the purchase."""
        [result] = self.bank.report(record(kind, self.token, 10_000, LINKED.isoformat(), **more))
        assert "error" not in result, result
        return result

    def part(self) -> None:
        """Undo the merge."""
        merges.undo(self.bank.hub, self._reporter(), self.merge_id)

    def points(self) -> tuple[int, int]:
        """What the member has, and the one that it had become."""
        return self.bank.points(self.member), self.bank.points(self.into)

    def _reporter(self) -> reporting.Reporter:
        return reporting.by_partner(partner(self.bank.hub, self.bank.partner_id), evidence())


def test_what_stood_again_while_merged_is_charged_back_to_its_own_member(hub: Hub) -> None:
    merged = Merged(hub)
    merged.report("second_presentment", refers_to=merged.back)
    merged.part()
    assert merged.points() == (100, 100)
    merged.report("chargeback", refers_to=merged.bought)
    assert merged.points() == (0, 100)


def test_what_stood_again_and_was_charged_back_while_merged_is_nobodys(hub: Hub) -> None:
    merged = Merged(hub)
    merged.report("second_presentment", refers_to=merged.back)
    merged.report("chargeback", refers_to=merged.bought)
    merged.part()
    assert merged.points() == (0, 100)


def test_what_was_charged_back_while_merged_stands_again_with_its_own_member(hub: Hub) -> None:
    merged = Merged(hub)
    merged.report("second_presentment", refers_to=merged.back)
    back = merged.report("chargeback", refers_to=merged.bought)["event_id"]
    merged.part()
    merged.report("second_presentment", refers_to=back)
    assert merged.points() == (100, 100)


def test_what_stands_again_after_its_points_matured_can_be_spent_and_says_so(hub: Hub) -> None:
    merged = Merged(hub, maturity={"days": 40})
    business_clock.move(hub, START + timedelta(days=30))
    again = merged.report("second_presentment", refers_to=merged.back)
    assert (again["status"], again["available_at"]) == ("posted", "2017-03-03T12:00:00Z")
