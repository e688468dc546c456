"""Balances of a statement: the equation, both ways of adding movements up, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.dues import Due
from settlement.core.lines import Obligation
from settlement.core.netting import Net
from settlement.core.parties import ISSUE, REIMBURSEMENT
from settlement.core.statement_balances import Balance, Charged, Movement, MovementTally, balances, expect_same
from settlement.errors import NotBalanced

MOVEMENTS = [
    Movement("EUR", ISSUE, False, 4, 900, 0, 700, 0),
    Movement("EUR", REIMBURSEMENT, False, 3, 250, 1000, 100, 50),
    Movement("EUR", REIMBURSEMENT, True, 1, -20, -30, 0, 0),
]
CHARGES = [Charged("EUR", "fee", 2, 40), Charged("EUR", "tax", 2, 8), Charged("EUR", "discount", 2, -5)]
NETS = [Net("shop", "EUR", 970, 800, 170)]
DUE = Due("shop", "EUR", 170, -43, 60, 187, 0)


def line(issuer: str, redeemer: str, points: int, kind: str = REIMBURSEMENT, currency: str = "EUR") -> Obligation:
    origin = "x/y" if points < 0 else ""
    return Obligation(
        "a", "e", 1, issuer, redeemer, points, points * 2, currency, 1, 2, 1, date(2017, 1, 1), origin, kind, ""
    )


def test_opening_movements_and_charges_give_closing() -> None:
    (balance,) = balances(NETS, [DUE], MOVEMENTS, CHARGES)
    assert (balance.opening_minor, balance.movements_minor, balance.charges_minor) == (60, 170, -43)
    assert (balance.closing_minor, balance.due_minor, balance.carried_minor) == (187, 187, 0)
    assert balance == Balance("EUR", 60, MOVEMENTS, CHARGES, 187, 0)


def test_what_is_carried_is_in_the_closing_balance() -> None:
    (balance,) = balances(NETS, [DUE._replace(due_minor=0, carried_minor=187)], MOVEMENTS, CHARGES)
    assert (balance.closing_minor, balance.due_minor) == (187, 0)


def test_a_balance_may_open_without_any_line() -> None:
    (balance,) = balances([], [Due("shop", "JPY", 0, 0, -12, -12, 0)], [], [])
    assert (balance.opening_minor, balance.movements_minor, balance.closing_minor) == (-12, 0, -12)


def test_without_dues_the_net_is_due() -> None:
    (balance,) = balances(NETS, [], MOVEMENTS, [])
    assert (balance.opening_minor, balance.due_minor, balance.carried_minor) == (0, 170, 0)


@pytest.mark.parametrize(
    ("due", "moved", "charged", "reason"),
    [
        (DUE._replace(net_minor=171), MOVEMENTS, CHARGES, "movements in EUR come to 170 minor units, 171 are stated"),
        (DUE, MOVEMENTS[:2], CHARGES, "movements in EUR come to 200 minor units, 170 are stated"),
        (DUE, MOVEMENTS, CHARGES[:2], "charges in EUR come to -48 minor units, -43 are stated"),
        (DUE._replace(brought_minor=61), MOVEMENTS, CHARGES, "come to 188 minor units, 187 are stated"),
        (DUE._replace(carried_minor=1), MOVEMENTS, CHARGES, "come to 187 minor units, 188 are stated"),
        (DUE, [*MOVEMENTS, MOVEMENTS[0]._replace(currency="JPY")], CHARGES, "in JPY, but no net and no due"),
        (DUE, MOVEMENTS, [*CHARGES, CHARGES[0]._replace(currency="JPY")], "in JPY, but no net and no due"),
    ],
)
def test_what_does_not_add_up_is_refused(due: Due, moved: list[Movement], charged: list[Charged], reason: str) -> None:
    with pytest.raises(NotBalanced, match=reason):
        balances(NETS, [due], moved, charged)


def test_lines_are_held_against_the_movements() -> None:
    stated = balances(NETS, [DUE], MOVEMENTS, CHARGES)
    expect_same(stated, MOVEMENTS)
    for other in (MOVEMENTS[:2], [*MOVEMENTS[:2], MOVEMENTS[2]._replace(lines=2)]):
        with pytest.raises(NotBalanced, match="do not come to the movements"):
            expect_same(stated, other)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["shop", "bank", "fuel"]),
            st.booleans(),
            st.integers(-50, 50).filter(bool),
            st.sampled_from([REIMBURSEMENT, ISSUE]),
            st.sampled_from(["EUR", "JPY"]),
        )
    )
)
def test_a_tally_is_what_a_plain_sum_gives(drawn: list[tuple[str, bool, int, str, str]]) -> None:
    lines = [line(*((one, "shop") if turned else ("shop", one)), *rest) for one, turned, *rest in drawn]  # type: ignore[arg-type]
    tally = MovementTally("shop")
    for one in lines:
        tally.add(one)
    movements = tally.movements()
    assert [row[:3] for row in movements] == sorted({(one.currency, one.kind, bool(one.origin)) for one in lines})
    for row in movements:
        own = [one for one in lines if (one.currency, one.kind, bool(one.origin)) == row[:3]]
        others = [one for one in own if one.issuer != one.redeemer]
        assert row.lines == len(own)
        assert row.points == sum(one.points for one in own)
        assert row.receive_minor == sum(one.amount_minor for one in others if one.redeemer == "shop")
        assert row.pay_minor == sum(one.amount_minor for one in others if one.issuer == "shop")
        assert row.on_us_minor == sum(one.amount_minor for one in own if one.issuer == one.redeemer)
