"""Books of cycles drawn at random, held against sums that are made another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.agreements import Agreements
from settlement.core.books.checks import check, unbalanced
from settlement.core.books.entries import balances
from settlement.core.books.of_cycles import Settled, Sum, entries_of
from settlement.core.charges import Charge
from settlement.core.contracts import contract_of
from settlement.core.dues import carried, dues
from settlement.core.parties import ADJUSTMENT, BREAKAGE, COALITION, FUND, ISSUE, OPERATOR, PACK, REIMBURSEMENT

PARTNERS, CURRENCIES = ("bank", "fuel", "grocer"), ("EUR", "JPY")
DAYS = (date(2017, 1, 31), date(2017, 2, 28), date(2017, 3, 31))
TERMS = {"bank": {"role": "agent", "tax_code": "DE"}, "fuel": {"role": "principal"}}
AGREEMENTS = Agreements(
    contract_of(partner, 1, date(2017, 1, 1), {"currency": "EUR", **terms}, "") for partner, terms in TERMS.items()
)

partner, currency = st.sampled_from(PARTNERS), st.sampled_from(CURRENCIES)
minor = st.integers(-10_000, 10_000).filter(bool)
SUMS = st.one_of(
    st.builds(Sum, partner, partner, st.just(REIMBURSEMENT), st.just(""), currency, minor),
    st.builds(Sum, st.just(FUND), partner, st.just(REIMBURSEMENT), partner, currency, minor),
    st.builds(Sum, partner, st.just(FUND), st.sampled_from((ISSUE, PACK)), st.just(""), currency, minor),
    st.builds(Sum, st.just(FUND), partner, st.just(BREAKAGE), partner, currency, minor),
    st.builds(Sum, st.just(FUND), st.just(COALITION), st.just(BREAKAGE), partner, currency, minor),
    st.builds(Sum, partner, st.just(COALITION), st.just(BREAKAGE), st.just(""), currency, minor),
    st.builds(Sum, partner, st.just(COALITION), st.just(REIMBURSEMENT), st.just(""), currency, minor),
    st.builds(Sum, partner, st.sampled_from((*PARTNERS, OPERATOR)), st.just(ADJUSTMENT), st.just(""), currency, minor),
)
KINDS = st.sampled_from(("fee", "minimum", "discount", "rounding"))
CHARGES = st.one_of(
    st.builds(Charge, partner, KINDS, currency, st.just(1), *[st.just(0)] * 3, minor),
    st.builds(Charge, st.just("bank"), st.just("tax"), currency, st.just(1), *[st.just(0)] * 3, minor),
)
CYCLE = st.tuples(
    st.lists(SUMS, max_size=12, unique_by=lambda one: one[:-1]),
    st.lists(CHARGES, max_size=5, unique_by=lambda one: one[:4]),
    st.sampled_from((0, 500, 5_000)),
)


def settled(cycles: list[tuple[list[Sum], list[Charge], int]]) -> list[Settled]:
    """Cycles with the dues that follow, each with its own least payment."""
    found: list[Settled] = []
    brought: dict[tuple[str, str], int] = {}
    for day, (sums, charges, least_minor) in zip(DAYS, cycles, strict=False):
        nets, charged = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for one in sums:
            nets[one.redeemer, one.currency] += one.amount_minor
            nets[one.issuer, one.currency] -= one.amount_minor
        for charge in charges:
            charged[charge.partner, charge.currency] -= charge.amount_minor
            charged[OPERATOR, charge.currency] += charge.amount_minor
        made = dues(nets, charged, brought, _least(least_minor))
        found.append(Settled(f"{day:%Y-%m}", day, sums, charges, made))
        brought = carried(made)
    return found


def _least(minor: int) -> Callable[[str, str], int]:
    return lambda party, _: 0 if party == FUND else minor


@given(st.lists(CYCLE, min_size=1, max_size=3))
def test_any_cycles_give_books_that_hold(cycles: list[tuple[list[Sum], list[Charge], int]]) -> None:
    made = [(one, entries_of(one, AGREEMENTS)) for one in settled(cycles)]
    everything = [entry for _, entries in made for entry in entries]
    assert unbalanced(everything) == []
    assert check(made) == []
    assert len({entry.name for entry in everything}) == len(everything)
    stand, owed = balances(everything), Counter[tuple[str, str]]()
    for one, _ in made:
        for due in one.dues:
            owed[due.party, due.currency] += due.net_minor + due.charges_minor
    for name in PARTNERS:
        for code in CURRENCIES:
            both = (stand.get((f"{kind}:{name}", code), 0) for kind in ("receivable", "payable"))
            assert -sum(both) == owed[name, code]
    for code in CURRENCIES:
        assert -stand.get(("breakage", code), 0) == owed[COALITION, code]


@given(CYCLE)
def test_netting_leaves_each_partner_on_one_side(cycle: tuple[list[Sum], list[Charge], int]) -> None:
    [one] = settled([cycle])
    stand = balances(entries_of(one, AGREEMENTS))
    for due in one.dues:
        if due.party in PARTNERS:
            total = due.due_minor + due.carried_minor
            assert stand.get((f"receivable:{due.party}", due.currency), 0) == max(-total, 0)
            assert stand.get((f"payable:{due.party}", due.currency), 0) == -max(total, 0)


def test_what_a_principal_and_an_agent_post() -> None:
    """Of 100 owed for points of each: an agent passes it on, a principal has revenue and cost."""
    sums = [Sum(issuer, "grocer", REIMBURSEMENT, "", "EUR", 100) for issuer in ("bank", "fuel")]
    [one] = settled([(sums, [], 0)])
    agent, principal = entries_of(one, AGREEMENTS)[:2]
    assert agent.postings == [("receivable:bank", "payable:grocer", 100)]
    assert principal.postings == [("receivable:fuel", "points", 100), ("redemptions", "payable:grocer", 100)]


@given(CYCLE.filter(lambda cycle: any(one.issuer != one.redeemer for one in cycle[0])), st.data())
def test_a_sum_that_is_altered_dropped_or_doubled_is_found(
    cycle: tuple[list[Sum], list[Charge], int], data: st.DataObject
) -> None:
    [one] = settled([cycle])
    sums = [*one.sums]
    place = data.draw(st.sampled_from([place for place, found in enumerate(sums) if found.issuer != found.redeemer]))
    altered = data.draw(st.sampled_from(([], [sums[place]] * 2, [sums[place]._replace(amount_minor=10_001)])))
    changed = one._replace(sums=[*sums[:place], *altered, *sums[place + 1 :]])
    found = {finding.row for finding in check([(changed, entries_of(changed, AGREEMENTS))])}
    parties = {sums[place].issuer, sums[place].redeemer}
    assert found >= {f"2017-01 {OPERATOR if party == COALITION else party}" for party in parties}


@pytest.mark.parametrize("issuer", ["bank", "fuel"])
def test_points_that_expire_for_the_coalition_are_breakage_in_each_role(issuer: str) -> None:
    sums = [Sum(issuer, COALITION, REIMBURSEMENT, "", "EUR", 100), Sum(FUND, COALITION, BREAKAGE, issuer, "EUR", 7)]
    [one] = settled([(sums, [], 0)])
    posted = [one for entry in entries_of(one, AGREEMENTS) for one in entry.postings]
    assert sorted(posted) == [(f"fund:{issuer}", "breakage", 7), (f"receivable:{issuer}", "breakage", 100)]


def test_what_is_brought_and_was_not_carried_is_found() -> None:
    cycles = settled([([Sum("bank", "fuel", REIMBURSEMENT, "", "EUR", 100)], [], 5_000), ([], [], 0)])
    dues_altered = [due._replace(brought_minor=due.brought_minor + 1) for due in cycles[1].dues]
    made = [(one, entries_of(one, AGREEMENTS)) for one in (cycles[0], cycles[1]._replace(dues=dues_altered))]
    assert {finding.row for finding in check(made)} >= {"2017-02 bank", "2017-02 fuel"}
