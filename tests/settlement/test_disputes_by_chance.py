"""Lives of disputes drawn at random, on the database and beside a plain model of what the rules say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select

from settlement.core.disputes import Claim, DisputedLine
from settlement.disputes import disputes
from settlement.disputes.dispute_views import withheld
from settlement.errors import DisputeRefused
from settlement.store.tables import obligation
from tests.settlement.sample import AT

LINES = {"b4-fuel-r": 250, "b5-fuel-r": 40}
"""Of January, in which fuel is owed; by the bank and by the grocer."""
OWES = {"b4-fuel-r": "bank", "b5-fuel-r": "grocer"}
STAGE = {"opened": 14, "rejected": 14, "escalated": 14, "rejected_again": 14, "arbitration": 30}
"""The usual days of each stage."""
WINDOW = 10
CLAIM = Claim("fraud")
NEXT = {"opened": "rejected", "escalated": "rejected_again", "rejected": "escalated", "rejected_again": "arbitration"}


@dataclass
class Plain:
    """A dispute as the rules have it: `day` is the one on which its stage began."""

    partner: str
    event_id: str
    minor: int
    day: int
    state: str = "opened"
    accepted: int = 0

    @property
    def left(self) -> int:
        return self.minor - self.accepted

    @property
    def taken(self) -> int:
        return self.accepted if self.state == "withdrawn" else self.minor

    def over(self, today: int) -> bool:
        return self.state in STAGE and today > self.day + STAGE[self.state]

    def go(self, state: str, today: int, minor: int = 0) -> None:
        self.state, self.day, self.accepted = state, today, self.accepted + minor


class Lives(RuleBasedStateMachine):
    """Each step is done on the database and on the model; both refuse the same and come to the same."""

    engine: Engine
    """A database with January published."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.today = 0
        self.known: dict[str, Plain] = {}

    def teardown(self) -> None:
        self.connection.close()

    @property
    def at(self) -> datetime:
        return AT + timedelta(days=self.today)

    @rule(
        event_id=st.sampled_from([*LINES]), of_debtor=st.booleans(), minor=st.integers(1, 260) | st.sampled_from([20])
    )
    def open(self, event_id: str, of_debtor: bool, minor: int) -> None:
        name, partner = f"d{len(self.known)}", OWES[event_id] if of_debtor else "fuel"
        taken = sum(one.taken for one in self.known.values() if one.event_id == event_id)
        line = DisputedLine("fuel", event_id, 1, minor)
        fits = self.today <= WINDOW and taken + minor <= LINES[event_id]
        if self.done(
            fits, lambda: disputes.open_dispute(self.connection, partner, name, "2017-01", [line], CLAIM, self.at)
        ):
            self.known[name] = Plain(partner, event_id, minor, self.today)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), share=st.integers(0, 4))
    def decide(self, data: st.DataObject, share: int) -> None:
        name, one = self.some(data)
        minor = one.left * share // 4
        fits = one.state in ("opened", "escalated", "arbitration") and not one.over(self.today)
        state = "decided" if one.state == "arbitration" else "accepted" if share == 4 else NEXT.get(one.state, "")
        if self.done(
            fits,
            lambda: disputes.decide(self.connection, one.partner, name, [minor], "so it is", author="olga", at=self.at),
        ):
            one.go("accepted" if state != "decided" and minor == one.left else state, self.today, minor)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def escalate(self, data: st.DataObject) -> None:
        name, one = self.some(data)
        fits = one.state in ("rejected", "rejected_again") and not one.over(self.today)
        claim = Claim("other", f"it is not so, {one.state} {self.today}")
        if self.done(fits, lambda: disputes.escalate(self.connection, one.partner, name, claim, self.at)):
            one.go(NEXT[one.state], self.today)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        name, one = self.some(data)
        fits = one.state == "withdrawn" or (one.state in STAGE and not one.over(self.today))
        if self.done(fits, lambda: disputes.withdraw(self.connection, one.partner, name, self.at)):
            one.go("withdrawn", self.today)

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.today += days

    @rule()
    def expire(self) -> None:
        over = {name: one for name, one in self.known.items() if one.over(self.today)}
        assert {case.dispute.dispute_id for case in disputes.expire(self.connection, self.at)} == {*over}
        for one in over.values():
            if one.state.startswith("rejected"):
                one.go("lapsed", self.today)
            else:
                one.go("decided" if one.state == "arbitration" else "accepted", self.today, one.left)

    @invariant()
    def both_say_the_same(self) -> None:
        for name, one in self.known.items():
            case = disputes.find(self.connection, one.partner, name)
            assert case is not None
            assert (case.state, sum(case.accepted)) == (one.state, one.accepted)

    @invariant()
    def the_adjustments_are_what_was_accepted(self) -> None:
        posted = select(obligation.c.origin, func.sum(obligation.c.amount_minor)).where(
            obligation.c.kind == "adjustment"
        )
        found = {row[0]: int(row[1]) for row in self.connection.execute(posted.group_by(obligation.c.origin))}
        for event_id, comes_to in LINES.items():
            own = [one for one in self.known.values() if one.event_id == event_id]
            assert sum(one.taken for one in own) <= comes_to
            less = sum(one.accepted if one.partner == "fuel" else -one.accepted for one in own)
            assert found.get(f"fuel/{event_id}", 0) == less

    @invariant()
    def what_waits_is_what_is_left_of_what_debtors_dispute(self) -> None:
        waits = {
            partner: sum(one.left for one in self.known.values() if one.partner == partner and one.state in STAGE)
            for partner in OWES.values()
        }
        due = {(partner, "USD"): minor for partner, minor in waits.items() if minor}
        total = sum(waits.values())
        assert withheld(self.connection, "2017-01") == due | ({("fuel", "USD"): -total} if total else {})

    def some(self, data: st.DataObject) -> tuple[str, Plain]:
        name = data.draw(st.sampled_from([*self.known]))
        return name, self.known[name]

    def done(self, fits: bool, call: Callable[[], object]) -> bool:
        """Whether the call did what it was to; it must be refused just where it does not fit."""
        try:
            call()
        except DisputeRefused:
            assert not fits
            return False
        assert fits
        return True


def test_lives_of_disputes(published_once: Engine) -> None:
    usual = settings(
        max_examples=5, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )

    class OnThisDatabase(Lives):
        engine = published_once

    run_state_machine_as_test(OnThisDatabase, settings=usual)
