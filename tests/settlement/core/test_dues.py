"""Dues beside a plain reckoning: what is not paid now is carried, nothing is lost, and everything adds up to zero."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.dues import Account, Due, carried, dues
from settlement.core.parties import OPERATOR
from settlement.errors import NotBalanced

PARTIES = ["bank", "fuel", "grocer", "@fund"]
MINORS = st.dictionaries(st.tuples(st.sampled_from(PARTIES), st.sampled_from(["EUR", "USD"])), st.integers(-500, 500))
LEAST = st.dictionaries(st.sampled_from(PARTIES), st.one_of(st.none(), st.integers(0, 300)))


def balanced(minors: dict[Account, int]) -> dict[Account, int]:
    """The same, and for the operator what makes each currency add up to zero."""
    rest: Counter[str] = Counter()
    for (_, currency), minor in minors.items():
        rest[currency] -= minor
    return {**minors, **{(OPERATOR, currency): minor for currency, minor in rest.items() if minor}}


@given(MINORS.map(balanced), MINORS.map(balanced), MINORS.map(balanced), LEAST)
def test_all_of_a_total_is_due_or_carried(
    nets: dict[Account, int], charges: dict[Account, int], brought: dict[Account, int], least: dict[str, int | None]
) -> None:
    rows = dues(nets, charges, brought, lambda party, _: least.get(party, 0))
    for row in rows:
        account = row[:2]
        assert row[2:5] == (nets.get(account, 0), charges.get(account, 0), brought.get(account, 0))
        total = sum(row[2:5])
        assert row.due_minor + row.carried_minor == total
        if row.party != OPERATOR:
            minimum = least.get(row.party, 0)
            paid = minimum is not None and abs(total) >= minimum
            assert row[5:] == ((total, 0) if paid else (0, total))
    for column in range(2, 7):
        for currency in ("EUR", "USD"):
            assert sum(int(row[column]) for row in rows if row.currency == currency) == 0
    assert {row[:2] for row in rows} >= {*nets, *charges, *brought} - {(OPERATOR, "EUR"), (OPERATOR, "USD")}


@given(st.lists(MINORS.map(balanced), max_size=6))
def test_what_is_carried_is_paid_in_the_end(cycles: list[dict[Account, int]]) -> None:
    """A year of small nets, and a last cycle without minimum: each party was paid what its nets come to."""
    paid: Counter[Account] = Counter()
    brought: dict[Account, int] = {}
    for nets, minimum in [*((nets, 400) for nets in cycles), (dict[Account, int](), 0)]:
        rows = dues(nets, {}, brought, partial(lambda minimum, *_: minimum, minimum))
        brought = carried(rows)
        paid.update({row[:2]: row.due_minor for row in rows})
    assert brought == {}
    owed: Counter[Account] = Counter()
    for nets in cycles:
        owed.update(nets)
    assert {key: minor for key, minor in paid.items() if minor} == {key: minor for key, minor in owed.items() if minor}


def test_the_operator_advances_what_is_carried() -> None:
    """Bank owes 70, under its minimum of 100; the others are paid all the same."""
    nets = {("bank", "EUR"): -70, ("fuel", "EUR"): 270, ("grocer", "EUR"): -200}
    rows = dues(nets, {}, {}, lambda party, _: 100 if party == "bank" else 0)
    assert rows == [
        Due(OPERATOR, "EUR", 0, 0, 0, -70, 70),
        Due("bank", "EUR", -70, 0, 0, 0, -70),
        Due("fuel", "EUR", 270, 0, 0, 270, 0),
        Due("grocer", "EUR", -200, 0, 0, -200, 0),
    ]
    assert carried(rows) == {("bank", "EUR"): -70, (OPERATOR, "EUR"): 70}


def test_what_does_not_add_up_is_refused() -> None:
    with pytest.raises(NotBalanced, match="charges in EUR add up to 5"):
        dues({}, {("bank", "EUR"): 5}, {}, lambda *_: 0)
