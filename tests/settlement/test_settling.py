"""After publication: the window of disputes, what stands in the way of a move, and what is due when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from settlement import cycles
from settlement.core.deadlines import Days, before_publication, from_publication, next_deadline
from settlement.core.moves import SETTLED, STATES, Move
from settlement.errors import NotPublished, SettlementRefused
from settlement.statements import summary
from tests.settlement.sample import AT, AUTHOR, close, post, redemption, to_the_end

AFTER = AT + timedelta(days=11)


def advance(connection: Connection, state: str, at: datetime = AFTER) -> Move:
    return cycles.advance(connection, "2017-01", state, author=AUTHOR, at=at)


def test_a_cycle_without_disputes_is_brought_to_its_end(published: Engine) -> None:
    with published.begin() as connection:
        to_the_end(connection)
        view = cycles.show(connection, "2017-01")
        assert tuple(move.state for move in view.moves) == STATES[1:]
        assert (view.state, view.next_step) == ("closed", None)
        assert summary(connection, "2017-01", "fuel")["state"] == "closed"
        assert close(connection, "2017-02").lines == 3


def test_nothing_is_final_while_its_lines_may_be_disputed(published: Engine) -> None:
    """Published on 1 February with ten days: the 11th is the last of them, in UTC."""
    with published.connect() as connection:
        for last in (AT, datetime(2017, 2, 11, 23, 59, 59, tzinfo=UTC)):
            with pytest.raises(
                SettlementRefused, match="may be disputed up to 2017-02-11; it can be final from 2017-02-12"
            ):
                advance(connection, "final", last)
        assert advance(connection, "final", datetime(2017, 2, 12, tzinfo=UTC)).seq == 4


def test_what_stands_in_the_way_is_named_all_of_it(published: Engine) -> None:
    def undecided(connection: Connection, cycle: str) -> list[str]:
        return [f"dispute 7 of {cycle} is undecided"]

    with published.connect() as connection:
        with pytest.raises(SettlementRefused, match=r"may be disputed up to(.|\n)*dispute 7 of 2017-01 is undecided"):
            cycles.advance(connection, "2017-01", "final", author=AUTHOR, at=AT, hindrances=[undecided])
        with pytest.raises(SettlementRefused, match="dispute 7"):
            cycles.advance(connection, "2017-01", "final", author=AUTHOR, at=AFTER, hindrances=[undecided])
        moved = cycles.advance(connection, "2017-01", "final", author=AUTHOR, at=AFTER, hindrances=[lambda *_: ()])
        assert moved.state == "final"


def test_states_are_taken_in_order_and_once(published: Engine) -> None:
    with published.connect() as connection:
        for state in SETTLED[1:]:
            with pytest.raises(SettlementRefused, match=r"is published by otto .*; it has to be"):
                advance(connection, state)
        advance(connection, "final")
        with pytest.raises(SettlementRefused, match=r"is final by olga .*; it has to be published"):
            advance(connection, "final")
        for state in ("open", "published", "nowhere"):
            with pytest.raises(SettlementRefused, match="one of final, paid_in, paid_out, closed"):
                advance(connection, state)


def test_an_unpublished_cycle_is_not_settled(posted: Engine) -> None:
    with posted.connect() as connection:
        with pytest.raises(SettlementRefused, match="is open; it has to be published"):
            advance(connection, "final")
        cycles.cut_off(connection, "2017-01", author=AUTHOR, at=AT)
        with pytest.raises(SettlementRefused, match="is cut_off by olga"):
            advance(connection, "final")
        with pytest.raises(NotPublished):
            summary(connection, "2017-01", "fuel")


def test_deadlines_are_those_of_the_calendar_until_publication_fixes_them(published: Engine) -> None:
    def days_of(ends_on: date) -> Days:
        return Days(cut_off=1, published=2)

    with published.begin() as connection:
        post(connection, redemption("march-r", "fuel", {"bank": 3}, date(2017, 3, 15)))
        view = cycles.show(connection, "2017-01", days_of=days_of)
        assert {step: str(day) for step, day in view.deadlines.items()} == {
            "disputes": "2017-02-11",
            "final": "2017-02-14",
            "paid_in": "2017-02-19",
            "paid_out": "2017-02-21",
            "closed": "2017-02-26",
        }
        listed = cycles.listing(connection, today=date(2017, 3, 2), days_of=days_of)
        assert [
            (one.cycle, one.next_step and (one.next_step.step, str(one.next_step.on), one.next_step.overdue))
            for one in listed
        ] == [
            ("2017-01", ("final", "2017-02-14", True)),
            ("2017-02", ("cut_off", "2017-03-01", True)),
            ("2017-03", ("cut_off", "2017-04-01", False)),
        ]


def test_the_next_deadline_follows_the_state() -> None:
    days = Days()
    early = before_publication(date(2017, 1, 31), days)
    late = from_publication(date(2017, 2, 5), days)
    found = [next_deadline(state, early if state in STATES[:3] else late) for state in STATES]
    assert [one and (one[0], str(one[1])) for one in found] == [
        ("cut_off", "2017-02-03"),
        ("published", "2017-02-07"),
        ("published", "2017-02-07"),
        ("final", "2017-02-18"),
        ("paid_in", "2017-02-23"),
        ("paid_out", "2017-02-25"),
        ("closed", "2017-03-02"),
        None,
    ]
