"""What if a partner does not pay: both answers beside plain sums over what is owed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from settlement.core.netting import multilateral_nets
from settlement.core.positions import Position
from settlement.core.simulation import Unwound, without
from settlement.core.waterfall import Backer, Layer

NAMES = ["bank", "fuel", "garden", "grocer"]
DEBTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(["EUR", "USD"]), st.integers(-90, 900)),
    max_size=20,
)


def positions(debts: list[tuple[str, str, str, int]]) -> list[Position]:
    return [Position(issuer, redeemer, currency, 1, minor, minor, b"") for issuer, redeemer, currency, minor in debts]


@given(DEBTS, st.sampled_from(NAMES))
def test_without_a_partner_each_other_loses_what_is_between_the_two(
    debts: list[tuple[str, str, str, int]], missing: str
) -> None:
    found = without(positions(debts), missing, {}, {})
    assert all(row.partner != missing for row in found.unwound)
    for row in found.unwound:
        owed = sum(d[3] for d in debts if d[:3] == (missing, row.partner, row.currency))
        owes = sum(d[3] for d in debts if d[:3] == (row.partner, missing, row.currency))
        assert row.change_minor == owes - owed == row.without_minor - row.net_minor
    for net in multilateral_nets(positions(debts)):
        if net.partner == missing:
            assert sum(row.change_minor for row in found.unwound if row.currency == net.currency) == net.net_minor


def test_both_answers_to_one_partner_that_does_not_pay() -> None:
    """UK's net is -632517: unwound FR and SA lose; shared, its collateral bears most and the fund the rest."""
    example = positions(
        [
            ("UK", "SA", "EUR", 195886),
            ("UK", "FR", "EUR", 545455),
            ("FR", "SA", "EUR", 130591),
            ("SA", "UK", "EUR", 108824),
            ("SA", "FR", "EUR", 426136),
        ]
    )
    layers = [
        Layer("own_collateral", [Backer("UK", 600000, 1)]),
        Layer("survivors_fund", [Backer("FR", 30000, 3), Backer("SA", 10000, 1)]),
    ]
    found = without(example, "UK", {"EUR": 632517, "USD": -5}, {"EUR": layers})
    assert found.unwound == [
        Unwound("FR", "EUR", 841000, 295545, -545455),
        Unwound("SA", "EUR", -208483, -295545, -87062),
    ]
    (shared,) = found.shared
    assert [tuple(one) for one in shared.waterfall.borne] == [
        ("own_collateral", "UK", 600000),
        ("survivors_fund", "FR", 24388),
        ("survivors_fund", "SA", 8129),
    ]
