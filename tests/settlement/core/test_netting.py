"""Nets add up to zero, and do not depend on how the same debts are written down."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from settlement.core.netting import Net, explain_pairs, multilateral_nets, savings
from settlement.core.positions import Position

NAMES = ["bank", "fuel", "garden", "grocer", "kitchen"]
Debt = tuple[str, str, str, int]
DEBTS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from(["EUR", "USD"]),
        st.integers(0, 10**12),
    ),
    max_size=40,
)
EXAMPLE = [
    ("UK", "SA", "EUR", 195886),
    ("UK", "FR", "EUR", 545455),
    ("FR", "SA", "EUR", 130591),
    ("SA", "UK", "EUR", 108824),
    ("SA", "FR", "EUR", 426136),
]


def positions(debts: list[Debt]) -> list[Position]:
    return [Position(issuer, redeemer, currency, 1, minor, minor, b"") for issuer, redeemer, currency, minor in debts]


def net_of(debts: list[Debt]) -> dict[tuple[str, str], int]:
    return {(net.partner, net.currency): net.net_minor for net in multilateral_nets(positions(debts))}


@given(DEBTS)
def test_nets_of_each_currency_add_up_to_zero(debts: list[Debt]) -> None:
    nets = multilateral_nets(positions(debts))
    for currency in ("EUR", "USD"):
        assert sum(net.net_minor for net in nets if net.currency == currency) == 0
    assert all(net.net_minor == net.receive_minor - net.pay_minor for net in nets)


@given(DEBTS, st.randoms(use_true_random=False))
def test_nets_do_not_depend_on_the_order(debts: list[Debt], random: Random) -> None:
    shuffled = [*debts]
    random.shuffle(shuffled)
    assert multilateral_nets(positions(shuffled)) == multilateral_nets(positions(debts))


@given(DEBTS, st.data())
def test_nets_do_not_depend_on_how_a_debt_is_split(debts: list[Debt], data: st.DataObject) -> None:
    split: list[Debt] = []
    for issuer, redeemer, currency, minor in debts:
        part = data.draw(st.integers(0, minor))
        split += [(issuer, redeemer, currency, part), (issuer, redeemer, currency, minor - part)]
    assert net_of(split) == net_of(debts)


@given(DEBTS, st.permutations(NAMES))
def test_nets_follow_their_partners_when_these_are_renamed(debts: list[Debt], new_names: list[str]) -> None:
    new = dict(zip(NAMES, new_names, strict=True))
    renamed = [(new[issuer], new[redeemer], currency, minor) for issuer, redeemer, currency, minor in debts]
    assert net_of(renamed) == {(new[name], currency): minor for (name, currency), minor in net_of(debts).items()}


@given(DEBTS)
def test_on_us_positions_are_listed_and_not_cleared(debts: list[Debt]) -> None:
    cleared = net_of([debt for debt in debts if debt[0] != debt[1]])
    everybody = net_of(debts)
    assert {key: minor for key, minor in everybody.items() if key in cleared} == cleared
    assert all(minor == 0 for key, minor in everybody.items() if key not in cleared)


def test_example_of_three_partners() -> None:
    assert net_of(EXAMPLE) == {("UK", "EUR"): -632517, ("FR", "EUR"): 841000, ("SA", "EUR"): -208483}
    (saving,) = savings(positions(EXAMPLE))
    assert (saving.gross_minor, saving.paid_minor, saving.saved_permille) == (1406892, 841000, 402)


def test_explanation_gives_the_gross_both_ways_of_each_pair() -> None:
    pairs = {(pair.first, pair.second): pair for pair in explain_pairs(positions(EXAMPLE))}
    assert pairs.keys() == {("FR", "SA"), ("FR", "UK"), ("SA", "UK")}
    french, southern = pairs["FR", "SA"], pairs["SA", "UK"]
    assert (french.first_owes_minor, french.second_owes_minor, french.net_minor) == (130591, 426136, -295545)
    assert french.saving_minor == 2 * 130591
    assert [pair.share_minor for pair in pairs.values()] == [288907, 51170, 225815]
    assert (southern.first_owes_minor, southern.second_owes_minor, southern.net_minor) == (
        108824,
        195886,
        -87062,
    )


@given(DEBTS)
def test_the_pairs_shares_add_up_to_the_saving(debts: list[Debt]) -> None:
    """To the last unit; none is below what the pair saves between the two, nor above what it owes both ways."""
    pairs = explain_pairs(positions(debts))
    for saving in savings(positions(debts)):
        shares = sum(pair.share_minor for pair in pairs if pair.currency == saving.currency)
        assert shares == saving.gross_minor - saving.paid_minor
    for pair in pairs:
        gross = abs(pair.first_owes_minor) + abs(pair.second_owes_minor)
        assert pair.saving_minor <= pair.share_minor <= gross


def test_a_coalition_of_one_owes_nothing() -> None:
    assert multilateral_nets(positions([("fuel", "fuel", "USD", 7)])) == [Net("fuel", "USD", 0, 0, 0)]
    assert explain_pairs(positions([("fuel", "fuel", "USD", 7)])) == []
    assert savings([]) == []
