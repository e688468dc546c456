"""The moves of a cycle: what they lead to, when they are refused, and two operators at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial

import pytest
from sqlalchemy import Connection, Engine, text

from settlement import cycles
from settlement.core.netting import Net
from settlement.errors import SettlementRefused, UnknownCycle
from settlement.intake import record
from tests.settlement.sample import (
    APPROVER,
    AT,
    AUTHOR,
    FEBRUARY,
    JANUARY,
    LEDGER,
    close,
    post,
    redemption,
    wait_for_lock,
)

Move = Callable[[Connection, str], object]


def cut_off(connection: Connection, cycle: str = "2017-01", author: str = AUTHOR) -> object:
    return cycles.cut_off(connection, cycle, author=author, at=AT)


def calculate(connection: Connection, cycle: str = "2017-01", author: str = AUTHOR) -> object:
    return cycles.calculate(connection, cycle, author=author, at=AT)


def recalculate(connection: Connection, cycle: str = "2017-01", author: str = AUTHOR) -> object:
    return cycles.recalculate(connection, cycle, author=author, at=AT)


def test_a_closed_cycle_shows_its_matrix_and_nets(published: Engine) -> None:
    with published.connect() as connection:
        view = cycles.show(connection, "2017-01")
    matrix = {(row.issuer, row.redeemer): (row.points, row.amount_minor) for row in view.positions}
    assert matrix == {
        ("bank", "fuel"): (250, 250),
        ("bank", "grocer"): (5, 5),
        ("bank", "pharmacy"): (33, 27),
        ("fuel", "grocer"): (125, 112),
        ("grocer", "fuel"): (40, 40),
        ("grocer", "grocer"): (7, 6),
        ("grocer", "pharmacy"): (11, 9),
        ("pharmacy", "pharmacy"): (8, 6),
    }
    assert view.nets == [
        Net("bank", "USD", 0, 282, -282),
        Net("fuel", "USD", 290, 112, 178),
        Net("grocer", "USD", 117, 49, 68),
        Net("pharmacy", "USD", 36, 0, 36),
    ]
    assert (view.state, view.lines, view.ends_on) == ("published", len(JANUARY), date(2017, 1, 31))
    assert [(move.seq, move.state, move.author) for move in view.moves] == [
        (1, "cut_off", AUTHOR),
        (2, "calculated", AUTHOR),
        (3, "published", APPROVER),
    ]
    assert view.savings[0].gross_minor == 443
    assert [(pair.first, pair.second, pair.net_minor) for pair in view.pairs][-1] == ("grocer", "pharmacy", 9)


def test_cycles_follow_each_other_and_late_items_go_to_the_next(published: Engine) -> None:
    late = redemption("late-r", "fuel", {"bank": 3}, date(2017, 1, 15))
    with published.begin() as connection:
        post(connection, late)
    with published.begin() as connection:
        assert close(connection, "2017-02").lines == len(FEBRUARY) + len(late)
        assert close(connection, "2017-05").lines == 0


def test_the_list_shows_closed_and_open_cycles(published: Engine) -> None:
    with published.begin() as connection:
        post(connection, redemption("late-r", "fuel", {"bank": 3}, date(2017, 1, 15)))
        post(connection, redemption("march-r", "fuel", {"bank": 3}, date(2017, 3, 15)))
        listed = [(row.cycle, row.state, row.lines) for row in cycles.listing(connection)]
    assert listed == [("2017-01", "published", 9), ("2017-02", "open", 4), ("2017-03", "open", 1)]


def test_states_in_between_are_shown(posted: Engine) -> None:
    with posted.begin() as connection:
        assert (cycles.show(connection, "2017-01").state, cycles.show(connection, "2017-01").lines) == (
            "open",
            9,
        )
        cut_off(connection)
        assert cycles.show(connection, "2017-01").state == "cut_off"
        assert [row.lines for row in cycles.listing(connection)] == [None, 3]
        calculate(connection)
        assert cycles.show(connection, "2017-01").state == "calculated"


def test_an_empty_database_has_open_cycles_only(connection: Connection) -> None:
    assert cycles.listing(connection) == []
    assert cycles.show(connection, "2017-01").state == "open"
    assert close(connection).lines == 0


def test_unknown_cycles(published: Engine) -> None:
    with published.connect() as connection:
        with pytest.raises(UnknownCycle, match="YYYY-MM"):
            cycles.show(connection, "january")
        with pytest.raises(UnknownCycle, match="closed without it"):
            cycles.show(connection, "2016-12")


def test_moves_out_of_order_are_refused_with_the_state(posted: Engine) -> None:
    with posted.connect() as connection:
        with pytest.raises(SettlementRefused, match="is open; it has to be cut_off"):
            calculate(connection)
        cut_off(connection)
        with pytest.raises(SettlementRefused, match=r"is cut_off by olga since .*; it has to be calculated"):
            cycles.check(connection, "2017-01", LEDGER)
        with pytest.raises(SettlementRefused, match="it has to be calculated"):
            cycles.publish(connection, "2017-01", LEDGER, digest=b"", author=AUTHOR, at=AT)
        with pytest.raises(SettlementRefused, match=r"is cut_off by olga since .*; it cannot be"):
            cut_off(connection)


def test_closing_twice_or_an_older_month_is_refused(published: Engine) -> None:
    with published.connect() as connection:
        with pytest.raises(SettlementRefused, match="is published by otto"):
            close(connection)
        with pytest.raises(SettlementRefused, match="2016-12 is not after 2017-01"):
            close(connection, "2016-12")


def test_close_goes_on_where_a_cycle_stands(posted: Engine) -> None:
    with posted.begin() as connection:
        cut_off(connection)
    with posted.begin() as connection:
        calculate(connection)
    with posted.begin() as connection:
        assert close(connection).state == "published"


def test_a_cycle_is_calculated_again_when_what_it_rests_on_was_repaired(posted: Engine) -> None:
    with posted.begin() as connection:
        cut_off(connection)
        calculate(connection)
        connection.execute(text("DELETE FROM settlement.net"))
    with posted.connect() as connection, pytest.raises(SettlementRefused, match="does not add up"):
        close(connection)
    with posted.begin() as connection:
        recalculate(connection, author="rosa")
        view = close(connection)
    assert [(move.seq, move.state, move.author) for move in view.moves] == [
        (1, "cut_off", AUTHOR),
        (2, "calculated", AUTHOR),
        (3, "calculated", "rosa"),
        (4, "published", APPROVER),
    ]
    with posted.connect() as connection:
        assert cycles.audit(connection, "2017-01", LEDGER) == []
        with pytest.raises(SettlementRefused, match=r"is published by otto since .*; it has to be calculated"):
            recalculate(connection)


def test_a_refused_close_leaves_the_month_open(posted: Engine) -> None:
    with posted.begin() as connection:
        connection.execute(text("UPDATE ledger_side SET points = 6 WHERE event_id = 'b1-grocer-r' AND line = 1"))
    with (
        pytest.raises(SettlementRefused, match="grocer/b1-grocer-r/1") as refusal,
        posted.begin() as connection,
    ):
        close(connection)
    assert {finding.check for finding in refusal.value.findings} == {"ledger", "ledger position"}
    with posted.connect() as connection:
        assert cycles.show(connection, "2017-01").state == "open"


@pytest.mark.parametrize(
    ("author", "at"),
    [("", AT), ("a\nb", AT), ("x" * 201, AT), (AUTHOR, datetime(2017, 2, 1))],  # noqa: DTZ001
)
def test_a_move_needs_an_author_and_a_moment_with_a_zone(posted: Engine, author: str, at: datetime) -> None:
    with posted.connect() as connection, pytest.raises(SettlementRefused, match="a move"):
        cycles.cut_off(connection, "2017-01", author=author, at=at)


def test_totals_too_large_for_the_database_are_refused(engine: Engine) -> None:
    huge = redemption("huge-r", "fuel", {"bank": 2**62})
    with engine.begin() as connection:
        record(connection, [*huge, *(line._replace(event_id="huge2-r") for line in huge)])
    with engine.connect() as connection:
        cut_off(connection)
        with pytest.raises(SettlementRefused, match="too large"):
            calculate(connection)


def test_a_cycle_in_two_currencies_nets_each(engine: Engine) -> None:
    with engine.begin() as connection:
        post(connection, redemption("usd-r", "fuel", {"bank": 100}))
        post(connection, redemption("eur-r", "bank", {"fuel": 30}, currency="EUR"))
    with engine.begin() as connection:
        view = close(connection)
    assert [(net.partner, net.currency, net.net_minor) for net in view.nets] == [
        ("bank", "EUR", 30),
        ("bank", "USD", -100),
        ("fuel", "EUR", -30),
        ("fuel", "USD", 100),
    ]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    ("before", "move"),
    [([], cut_off), ([cut_off], calculate)],
    ids=["cut_off", "calculate"],
)
def test_of_two_operators_at_once_one_is_refused(
    posted: Engine, isolation: str, before: list[Move], move: Callable[..., object]
) -> None:
    for earlier in before:
        with posted.begin() as connection:
            earlier(connection, "2017-01")
    _second_is_refused(
        posted.execution_options(isolation_level=isolation),
        partial(move, cycle="2017-01", author="otto"),
        partial(move, cycle="2017-01", author="rosa"),
        "is .* by otto|at the same time",
    )


def test_of_two_operators_with_different_months_one_is_refused(posted: Engine) -> None:
    _second_is_refused(
        posted,
        partial(cut_off, cycle="2017-02"),
        partial(cut_off, cycle="2017-01"),
        "2017-01 is not after 2017-02|at the same time",
    )


def _second_is_refused(
    engine: Engine, first: Callable[[Connection], object], second: Callable[[Connection], object], reason: str
) -> None:
    """Let the second operator begin while the first one's transaction is open, then commit the first."""
    with ThreadPoolExecutor(1) as other_operator, engine.connect() as one, engine.connect() as other:
        other.execute(text("SELECT 1"))
        waiting = other.execute(text("SELECT pg_backend_pid()")).scalar_one()
        first(one)
        refused = other_operator.submit(second, other)
        wait_for_lock(engine, waiting)
        one.commit()
        with pytest.raises(SettlementRefused, match=reason):
            refused.result()
